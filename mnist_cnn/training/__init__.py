"""Training: settings and recipes, batches, the loop, its progress."""

from .loop import train
from .progress import Progress
from .settings import AUGMENTATIONS, RECIPES, TrainingSettings, augmentation_name, get_settings

__all__ = [
    "AUGMENTATIONS",
    "RECIPES",
    "Progress",
    "TrainingSettings",
    "augmentation_name",
    "get_settings",
    "train",
]
