"""A trained network that reads drawings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .calibration import UNCALIBRATED, Calibration, likeness
from .evaluation import predict_logits
from .models import MODELS, Network
from .preprocessing import IMAGE_SIZE, BlankSketchError, grey_levels, normalize, sketch_to_mnist
from .threads import limit_threads
from .weights import load_shipped, load_weights, save_weights

__all__ = ["BLANK", "Classifier", "Prediction", "load_classifier", "save_weights"]

JUDGE = "net-25k"  # says what is no digit, whichever network reads


@dataclass(frozen=True)
class Prediction:
    """What a network reads in one drawing.

    Attributes:
        digit: the likeliest digit, 0 to 9, or None where nothing is drawn.
        confidence: its probability, 0 to 1.
        probabilities: float32 (10,), one for each digit, summing to 1; all equal where nothing is drawn.
        image: uint8 (28, 28), the drawing in MNIST's form.
        seen: uint8 (28, 28), what the network was shown of it, see `normalize`.
        evidence: float32 (10, 7, 7), a map over what it saw for each digit; its mean is the digit's logit, of which the
            probabilities are the softmax. Zero where nothing is drawn.
        is_digit: False for a blank sketch, and for a drawing that does not look like any digit.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    image: np.ndarray
    seen: np.ndarray
    evidence: np.ndarray
    is_digit: bool


# What any network reads in a blank sketch.
BLANK = Prediction(
    digit=None,
    confidence=0.1,
    probabilities=np.full(10, 0.1, np.float32),
    image=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    seen=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    evidence=np.zeros((10, 7, 7), np.float32),
    is_digit=False,
)


class Classifier:
    """A network made ready to read.

    Args:
        model: a network of `MODELS`; set to evaluation mode.
        name: its key in `MODELS`.
        test_accuracy: share of MNIST's test set that it reads right, 0 to 1, where that is known.
        calibration: what turns its logits into probabilities, and says whether there is a digit at all.
        judge: says so in its place: what is no digit a network knows only if it was trained to, and has the room.
    """

    def __init__(
        self,
        model: Network,
        name: str,
        test_accuracy: float | None = None,
        calibration: Calibration = UNCALIBRATED,
        judge: "Classifier | None" = None,
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.test_accuracy = test_accuracy
        self.calibration = calibration
        self.judge = judge or self

    def probabilities(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Class probabilities, float32 (N, 10), of images, uint8 (N, 28, 28)."""
        if not isinstance(images, torch.Tensor):
            images = torch.from_numpy(np.array(images))  # a copy, since the array may be read-only
        return self.calibration.probabilities(predict_logits(self.model, images)).numpy()

    def likeness(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """How much images, uint8 (N, 28, 28), look like digits to the judge, float32 (N,); see `calibration.likeness`.

        What has less than the threshold of the judge's calibration is no digit.
        """
        return likeness(torch.from_numpy(self.judge.probabilities(images))).numpy()

    def predict(self, sketch: np.ndarray | Image.Image) -> Prediction:
        """Read one drawing; takes and raises what `sketch_to_mnist` does, but reads a blank sketch as no digit."""
        try:
            image = sketch_to_mnist(sketch)
        except BlankSketchError:
            return BLANK
        return self.read(image)

    @torch.inference_mode()
    def read(self, image: np.ndarray, is_digit: bool | None = None) -> Prediction:
        """Read one image that is like MNIST's already.

        Args:
            image: uint8 (28, 28).
            is_digit: what the judge said of it, where it was asked before.
        """
        with limit_threads(1):
            inputs = normalize(torch.from_numpy(image[None]), self.model.SPREAD)  # (1, 1, 28, 28)
            maps = self.model.evidence(inputs)  # (1, 10, 7, 7)
            probabilities = self.calibration.probabilities(maps.mean((2, 3)))  # (1, 10)
            if is_digit is None:
                alike = likeness(probabilities).numpy() if self.judge is self else self.likeness(image[None])  # (1,)
                is_digit = bool(alike[0] >= self.judge.calibration.threshold)
        digit = int(probabilities.argmax())
        return Prediction(
            digit=digit,
            confidence=float(probabilities[0, digit]),
            probabilities=probabilities[0].numpy(),
            image=image,
            seen=grey_levels(inputs)[0].numpy(),
            evidence=(maps[0] / self.calibration.temperature).numpy(),
            is_digit=is_digit,
        )


def load_classifier(name: str = "net-25k", path: str | Path | None = None) -> Classifier:
    """A classifier with trained weights; what is no digit, the shipped ones of `JUDGE` decide.

    Args:
        name: a key of `MODELS`, whose shipped weights are loaded.
        path: a file that `save_weights` wrote, loaded in their place; it names its own network.

    Raises:
        ValueError: no network is named `name`.
        WeightsError: the file is missing, does not fit, or is not the one that was shipped (a ValueError too).
    """
    if path is None and name not in MODELS:
        raise ValueError(f"There is no network named {name!r}; the networks are {', '.join(MODELS)}.")
    checkpoint = load_shipped(name) if path is None else load_weights(path)
    judge = None if path is None and name == JUDGE else load_classifier(JUDGE)
    return Classifier(checkpoint.model, checkpoint.name, checkpoint.test_accuracy, checkpoint.calibration, judge)
