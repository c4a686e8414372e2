"""A trained network that reads drawings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .calibration import UNCALIBRATED, Calibration, top2_probability
from .checkpoint import load_checkpoint, load_pretrained, save_checkpoint
from .constants import IMAGE_SIZE
from .evaluation import predict_logits
from .models import MODELS, DigitCNN
from .preprocessing import BlankSketchError, denormalize, normalize, sketch_to_mnist
from .runtime import limit_threads

__all__ = ["BLANK_PREDICTION", "Classifier", "Prediction", "load_classifier", "save_checkpoint"]

REJECTION_MODEL = "net-25k"  # says what is no digit, whichever network reads


@dataclass(frozen=True)
class Prediction:
    """What a network reads in one drawing.

    Attributes:
        digit: the likeliest digit, 0 to 9, or None where nothing is drawn.
        confidence: its probability, 0 to 1.
        probabilities: float32 (10,), one for each digit, summing to 1; all equal where nothing is drawn.
        image: uint8 (28, 28), the drawing in MNIST's form.
        model_input: uint8 (28, 28), what the network was shown of it, see `normalize`.
        evidence: float32 (10, 7, 7), a map over what it saw for each digit; its mean is the digit's logit, of which the
            probabilities are the softmax. Zero where nothing is drawn.
        is_digit: False for a blank sketch, and for a drawing that does not look like any digit.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    image: np.ndarray
    model_input: np.ndarray
    class_activation_maps: np.ndarray
    is_digit: bool


# What any network reads in a blank sketch.
BLANK_PREDICTION = Prediction(
    digit=None,
    confidence=0.1,
    probabilities=np.full(10, 0.1, np.float32),
    image=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    model_input=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    class_activation_maps=np.zeros((10, 7, 7), np.float32),
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
        model: DigitCNN,
        name: str,
        test_accuracy: float | None = None,
        calibration: Calibration = UNCALIBRATED,
        rejector: "Classifier | None" = None,
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.test_accuracy = test_accuracy
        self.calibration = calibration
        self.rejector = rejector or self

    def probabilities(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Class probabilities, float32 (N, 10), of images, uint8 (N, 28, 28)."""
        if not isinstance(images, torch.Tensor):
            images = torch.from_numpy(np.array(images))  # a copy, since the array may be read-only
        return self.calibration.probabilities(predict_logits(self.model, images)).numpy()

    def top2_probability(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """How much images, uint8 (N, 28, 28), look like digits to the judge, float32 (N,); see `calibration.top2_probability`.

        What has less than the threshold of the judge's calibration is no digit.
        """
        return top2_probability(torch.from_numpy(self.rejector.probabilities(images))).numpy()

    def predict(self, sketch: np.ndarray | Image.Image) -> Prediction:
        """Read one drawing; takes and raises what `sketch_to_mnist` does, but reads a blank sketch as no digit."""
        try:
            image = sketch_to_mnist(sketch)
        except BlankSketchError:
            return BLANK_PREDICTION
        return self.predict_image(image)

    @torch.inference_mode()
    def predict_image(self, image: np.ndarray, is_digit: bool | None = None) -> Prediction:
        """Read one image that is like MNIST's already.

        Args:
            image: uint8 (28, 28).
            is_digit: what the judge said of it, where it was asked before.
        """
        with limit_threads(1):
            inputs = normalize(torch.from_numpy(image[None]), self.model.TARGET_STD)  # (1, 1, 28, 28)
            maps = self.model.class_activation_maps(inputs)  # (1, 10, 7, 7)
            probabilities = self.calibration.probabilities(maps.mean((2, 3)))  # (1, 10)
            if is_digit is None:
                alike = (
                    top2_probability(probabilities).numpy()
                    if self.rejector is self
                    else self.top2_probability(image[None])
                )  # (1,)
                is_digit = bool(alike[0] >= self.rejector.calibration.rejection_threshold)
        digit = int(probabilities.argmax())
        return Prediction(
            digit=digit,
            confidence=float(probabilities[0, digit]),
            probabilities=probabilities[0].numpy(),
            image=image,
            model_input=denormalize(inputs)[0].numpy(),
            class_activation_maps=(maps[0] / self.calibration.temperature).numpy(),
            is_digit=is_digit,
        )


def load_classifier(name: str = "net-25k", path: str | Path | None = None) -> Classifier:
    """A classifier with trained weights; what is no digit, the shipped ones of `REJECTION_MODEL` decide.

    Args:
        name: a key of `MODELS`, whose shipped weights are loaded.
        path: a file that `save_checkpoint` wrote, loaded in their place; it names its own network.

    Raises:
        ValueError: no network is named `name`.
        WeightsError: the file is missing, does not fit, or is not the one that was shipped (a ValueError too).
    """
    if path is None and name not in MODELS:
        raise ValueError(f"Unknown model {name!r}. Available: {', '.join(MODELS)}.")
    checkpoint = load_pretrained(name) if path is None else load_checkpoint(path)
    rejector = None if path is None and name == REJECTION_MODEL else load_classifier(REJECTION_MODEL)
    return Classifier(checkpoint.model, checkpoint.name, checkpoint.test_accuracy, checkpoint.calibration, rejector)
