"""Training as a stream: `train` is a generator that yields its progress after every step.

The consumer, the command line's progress bar or the page's worker, sets the pace: not asking for the next step pauses
the training, closing the generator ends it at once.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from ..constants import NUM_CLASSES
from ..data.mnist import LabelledImages
from ..evaluation import accuracy
from ..models import DigitCNN
from ..runtime import limit_threads, reuse_freed_memory
from .batches import build_training_set, epoch_batches, random_crop
from .distillation import distillation_loss
from .muon import Muon
from .progress import Progress, ProgressMeter
from .settings import TrainingSettings
from .whole_images import adapt_to_whole_images

_EVALUATED = 10  # during the run on every tenth test image, at its end on all


def train(
    model: DigitCNN,
    images: torch.Tensor,
    labels: torch.Tensor,
    settings: TrainingSettings,
    test: LabelledImages | None = None,
    evaluate_at: Sequence[float] = (1.0,),
    extra_data: LabelledImages | None = None,
    teacher: DigitCNN | None = None,
) -> Iterator[Progress]:
    """Train a model in place, yielding progress after every step; every image is seen once an epoch.

    The same model, data and settings give the same weights, bit for bit, on the same kind of CPU. For that it seeds
    PyTorch's global random state, and until the generator ends it sets PyTorch's number of threads: a run should have
    its process to itself.

    Args:
        model: as `build_model(settings.model, settings.seed)` makes it; trained from its weights, on its device.
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.
        settings: see `get_settings`.
        test: images and labels to evaluate the accuracy on; never trained on.
        evaluate_at: when, as fractions of the run; at the end on all of `test`, before that on a tenth of it.
        extra_data: images and labels that join the settings' fraction of the training set.
        teacher: a larger trained model, in evaluation mode, whose probabilities the model learns, too.

    Raises:
        ValueError: no images, or not as many labels, or fewer images than a batch holds; or the loss is not finite.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(settings.seed)  # of data and augmentation
    torch.manual_seed(settings.seed)  # of dropout
    given = images, labels
    images, labels = build_training_set(images, labels, settings, extra_data, generator)  # (N, 28, 28), (N,)
    prepare_model(model, settings)
    meter = ProgressMeter(len(images), settings)
    optimizers = make_optimizers(model, settings)
    schedulers = make_schedulers(optimizers, settings, meter.total_steps)
    targets = class_targets(device)  # (11, 10)
    target_stds = [network.TARGET_STD for network in (model, teacher) if network]
    bfloat16 = settings.precision == "bfloat16"
    crop_steps = settings.crop_fraction * meter.total_steps
    eval_steps = {round(fraction * meter.total_steps) for fraction in evaluate_at} if test else set()
    if 1 not in evaluate_at:  # of few steps, 7/8 may be rounded to all of them
        eval_steps.discard(meter.total_steps)

    with limit_threads(settings.num_threads):
        for _ in range(settings.epochs):
            meter.start()
            for *inputs, y in epoch_batches(images, labels, settings, target_stds, generator):
                x = inputs[0]  # (B, 1, 28, 28)
                on_crops = meter.step < crop_steps
                if on_crops:
                    x = random_crop(x, model.CROP_SIZE, generator)  # (B, 1, H, W)
                with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                    logits = model(x)  # (B, 10)
                logits = logits.float() * settings.logit_scale
                loss = F.cross_entropy(logits, targets[y], label_smoothing=settings.label_smoothing)
                if teacher:
                    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                        teacher_logits = teacher(inputs[1])  # (B, 10)
                    loss = distillation_loss(loss, logits, teacher_logits.float() * settings.logit_scale)
                loss.backward()
                lr = optimizers[-1].param_groups[0]["lr"]
                for optimizer, scheduler in zip(optimizers, schedulers, strict=True):
                    optimizer.step()
                    optimizer.zero_grad()
                    scheduler.step()

                progress = meter.update(logits, y, loss, lr, on_crops)
                if not math.isfinite(progress.loss):
                    raise ValueError(
                        f"Training diverged (loss is NaN or infinite) at step {progress.step}: the learning rate is "
                        "too high for this batch size. Choose a lower learning rate or a larger batch size."
                    )
                if test and progress.step in eval_steps:
                    every = 1 if progress.is_last else _EVALUATED
                    evaluated = model_to_evaluate(model, progress, settings, *given)
                    progress = dataclasses.replace(
                        progress,
                        test_accuracy=accuracy(evaluated, test[0][::every], test[1][::every]),
                        temperature=meter.temperature(),
                    )
                yield progress
                meter.start()


def model_to_evaluate(
    model: DigitCNN, progress: Progress, settings: TrainingSettings, images: torch.Tensor, labels: torch.Tensor
) -> DigitCNN:
    """The model to evaluate, or to keep, after a step: itself at the end of a run.

    Before that, where the settings have crops, a copy that is adapted to whole images.

    Args:
        model: in training.
        progress: after the step.
        settings: of the run.
        images: uint8 (N, 28, 28), the training images.
        labels: int64 (N,), theirs.
    """
    if progress.is_last or not settings.crop_fraction:
        return model
    return adapt_to_whole_images(model, images, labels)


def prepare_model(model: DigitCNN, settings: TrainingSettings) -> None:
    """Put a model into training mode, with the settings' dropout and the memory layout that trains fastest."""
    model.train().to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = settings.dropout
    reuse_freed_memory()


def class_targets(device: torch.device) -> torch.Tensor:
    """Target probabilities by label, float32 (11, 10): one-hot for digits, and last, for `NON_DIGIT`, all equal."""
    uniform = torch.full((1, NUM_CLASSES), 1 / NUM_CLASSES)
    return torch.cat([torch.eye(NUM_CLASSES), uniform]).to(device)


def make_optimizers(model: DigitCNN, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Muon for the hidden convolutions, where the settings have it, and last SGD for all other parameters."""
    hidden = []
    if settings.optimizer == "muon":
        hidden = [model.get_parameter(f"{name}.weight") for name in model.MUON_LAYERS]
    rest = [parameter for parameter in model.parameters() if all(parameter is not weight for weight in hidden)]
    sgd = torch.optim.SGD(
        rest,
        lr=settings.lr,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    return [Muon(hidden, lr=settings.muon_lr, momentum=settings.muon_momentum), sgd] if hidden else [sgd]


def make_schedulers(
    optimizers: list[torch.optim.Optimizer], settings: TrainingSettings, total_steps: int
) -> list[LRScheduler]:
    """A learning-rate scheduler for each optimizer; what the optimizer has now is its peak."""
    if settings.schedule == "one-cycle":
        return [OneCycleLR(optimizer, optimizer.param_groups[0]["lr"], total_steps) for optimizer in optimizers]
    warmup = max(1.0, settings.warmup_fraction * total_steps)

    def lr_factor(step: int) -> float:
        return min((step + 1) / warmup, (total_steps - step) / max(1.0, total_steps - warmup), 1.0)

    return [LambdaLR(optimizer, lr_factor) for optimizer in optimizers]
