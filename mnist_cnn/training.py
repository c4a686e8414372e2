"""Training as a stream: `train` is a generator that yields its progress after every step.

Whoever consumes it, the command line's progress bar or the page, sets the pace: not asking for the next step pauses
the training, closing the generator ends it at once.
"""

import ctypes
import dataclasses
import math
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from .augmentation import NO_AUGMENTATION, Augmentation, augment
from .evaluation import accuracy
from .models import MODELS, Network
from .optim import Muon
from .preprocessing import IMAGE_SIZE, normalize
from .redrawing import redraw
from .scribbles import NO_DIGIT, scribbles
from .threads import limit_threads

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # options of glibc's mallopt; the first two in bytes

DEVICES = ("auto", "cpu", "cuda")

_CHUNK = 4096  # images augmented at a time
_SMOOTHING_IMAGES = 2000  # the running accuracy looks back over about this many images, or a thirtieth of a short run


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides what a training run computes."""

    # what is trained
    model: str = "net-25k"
    recipe: str = "ours"
    epochs: int = 1
    seed: int = 0

    # the steps
    optimizer: str = "muon"  # "muon" on the hidden kernels with SGD on the rest, or "sgd" on everything
    batch_size: int = 64
    lr: float = 0.1  # peak, of SGD
    muon_lr: float = 0.1  # peak, of Muon
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.0
    schedule: str = "linear"  # "linear": up over `warmup`, then down to 0; "one-cycle": PyTorch's, with cosines
    warmup: float = 0.2  # share of all steps

    # the loss
    label_smoothing: float = 0.0
    logit_scale: float = 1.0  # the loss sees the logits times this

    # the images
    share: float = 1.0  # of the training set that is used, chosen at random by the seed
    augmentation: Augmentation = NO_AUGMENTATION
    redrawn: float = 0.0  # share of images, drawn anew in each epoch as people draw on a screen
    scribbles: float = 0.0  # drawings that are no digit, added to the training set, as a share of it
    stratified: bool = False  # random order with each digit spread evenly, so that batches are alike in what they hold
    cropped: float = 0.0  # share of the steps, the first ones, that see a window: two fifths less work or more

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be {rule}, not {getattr(self, name)!r}"
            for name, good, rule in (
                ("model", self.model in MODELS, f"one of {', '.join(MODELS)}"),
                ("epochs", self.epochs >= 1, "at least 1"),
                ("batch_size", 2 <= self.batch_size <= 1024, "from 2 to 1024"),
                ("lr", 0 < self.lr <= 10, "above 0 and at most 10"),
                ("muon_lr", 0 < self.muon_lr <= 10, "above 0 and at most 10"),
                ("optimizer", self.optimizer in ("muon", "sgd"), "'muon' or 'sgd'"),
                ("schedule", self.schedule in ("linear", "one-cycle"), "'linear' or 'one-cycle'"),
                ("share", 0 < self.share <= 1, "above 0 and at most 1"),
                ("redrawn", 0 <= self.redrawn <= 1, "from 0 to 1"),
                ("scribbles", 0 <= self.scribbles <= 1, "from 0 to 1"),
                ("cropped", 0 <= self.cropped <= 1, "from 0 to 1"),
                ("seed", 0 <= self.seed < 2**63, "a whole number from 0 to 2**63 - 1"),
            )
            if not good
        ]
        if problems:
            raise ValueError("These settings cannot be trained with: " + "; ".join(problems) + ".")


# Ways to change the images, by what they are called; each is a few fields of `TrainingSettings`.
AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "none": {"augmentation": NO_AUGMENTATION, "redrawn": 0.0},
    "light": {"augmentation": Augmentation(degrees=8, translate=0.05, scale=0.05), "redrawn": 0.0},
    "affine": {"augmentation": Augmentation(degrees=15, translate=0.1, scale=0.1), "redrawn": 0.0},
    "redrawn": {"augmentation": NO_AUGMENTATION, "redrawn": 0.5},
}

# The recipe that the reference network was published with.
_REFERENCE = TrainingSettings(
    recipe="reference",
    optimizer="sgd",
    batch_size=32,
    lr=0.1,
    momentum=0.9,
    nesterov=False,
    weight_decay=2e-4,
    schedule="one-cycle",
    **AUGMENTATIONS["affine"],
)
# One epoch, and many.
_OURS = TrainingSettings(lr=0.2, label_smoothing=0.1, logit_scale=2.0, warmup=0.1, stratified=True, cropped=0.85)
_LONG = dataclasses.replace(_OURS, recipe="long", epochs=30, stratified=False, cropped=0.0)

RECIPES: dict[str, dict[str, TrainingSettings]] = {
    "ours": {
        "net-25k": _OURS,
        "net-8k": dataclasses.replace(_OURS, model="net-8k", warmup=0.05),
    },
    "reference": {name: dataclasses.replace(_REFERENCE, model=name) for name in MODELS},
    # Made the shipped weights, which read drawings as well as scans. The larger network learns what is no digit too,
    # and says it for both: the smaller one has no room for that.
    "long": {
        "net-25k": dataclasses.replace(_LONG, redrawn=0.7, scribbles=0.15),
        "net-8k": dataclasses.replace(_LONG, model="net-8k", lr=0.1, redrawn=0.5),
    },
}


def recipe_settings(model: str, recipe: str = "ours", **changes: Any) -> TrainingSettings:
    """A recipe's settings for a network, with some of them changed.

    Args:
        model: a key of `MODELS`.
        recipe: a key of `RECIPES`.
        changes: fields of `TrainingSettings`; those that are None stay as the recipe has them. Where `lr` changes and
            `muon_lr` is not named, it changes by the same factor.

    Raises:
        ValueError: an unknown network or recipe, or a value that cannot be trained with.
    """
    if recipe not in RECIPES:
        raise ValueError(f"There is no recipe named {recipe!r}; the recipes are {', '.join(RECIPES)}.")
    if model not in RECIPES[recipe]:
        raise ValueError(f"There is no network named {model!r}; the networks are {', '.join(RECIPES[recipe])}.")
    settings = RECIPES[recipe][model]
    given = {name: value for name, value in changes.items() if value is not None}
    if given.get("lr", settings.lr) != settings.lr:
        given.setdefault("muon_lr", settings.muon_lr * given["lr"] / settings.lr)
    return dataclasses.replace(settings, **given)


def augmentation_name(settings: TrainingSettings) -> str:
    """The key in `AUGMENTATIONS` of how settings change the images.

    Raises:
        StopIteration: they do so in a way of their own.
    """
    return next(
        name
        for name, fields in AUGMENTATIONS.items()
        if all(getattr(settings, field) == value for field, value in fields.items())
    )


def pick_device(name: str = "auto") -> torch.device:
    """The device to train on: "cpu", "cuda", or "auto" for a GPU where PyTorch finds one.

    Raises:
        ValueError: "cuda" where PyTorch finds no GPU, or another name.
    """
    if name not in DEVICES:
        raise ValueError(f"There is no device named {name!r}; the devices are {', '.join(DEVICES)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no GPU here: use --device cpu, or install a build of PyTorch for your GPU.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Progress:
    """Where a training run stands after a step.

    Attributes:
        step, steps: steps done, and in the whole run.
        epoch: the running epoch, from 1.
        images_seen: over all epochs, scribbles included.
        loss: of the last batch.
        batch_accuracy: share of its digits read right as they were shown, 0 to 1.
        smoothed_loss: the loss over the last 2,000 or so digits; in a short run, over a thirtieth of it.
        accuracy: share of these read right, 0 to 1.
        epoch_accuracy: the same since the epoch began.
        lr: the learning rate of the last step.
        seconds: spent training, without the measurements and without the consumer's own time between two steps.
        test_accuracy: 0 to 1, at the steps where it was measured, else None.
    """

    step: int
    steps: int
    epoch: int
    images_seen: int
    loss: float
    batch_accuracy: float
    smoothed_loss: float
    accuracy: float
    epoch_accuracy: float
    lr: float
    seconds: float
    test_accuracy: float | None = None

    @property
    def images_per_second(self) -> float:
        """Speed of training so far."""
        return self.images_seen / self.seconds

    @property
    def eta_seconds(self) -> float:
        """Seconds of training that are left at the speed so far."""
        return self.seconds / self.step * (self.steps - self.step)

    @property
    def done(self) -> bool:
        """Whether this was the last step."""
        return self.step == self.steps


def train(
    model: Network,
    images: torch.Tensor,
    labels: torch.Tensor,
    settings: TrainingSettings,
    test: tuple[torch.Tensor, torch.Tensor] | None = None,
    measurements: int = 1,
    added: tuple[torch.Tensor, torch.Tensor] | None = None,
    threads: int = 1,
) -> Iterator[Progress]:
    """Train a network in place, yielding progress after every step; every image is shown once an epoch.

    The same model, data, settings and threads give the same weights, bit for bit, on the same kind of processor,
    whatever else draws random numbers between the steps: a run keeps a random state of its own.

    Args:
        model: as `build_model(settings.model, settings.seed)` makes it, whose weights are only the start; the run
            takes place on its device.
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.
        settings: see `recipe_settings`.
        test: images and labels to measure the accuracy on; never trained on.
        measurements: how often to do so, evenly spread; the last is at the end, on all of `test`, the others on
            every tenth image of it.
        added: images and labels that join the settings' share of the training set.
        threads: of the processor, 1 or more. Two take two thirds of the time, if nothing else wants their cores; sums
            come out in another order, and so the weights.

    Raises:
        ValueError: no images, or not as many labels, or fewer images than a batch holds.
    """
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(f"Training needs images and as many labels, not {len(images)} and {len(labels)}.")
    if settings.share < 1:
        kept = torch.randperm(len(images), generator=torch.Generator().manual_seed(settings.seed))
        kept = kept[: max(1, round(settings.share * len(images)))]
        images, labels = images[kept], labels[kept]
    if added is not None:
        images, labels = torch.cat([images, added[0]]), torch.cat([labels, added[1]])
    if len(images) < settings.batch_size:
        raise ValueError(
            f"{settings.batch_size} images a batch are more than the {len(images)} there are to train on. Take smaller "
            "batches, or more of the training set."
        )
    device = next(model.parameters()).device
    images, labels = images.to(device), labels.to(device)
    model.to(memory_format=torch.channels_last)
    _keep_freed_memory()
    generator = torch.Generator(device).manual_seed(settings.seed)
    targets = None  # of the loss where it wants probabilities
    if settings.scribbles:
        others = scribbles(images, labels, round(settings.scribbles * len(images)), generator)
        images = torch.cat([images, others])
        labels = torch.cat([labels, labels.new_full((len(others),), NO_DIGIT)])
        targets = torch.cat([torch.eye(10), torch.full((1, 10), 0.1)]).to(device)  # (11, 10), the last for no digit
    steps_per_epoch = -(-len(images) // settings.batch_size)
    steps = steps_per_epoch * settings.epochs
    measured_at = {round(steps * k / measurements) for k in range(1, measurements + 1)} if test else set()
    optimizers = _optimizers(model, settings)
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    global_state = torch.get_rng_state()
    torch.manual_seed(settings.seed)
    own_state = torch.get_rng_state()
    torch.set_rng_state(global_state)

    step, seconds = 0, 0.0
    smoothed_loss = smoothed_share = math.nan  # of nothing, so far
    window = min(_SMOOTHING_IMAGES, len(images) * settings.epochs / 30)
    for epoch in range(1, settings.epochs + 1):
        right_in_epoch = digits_in_epoch = images_in_epoch = 0
        batches = _batches(images, labels, settings, model.SPREAD, generator)
        for _ in range(steps_per_epoch):
            started = time.perf_counter()
            global_state = torch.get_rng_state()
            torch.set_rng_state(own_state)
            with limit_threads(threads):
                x, y = next(batches)  # (B, 1, 28, 28), (B,)
                if step < settings.cropped * steps:
                    x = _window(x, model.WINDOW, generator)  # (B, 1, 24, 20)
                model.train()
                logits = model(x) * settings.logit_scale  # (B, 10)
                loss = F.cross_entropy(
                    logits, y if targets is None else targets[y], label_smoothing=settings.label_smoothing
                )
                loss.backward()
                pace = _pace(settings, step, steps)
                for optimizer, peak in zip(optimizers, peaks, strict=True):
                    optimizer.param_groups[0]["lr"] = peak * pace
                    optimizer.step()
                    optimizer.zero_grad()
            own_state = torch.get_rng_state()
            torch.set_rng_state(global_state)

            step += 1
            images_in_epoch += len(y)
            right = int((logits.argmax(1) == y).sum())
            digits = int((y != NO_DIGIT).sum())
            right_in_epoch += right
            digits_in_epoch += digits
            share, mean_loss = right / max(1, digits), loss.item()
            keep = max(0.0, 1 - digits / window) if step > 1 else 0.0
            smoothed_loss = keep * smoothed_loss + (1 - keep) * mean_loss if keep else mean_loss
            smoothed_share = keep * smoothed_share + (1 - keep) * share if keep else share
            seconds += time.perf_counter() - started
            yield Progress(
                step=step,
                steps=steps,
                epoch=epoch,
                images_seen=(epoch - 1) * len(images) + images_in_epoch,
                loss=mean_loss,
                batch_accuracy=share,
                smoothed_loss=smoothed_loss,
                accuracy=smoothed_share,
                epoch_accuracy=right_in_epoch / max(1, digits_in_epoch),
                lr=settings.lr * pace,
                seconds=seconds,
                test_accuracy=_measure(model, *test, thorough=step == steps) if test and step in measured_at else None,
            )


def _keep_freed_memory() -> None:
    """Have glibc keep the memory of freed tensors for the next step.

    By default it returns large blocks to the system, which clears each page again when a step touches it: a third of
    a step's time goes there. Elsewhere than on glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            libc.mallopt(option, 2**30)
        libc.mallopt(_M_ARENA_MAX, 1)  # or each thread that trains would keep memory of its own


def _batches(
    images: torch.Tensor,
    labels: torch.Tensor,
    settings: TrainingSettings,
    spread: tuple[float, float] | None,
    generator: torch.Generator,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch in random order: normalised images (B, 1, 28, 28) and labels (B,), augmented in large chunks."""
    order = _stratified(labels, generator) if settings.stratified else _shuffled(labels, generator)
    chunk = max(1, _CHUNK // settings.batch_size) * settings.batch_size
    for indices in order.split(chunk):
        shown = augment(images[indices], settings.augmentation, generator)  # (chunk, 28, 28)
        shown = redraw(shown, labels[indices], settings.redrawn, generator)
        inputs = normalize(shown, spread)  # (chunk, 1, 28, 28)
        yield from zip(inputs.split(settings.batch_size), labels[indices].split(settings.batch_size), strict=True)


def _shuffled(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The places of labels (N,) in random order, int64 (N,)."""
    return torch.randperm(len(labels), generator=generator, device=labels.device)


def _stratified(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The same, but any part has each label about as often as the whole: a label's k places are spread evenly."""
    order = _shuffled(labels, generator)
    order = order[labels[order].argsort(stable=True)]  # label by label, in random order within each
    counts = labels.bincount()
    first = counts.cumsum(0) - counts
    rank = torch.arange(len(labels), device=labels.device) - first[labels[order]]
    place = (rank + torch.rand(len(labels), generator=generator, device=labels.device)) / counts[labels[order]]
    return order[place.argsort(stable=True)]


def _window(x: torch.Tensor, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """A window of `size` pixels high and wide, the same of each image, within a pixel of the middle.

    Both networks read images of any size.
    """
    height, width = size
    down, right = torch.randint(-1, 2, (2,), generator=generator, device=generator.device).tolist()
    top, left = (IMAGE_SIZE - height) // 2 + down, (IMAGE_SIZE - width) // 2 + right
    return x[:, :, top : top + height, left : left + width].contiguous()


def _optimizers(model: Network, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Muon on the hidden kernels, and last SGD on all other parameters."""
    hidden = []
    if settings.optimizer == "muon":
        hidden = [model.get_parameter(f"{name}.weight") for name in model.NORMED]
    rest = [parameter for parameter in model.parameters() if all(parameter is not kernel for kernel in hidden)]
    sgd = torch.optim.SGD(
        rest,
        lr=settings.lr,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    return [Muon(hidden, lr=settings.muon_lr), sgd] if hidden else [sgd]


def _pace(settings: TrainingSettings, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, as a share of the peak."""
    if settings.schedule == "one-cycle":  # torch.optim.lr_scheduler.OneCycleLR with its defaults
        peak = 0.3 * steps - 1
        low, done = (1 / 25, step / peak) if step <= peak else (1 / 25e4, (steps - 1 - step) / (steps - 1 - peak))
        return low + (1 - low) * (1 - math.cos(math.pi * done)) / 2
    rise = max(1.0, settings.warmup * steps)
    return min((step + 1) / rise, (steps - step) / max(1.0, steps - rise), 1.0)


def _measure(model: Network, images: torch.Tensor, labels: torch.Tensor, thorough: bool) -> float:
    every = 1 if thorough else 10
    return accuracy(model, images[::every], labels[::every])
