"""What decides the result of a training run, and the recipes: settings that were found to work."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..data.affine import NO_AFFINE, AffineRanges
from ..models import DEFAULT_MODEL, MODELS, TEACHER, TRAINABLE
from ..runtime import has_bfloat16

# Smallest and largest value of each number.
LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "seed": (0, 2**31 - 1),
    "num_threads": (1, 64),
    "batch_size": (2, 1024),
    "lr": (1e-4, 10),
    "muon_lr": (1e-4, 10),
    "momentum": (0, 0.999),
    "muon_momentum": (0, 0.999),
    "weight_decay": (0, 1),
    "warmup_fraction": (0, 1),
    "label_smoothing": (0, 0.9),
    "logit_scale": (0.1, 10),
    "dropout": (0, 0.9),
    "train_fraction": (0.001, 1),
    "stroke_augmentation": (0, 1),
    "outlier_fraction": (0, 1),
    "handwriting_fraction": (0, 5),
    "crop_fraction": (0, 1),
}
OPTIMIZERS = ("muon", "sgd")
SCHEDULES = ("linear", "one-cycle")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides what a training run does with its data and initial weights; saved with the weights.

    Raises:
        ValueError: a name is unknown, or a number lies outside `LIMITS`; the message names every such setting.
    """

    # run
    model: str = DEFAULT_MODEL
    recipe: str = "default"
    epochs: int = 1
    seed: int = 0  # of initialisation, shuffling, augmentation and dropout
    num_threads: int = 1  # of the CPU; other numbers sum in another order, and so give slightly other weights
    precision: str = "float32"  # of the model's layers on the CPU; weights, loss and optimizer are float32 in any case

    # optimisation
    optimizer: str = "muon"  # "muon" for the hidden convolutions with SGD for the rest, or "sgd" for everything
    batch_size: int = 64
    lr: float = 0.2  # peak, of SGD
    muon_lr: float = 0.1  # peak, of Muon, relative to the norm of the weights
    momentum: float = 0.9
    muon_momentum: float = 0.6
    nesterov: bool = True  # of SGD
    weight_decay: float = 0.0
    schedule: str = "linear"  # "linear": up over the warm-up, then down to 0; "one-cycle": PyTorch's OneCycleLR
    warmup_fraction: float = 0.1  # of all steps

    # regularisation
    label_smoothing: float = 0.1
    logit_scale: float = 2.0  # multiplies the logits in the loss
    dropout: float = 0.0

    # data
    train_fraction: float = 1.0  # of the training set, drawn at random with the seed
    affine: AffineRanges = NO_AFFINE
    stroke_augmentation: float = 0.0  # probability that an image's strokes are re-rendered, see `augment_strokes`
    handwriting_fraction: float = 0.0  # written digits, new ones each epoch, added as a fraction of the training set
    outlier_fraction: float = 0.0  # drawings that are no digit, added as a fraction of the training set
    stratified: bool = True  # shuffle so that every batch has nearly the class frequencies of the training set
    crop_fraction: float = 0.85  # of all steps, the first ones, which train on crops: a third less work or more

    def __post_init__(self) -> None:
        names = {"model": TRAINABLE, "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "precision": PRECISIONS}
        problems = [
            f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}"
            for name, known in names.items()
            if getattr(self, name) not in known
        ]
        problems += [
            f"{name} must be from {low} to {high}, not {getattr(self, name)!r}"
            for name, (low, high) in LIMITS.items()
            if not low <= getattr(self, name) <= high
        ]
        if problems:
            raise ValueError("Invalid training settings: " + "; ".join(problems) + ".")


# Named kinds of augmentation; each is a few fields of `TrainingSettings`.
AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "none": {"affine": NO_AFFINE, "stroke_augmentation": 0.0},
    "light": {"affine": AffineRanges(degrees=8, translate=0.05, scale=0.05), "stroke_augmentation": 0.0},
    "affine": {"affine": AffineRanges(degrees=15, translate=0.1, scale=0.1), "stroke_augmentation": 0.0},
    "strokes": {"affine": NO_AFFINE, "stroke_augmentation": 0.5},
}

# One epoch.
_DEFAULT = TrainingSettings()
# The recipe that the reference model was published with.
_REFERENCE = TrainingSettings(
    recipe="reference",
    optimizer="sgd",
    batch_size=32,
    lr=0.1,
    momentum=0.9,  # where OneCycleLR starts; with its defaults it moves between 0.85 and 0.95
    nesterov=False,
    weight_decay=2e-4,
    schedule="one-cycle",
    label_smoothing=0.0,
    logit_scale=1.0,
    dropout=0.03,
    stratified=False,
    crop_fraction=0.0,
    **AUGMENTATIONS["affine"],
)
# Many epochs: for the pretrained weights, which classify drawings as well as scans, and their teacher. net-25k also
# learns what is no digit, and rejects for both: net-8k has no capacity for that.
_PRETRAINED = dataclasses.replace(_DEFAULT, recipe="pretrained", epochs=50, stratified=False, crop_fraction=0.0)
# Some seconds that teach a trained model a user's drawings, beside a sample of everything that it must not forget.
_FINE_TUNING = dataclasses.replace(
    _DEFAULT,
    recipe="fine-tuning",
    lr=0.01,
    muon_lr=0.005,
    train_fraction=0.1,
    stroke_augmentation=0.3,
    outlier_fraction=0.2,
    handwriting_fraction=0.2,
    # The scale that calibrates the pretrained models, so that they have nothing to learn but the drawings.
    label_smoothing=0.0,
    logit_scale=2.65,
    stratified=False,
    crop_fraction=0.0,
)

RECIPES: dict[str, dict[str, TrainingSettings]] = {
    "default": {
        "net-25k": dataclasses.replace(_DEFAULT, batch_size=96, lr=0.25, muon_lr=0.125),
        "net-8k": dataclasses.replace(_DEFAULT, model="net-8k", warmup_fraction=0.05),
    },
    "reference": {name: dataclasses.replace(_REFERENCE, model=name) for name in MODELS},
    "pretrained": {
        "net-25k": dataclasses.replace(
            _PRETRAINED, stroke_augmentation=0.3, outlier_fraction=0.3, handwriting_fraction=0.5
        ),
        "net-8k": dataclasses.replace(
            _PRETRAINED, model="net-8k", lr=0.1, stroke_augmentation=0.5, handwriting_fraction=0.6
        ),
        TEACHER: dataclasses.replace(
            _PRETRAINED,
            model=TEACHER,
            epochs=20,
            batch_size=128,
            lr=0.3,
            muon_lr=0.15,
            label_smoothing=0.0,
            dropout=0.03,
            stroke_augmentation=0.3,
            outlier_fraction=0.3,
            handwriting_fraction=0.5,
        ),
    },
    "fine-tuning": {name: dataclasses.replace(_FINE_TUNING, model=name) for name in MODELS},
}


def get_settings(model: str, recipe: str = "default", **changes: Any) -> TrainingSettings:
    """A recipe's settings for a model, with some of them changed.

    The recipe `default` has the precision bfloat16 where `has_bfloat16`.

    Args:
        model: a key of `TRAINABLE`.
        recipe: a key of `RECIPES`.
        changes: fields of `TrainingSettings`; those that are None stay as in the recipe. Where `lr` changes and
            `muon_lr` is not given, `muon_lr` changes by the same factor.

    Raises:
        ValueError: an unknown model or recipe, or an invalid value.
    """
    if recipe not in RECIPES:
        raise ValueError(f"Unknown recipe {recipe!r}. Available: {', '.join(RECIPES)}.")
    if model not in RECIPES[recipe]:
        available = ", ".join(name for name, models in RECIPES.items() if model in models)
        if not available:
            raise ValueError(f"Unknown model {model!r}. Available: {', '.join(TRAINABLE)}.")
        raise ValueError(f"The recipe {recipe!r} has no settings for {model}. Recipes that have: {available}.")
    settings = RECIPES[recipe][model]
    if recipe == "default" and has_bfloat16():
        settings = dataclasses.replace(settings, precision="bfloat16")
    given = {name: value for name, value in changes.items() if value is not None}
    if given.get("lr", settings.lr) != settings.lr:
        given.setdefault("muon_lr", settings.muon_lr * given["lr"] / settings.lr)
    return dataclasses.replace(settings, **given)


def augmentation_name(settings: TrainingSettings) -> str:
    """The key in `AUGMENTATIONS` of what the settings do to the images, or "custom"."""
    return next(
        (
            name
            for name, fields in AUGMENTATIONS.items()
            if all(getattr(settings, field) == value for field, value in fields.items())
        ),
        "custom",
    )
