"""What the prediction panel shows for a number of several digits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....preprocessing import PreprocessingStages
from ...images import png_url
from .prediction_panel import MAX_INK_SIDE, ModelResult, certainty, prediction_value

# How a digit was preprocessed, and the result of each model by its value in the model choice.
ClassifiedDigit = tuple[PreprocessingStages, Mapping[str, ModelResult]]


def number_value(digits: Sequence[ClassifiedDigit], selected: str, is_file: bool = False) -> dict[str, Any]:
    """What the panel shows for one or several digits: the first as `prediction_value` does, and what a number adds.

    Args:
        digits: from left to right: how each became the image that the models classify, and the result of each model.
        selected: key of the result that is shown in full.
        is_file: as for `prediction_value`.
    """
    values = [prediction_value(stages, results, selected, is_file) for stages, results in digits]
    if len(values) == 1:
        return values[0]
    first_stages, first_results = digits[0]
    height, width = first_stages.ink.shape
    ink = np.maximum.reduce([stages.ink for stages, _ in digits])  # (H, W)
    return values[0] | {
        "digit": "".join(value["digit"] for value in values),
        "message": _message([results[selected] for _, results in digits]),
        "models": [
            model
            | {
                "prediction": _message([results[key] for _, results in digits]),
                "milliseconds": f"{sum(results[key].milliseconds for _, results in digits):.1f}",
            }
            for model, key in zip(values[0]["models"], first_results, strict=True)
        ],
        "ink": png_url(255 * ink, MAX_INK_SIDE, as_alpha=True) if is_file else None,
        "aspect": width / height,
        "number": [
            {key: value for key, value in value.items() if key not in ("models", "ink")}
            | {"confidence": f"{results[selected].prediction.confidence:.1%}", "box": stages.box}
            for value, (stages, results) in zip(values, digits, strict=True)
        ],
    }


def _message(results: Sequence[ModelResult]) -> str:
    predictions = [result.prediction for result in results]
    text = "".join(str(prediction.digit) if prediction.is_digit else "?" for prediction in predictions)
    if "?" in text:  # only a user's own model rejects what was segmented as a digit
        return f"Not all recognised as digits: {text}."
    confidence = min(prediction.confidence for prediction in predictions)
    return f"{certainty(confidence) or 'Not sure:'} {text}."
