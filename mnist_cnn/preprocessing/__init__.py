"""From any image to a model's input. Training uses the same `normalize`."""

from ..constants import MNIST_MEAN, MNIST_STD
from .ink import BlankSketchError
from .normalization import denormalize, normalize
from .pipeline import PreprocessingStages, preprocess_with_stages, sketch_to_mnist
from .segmentation import MAX_DIGITS, segment_number

__all__ = [
    "MAX_DIGITS",
    "MNIST_MEAN",
    "MNIST_STD",
    "BlankSketchError",
    "PreprocessingStages",
    "denormalize",
    "normalize",
    "preprocess_with_stages",
    "segment_number",
    "sketch_to_mnist",
]
