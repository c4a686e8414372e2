"""What the models predict: message, probabilities, class activation map, preprocessing stages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....classifier import BLANK_PREDICTION, Prediction
from ....preprocessing import PreprocessingStages
from ...images import png_url
from ..base import JsonComponent

_STAGES = ("Drawing", "Cropped", "Resized to 20×20", "Centred", "Model input")
_FIRST_STAGE_OF_FILE = "Extracted ink"
_MAX_STAGE_SIDE = 56  # pixels; the page shows a stage no larger
MAX_INK_SIDE = 560  # pixels, of the ink that is tinted on an image file
_NO_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # one transparent pixel


@dataclass(frozen=True)
class ModelResult:
    """What one model predicts for a drawing.

    Attributes:
        name: what the page calls the model.
        num_parameters: of the model.
        test_accuracy: on MNIST's test set, 0 to 1, or None where it is unknown.
        prediction: for the drawing.
        milliseconds: from the 28×28 image to the prediction.
    """

    name: str
    num_parameters: int
    test_accuracy: float | None
    prediction: Prediction
    milliseconds: float


class PredictionPanel(JsonComponent):
    """Shows what `prediction_value` or `empty_prediction` returns; updates in place, without flicker."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("prediction_panel", EMPTY_PREDICTION, **kwargs)


def prediction_value(
    stages: PreprocessingStages, results: Mapping[str, ModelResult], selected: str, is_file: bool = False
) -> dict[str, Any]:
    """What the panel shows for a drawing or an image file.

    Args:
        stages: how it became the image that the models classify.
        results: of each model.
        selected: key of the result that is shown in full.
        is_file: whether it is an image file, on which the canvas tints the ink that was found.
    """
    prediction = results[selected].prediction
    message = _message(prediction)
    sides = (stages.ink[0], stages.ink[-1], stages.ink[:, 0], stages.ink[:, -1])
    if not prediction.is_digit and any(side.any() for side in sides):
        message += " The ink runs off the image: leave some margin around the digit."
    height, width = stages.cropped.shape
    if not prediction.is_digit and width > height:
        message += " Digits that touch are not recognised: leave a gap."
    if not prediction.is_digit and is_file:
        message += " If the image shows other things, drag a box around one digit to crop it."
    images = (stages.ink * 255, stages.cropped * 255, stages.resized, stages.image, prediction.model_input)
    shown_stages = [
        {"name": name, "image": png_url(image, _MAX_STAGE_SIDE)}
        for name, image in zip((_FIRST_STAGE_OF_FILE if is_file else _STAGES[0], *_STAGES[1:]), images, strict=True)
    ]
    return _value(
        prediction,
        state="predicted",
        digit=str(prediction.digit) if prediction.is_digit else "?",
        explained_digit=prediction.digit,
        message=message,
        ink=png_url(stages.ink * 255, MAX_INK_SIDE, as_alpha=True) if is_file else None,
        model_input=shown_stages[-1]["image"],
        stages=shown_stages,
        models=[
            {
                "name": result.name,
                "parameters": f"{result.num_parameters:,}",
                "accuracy": "" if result.test_accuracy is None else f"{result.test_accuracy:.2%} on MNIST",
                "prediction": _message(result.prediction, "Not a digit"),
                "milliseconds": f"{result.milliseconds:.1f}",
                "rank": "selected" if key == selected else "other",
            }
            for key, result in results.items()
        ],
    )


def empty_prediction(message: str) -> dict[str, Any]:
    """What the panel shows where there is nothing to classify."""
    return _value(
        BLANK_PREDICTION,
        state="empty",
        digit="",
        explained_digit=None,
        message=message,
        ink=None,
        model_input=_NO_IMAGE,
        stages=[{"name": name, "image": _NO_IMAGE} for name in _STAGES],
        models=[],
    )


def _value(prediction: Prediction, **parts: Any) -> dict[str, Any]:
    probabilities = [0.0] * 10 if prediction.digit is None else prediction.probabilities
    return parts | {
        "bars": [
            {
                "digit": digit,
                "percent": f"{100 * probability:.1f}",
                "rank": "predicted" if prediction.is_digit and digit == prediction.digit else "other",
            }
            for digit, probability in enumerate(probabilities)
        ],
        "class_activation_maps": prediction.class_activation_maps.astype(float).round(3).reshape(10, -1).tolist(),
    }


def _message(prediction: Prediction, rejected: str = "Not recognised as a digit") -> str:
    if not prediction.is_digit:  # the rejection model may decide this, and the model itself be sure of a digit
        return f"{rejected}. Closest: {prediction.digit}."
    digit = f"{'an' if prediction.digit == 8 else 'a'} {prediction.digit}"
    second = int(np.argsort(prediction.probabilities)[-2])
    adverb = certainty(prediction.confidence)
    return f"{adverb} {digit}." if adverb else f"Not sure: {prediction.digit} or {second}?"


def certainty(confidence: float) -> str:
    """Words for a confidence; none if it is low."""
    levels = {0.99: "Almost certainly", 0.9: "Very likely", 0.6: "Probably"}
    return next((words for level, words in levels.items() if confidence > level), "")


EMPTY_MESSAGE = "Draw a digit, or up to six side by side. Predictions update as you draw."
EMPTY_PREDICTION = empty_prediction(EMPTY_MESSAGE)
