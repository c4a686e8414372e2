"""A trained model that classifies drawings."""

from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from .calibration import UNCALIBRATED, Calibration, top2_probability
from .checkpoint import load_checkpoint, load_pretrained
from .constants import IMAGE_SIZE, NUM_CLASSES
from .evaluation import predict_logits
from .models import DEFAULT_MODEL, MODELS, DigitCNN
from .preprocessing import (
    BlankSketchError,
    PreprocessingStages,
    denormalize,
    normalize,
    preprocess_with_stages,
    segment_number,
    sketch_to_mnist,
)
from .runtime import limit_threads

REJECTION_MODEL = "net-25k"  # rejects non-digits for all models, since net-8k has no capacity to learn them


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for one drawing.

    Attributes:
        digit: the most likely digit, 0 to 9; None if the drawing is blank.
        confidence: its probability, 0 to 1.
        probabilities: float32 (10,), one for each digit, summing to 1; all equal if the drawing is blank.
        image: uint8 (28, 28), the drawing as an MNIST image.
        model_input: uint8 (28, 28), the same after `normalize`, as the model sees it.
        class_activation_maps: float32 (10, 7, 7), one for each digit. The mean of each is the digit's logit divided by
            the temperature, and their softmax gives the probabilities. Zero if the drawing is blank.
        is_digit: False if the drawing is blank, or rejected as a non-digit.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    image: np.ndarray
    model_input: np.ndarray
    class_activation_maps: np.ndarray
    is_digit: bool


BLANK_PREDICTION = Prediction(
    digit=None,
    confidence=1 / NUM_CLASSES,
    probabilities=np.full(NUM_CLASSES, 1 / NUM_CLASSES, np.float32),
    image=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    model_input=np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8),
    class_activation_maps=np.zeros((NUM_CLASSES, 7, 7), np.float32),
    is_digit=False,
)


@dataclass(frozen=True)
class NumberPrediction:
    """What a model predicts for a number of one or several digits.

    Attributes:
        text: the digits from left to right, such as "42"; empty if the drawing is blank, or no number.
        digits: the prediction for each digit; empty without a text.
        boxes: left, top, right and bottom of the ink of each digit, in pixels of the image, right and bottom exclusive.
    """

    text: str
    digits: tuple[Prediction, ...]
    boxes: tuple[tuple[int, int, int, int], ...]


class Classifier:
    """A model with everything that turns a drawing into a prediction.

    Args:
        model: a model of `MODELS`; set to evaluation mode.
        name: its key in `MODELS`.
        test_accuracy: on MNIST's test set, 0 to 1; None if unknown.
        calibration: of the model.
        rejector: the classifier that decides what is a non-digit, with its own model and calibration; by default this
            one. Only a model that was trained on outliers can decide that well.
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
        """Class probabilities, float32 (N, 10), of MNIST images, uint8 (N, 28, 28)."""
        if not isinstance(images, torch.Tensor):
            images = torch.from_numpy(np.array(images))  # a copy, since the array may be read-only
        return self.calibration.probabilities(predict_logits(self.model, images)).numpy()

    def top2_probability(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """The rejector's `calibration.top2_probability`, float32 (N,), of MNIST images, uint8 (N, 28, 28).

        Images below the rejection threshold of the rejector's calibration are non-digits.
        """
        return top2_probability(torch.from_numpy(self.rejector.probabilities(images))).numpy()

    def classify(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """The digits in MNIST images, uint8 (N, 28, 28), as they are predicted: int64 (N,), -1 for a non-digit."""
        probabilities = self.probabilities(images)
        rejecting = probabilities if self.rejector is self else self.rejector.probabilities(images)
        top2 = top2_probability(torch.from_numpy(rejecting)).numpy()
        return np.where(top2 < self.rejector.calibration.rejection_threshold, -1, probabilities.argmax(axis=1))

    def predict(self, sketch: np.ndarray | Image.Image) -> Prediction:
        """Classify a drawing of any size: what `sketch_to_mnist` takes, and raises except for a blank sketch."""
        try:
            image = sketch_to_mnist(sketch)
        except BlankSketchError:
            return BLANK_PREDICTION
        return self.predict_image(image)

    def predict_number(self, sketch: np.ndarray | Image.Image) -> NumberPrediction:
        """Classify each digit of a drawing of one to six digits side by side, which do not touch.

        Takes and raises what `predict` does.
        """
        try:
            stages = preprocess_with_stages(sketch)
        except BlankSketchError:
            stages = None
        whole = self.predict_image(stages.image) if stages else BLANK_PREDICTION
        digits = self.segment_number(sketch, stages, whole.is_digit)
        predictions = [self.predict_image(digit.image, is_digit=True) for digit in digits]
        if stages and whole.is_digit and not digits:
            digits, predictions = [stages], [whole]
        if isinstance(sketch, Image.Image):
            width, height = ImageOps.exif_transpose(sketch).size
        else:
            height, width = sketch.shape[:2]
        return NumberPrediction(
            "".join(str(prediction.digit) for prediction in predictions),
            tuple(predictions),
            tuple(_to_pixels(digit.box, width, height) for digit in digits),
        )

    def segment_number(
        self, sketch: np.ndarray | Image.Image, stages: PreprocessingStages | None, is_digit: bool
    ) -> list[PreprocessingStages]:
        """The digits of a number, see `preprocessing.segment_number`; which they are is decided by the rejector."""
        return segment_number(sketch, stages, is_digit, self.top2_probability)

    @torch.inference_mode()
    def predict_image(self, image: np.ndarray, is_digit: bool | None = None) -> Prediction:
        """Classify an MNIST image.

        Args:
            image: uint8 (28, 28).
            is_digit: the rejector's decision, if it is known already.
        """
        with limit_threads(1):
            inputs = normalize(torch.from_numpy(image[None]), self.model.TARGET_STD)  # (1, 1, 28, 28)
            maps = self.model.class_activation_maps(inputs)  # (1, 10, 7, 7)
        probabilities = self.calibration.probabilities(maps.mean((2, 3)))  # (1, 10)
        if is_digit is None and self.rejector is not self:
            is_digit = self.rejector.predict_image(image).is_digit
        elif is_digit is None:
            is_digit = top2_probability(probabilities).item() >= self.calibration.rejection_threshold
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


def _to_pixels(box: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    """A box in fractions of an image's width and height in whole pixels that contain it."""
    left, top, right, bottom = box
    return floor(left * width), floor(top * height), ceil(right * width), ceil(bottom * height)


def load_classifier(name: str = DEFAULT_MODEL, path: str | Path | None = None) -> Classifier:
    """A classifier with trained weights. The pretrained `REJECTION_MODEL` is its rejector.

    Args:
        name: a key of `MODELS`, whose pretrained checkpoint is loaded.
        path: a checkpoint to load instead; it states its model itself.

    Raises:
        ValueError: `name` is unknown.
        CheckpointError: the checkpoint is missing or invalid, or a pretrained one is not the published file. This is a
            ValueError, too.
    """
    if path is None and name not in MODELS:
        raise ValueError(f"Unknown model {name!r}. Available: {', '.join(MODELS)}.")
    checkpoint = load_pretrained(name) if path is None else load_checkpoint(path)
    rejector = None if path is None and name == REJECTION_MODEL else load_classifier(REJECTION_MODEL)
    return Classifier(checkpoint.model, checkpoint.name, checkpoint.test_accuracy, checkpoint.calibration, rejector)
