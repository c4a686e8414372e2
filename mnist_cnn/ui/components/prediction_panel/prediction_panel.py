"""What the networks read in a drawing: in words, bars, pictures and evidence."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from ....classifier import BLANK_PREDICTION, Prediction
from ....preprocessing import PreprocessingStages
from ...images import png_url
from ..base import component_files

_FIRST = "drawing"
_OTHERS = ("cropped", "20×20", "centred", "as seen")  # steps, after the first
_STEP_SIDE = 56  # pixels; the picture of a step is not sent larger than this
_NO_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # one clear pixel


@dataclass(frozen=True)
class ModelResult:
    """What one network made of a drawing, and how long it took.

    Attributes:
        name: what the visitor knows the network as.
        parameters: how many it has.
        test_accuracy: share of MNIST's test set that it reads right, 0 to 1, or None where that is unknown.
        prediction: what it read.
        milliseconds: from 28×28 image to prediction.
    """

    name: str
    parameters: int
    test_accuracy: float | None
    prediction: Prediction
    milliseconds: float


class PredictionPanel(gr.HTML):
    """Shows what `prediction_value` makes of opinions, or `empty_prediction`; updates in place, without flicker."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value=EMPTY_PREDICTION, **component_files("reading"), **kwargs)

    def postprocess(self, value: dict[str, Any]) -> str:  # type: ignore[override]  # gr.HTML's is of text
        """The value as JSON text: of an object, Gradio's page would wrap and compare each number several times."""
        return json.dumps(value)


def prediction_value(
    steps: PreprocessingStages, opinions: list[ModelResult], chosen: int, first: str = _FIRST
) -> dict[str, Any]:
    """What `reading.js` shows.

    Args:
        steps: how the drawing became the image that the networks read.
        opinions: one for each network.
        chosen: index of the opinion to show in full.
        first: what the first step is called.
    """
    prediction = opinions[chosen].prediction
    pictures = (steps.ink * 255, steps.cropped * 255, steps.resized, steps.image, prediction.model_input)
    steps_shown = [
        {"name": name, "image": png_url(picture, _STEP_SIDE)}
        for name, picture in zip((first, *_OTHERS), pictures, strict=True)
    ]
    return _value(
        prediction,
        state="read",
        digit=str(prediction.digit) if prediction.is_digit else "?",
        words=_words(prediction),
        image=steps_shown[-1]["image"],
        steps=steps_shown,
        networks=[
            {
                "name": opinion.name,
                "parameters": f"{opinion.parameters:,}",
                "accuracy": "" if opinion.test_accuracy is None else f"{opinion.test_accuracy:.2%} on MNIST",
                "words": _words(opinion.prediction) if opinion.prediction.is_digit else "No digit.",
                "milliseconds": f"{opinion.milliseconds:.1f}",
                "rank": "chosen" if index == chosen else "other",
            }
            for index, opinion in enumerate(opinions)
        ],
    )


def _value(prediction: Prediction, **parts: Any) -> dict[str, Any]:
    return parts | {
        "bars": [
            {
                "digit": digit,
                "percent": f"{100 * share:.1f}",
                "rank": "winner" if prediction.is_digit and digit == prediction.digit else "other",
            }
            for digit, share in enumerate([0.0] * 10 if prediction.digit is None else prediction.probabilities)
        ],
        "evidence": prediction.class_activation_maps.astype(float).round(3).reshape(10, -1).tolist(),
    }


def _words(prediction: Prediction) -> str:
    if not prediction.is_digit:
        return "That does not look like a digit."
    digit = f"{'an' if prediction.digit == 8 else 'a'} {prediction.digit}"
    second = int(np.argsort(prediction.probabilities)[-2])
    if prediction.confidence < 0.6:
        return f"Not sure: {prediction.digit} or {second}?"
    if prediction.confidence > 0.99:
        return f"Certainly {digit}."
    return f"{'Very likely' if prediction.confidence > 0.9 else 'Probably'} {digit}."


def empty_prediction(words: str) -> dict[str, Any]:
    """What `reading.js` shows where there is nothing to read: `words` alone."""
    return _value(
        BLANK_PREDICTION,
        state="empty",
        digit="",
        words=words,
        image=_NO_IMAGE,
        steps=[{"name": name, "image": _NO_IMAGE} for name in (_FIRST, *_OTHERS)],
        networks=[],
    )


EMPTY_PREDICTION = empty_prediction("Draw a digit, 0 to 9. It is read while you draw.")
