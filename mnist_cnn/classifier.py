"""A trained network that reads drawings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from .evaluation import predict_logits
from .models import MODELS
from .preprocessing import IMAGE_SIZE, BlankSketchError, sketch_to_mnist
from .weights import load_weights, save_weights, weights_path

__all__ = ["Classifier", "Prediction", "load_classifier", "save_weights"]


@dataclass(frozen=True)
class Prediction:
    """What a network reads in one drawing.

    Attributes:
        digit: the likeliest digit, 0 to 9, or None where nothing is drawn.
        confidence: its probability, 0 to 1.
        probabilities: float32 (10,), one for each digit, summing to 1; all equal where nothing is drawn.
        image: uint8 (28, 28), what the network saw.
        is_digit: False for a blank sketch.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    image: np.ndarray
    is_digit: bool


class Classifier:
    """A network made ready to read.

    Args:
        model: maps normalised images (N, 1, 28, 28) to logits (N, 10); set to evaluation mode.
        name: its key in `MODELS`.
        test_accuracy: share of MNIST's test set that it reads right, 0 to 1, where that is known.
        temperature: divides the logits before they become probabilities.
    """

    def __init__(
        self, model: nn.Module, name: str, test_accuracy: float | None = None, temperature: float = 1.0
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.test_accuracy = test_accuracy
        self.temperature = temperature

    def probabilities(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Class probabilities, float32 (N, 10), of images, uint8 (N, 28, 28)."""
        if not isinstance(images, torch.Tensor):
            images = torch.from_numpy(np.array(images))  # a copy, since the array may be read-only
        logits = predict_logits(self.model, images)  # (N, 10)
        return (logits / self.temperature).softmax(dim=1).numpy()

    def predict(self, sketch: np.ndarray | Image.Image) -> Prediction:
        """Read one drawing; takes and raises what `sketch_to_mnist` does, but reads a blank sketch as no digit."""
        try:
            image = sketch_to_mnist(sketch)
        except BlankSketchError:
            blank = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
            uniform = np.full(10, 0.1, np.float32)
            return Prediction(digit=None, confidence=0.1, probabilities=uniform, image=blank, is_digit=False)
        probabilities = self.probabilities(image[None])[0]  # (10,)
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), probabilities, image, is_digit=True)


def load_classifier(name: str = "net-25k", path: str | Path | None = None) -> Classifier:
    """A classifier with trained weights.

    Args:
        name: a key of `MODELS`, whose shipped weights are loaded.
        path: a file that `save_weights` wrote, loaded in their place; it names its own network.

    Raises:
        ValueError: no network is named `name`.
        WeightsError: the file is missing or does not fit (a ValueError too).
    """
    if path is None and name not in MODELS:
        raise ValueError(f"There is no network named {name!r}; the networks are {', '.join(MODELS)}.")
    checkpoint = load_weights(weights_path(name) if path is None else path)
    return Classifier(checkpoint.model, checkpoint.name, checkpoint.test_accuracy, checkpoint.temperature)
