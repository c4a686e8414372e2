"""What a network read in a drawing, in words, bars and the picture it saw."""

import base64
import io
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..classifier import Prediction
from .assets import asset

_TRANSPARENT_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class Reading(gr.HTML):
    """Shows what `reading_value` makes of a prediction; updates in place, without flicker."""

    def __init__(self, **kwargs) -> None:
        super().__init__(
            value=reading_value(None),
            html_template=asset("reading.html"),
            css_template=asset("reading.css"),
            js_on_load=None,
            apply_default_css=False,
            **kwargs,
        )


def reading_value(prediction: Prediction | None) -> dict[str, Any]:
    """The template's values: `state`, `digit`, `words`, `image` (a URL) and ten `bars` in digit order."""
    if prediction is None or not prediction.is_digit:
        words = "Draw a digit, 0 to 9. It is read while you draw."
        bars = [_bar(digit, 0.0, None) for digit in range(10)]
        return {"state": "empty", "digit": "", "words": words, "image": _TRANSPARENT_PIXEL, "bars": bars}
    bars = [_bar(digit, share, prediction.digit) for digit, share in enumerate(prediction.probabilities)]
    return {
        "state": "read",
        "digit": str(prediction.digit),
        "words": _words(prediction),
        "image": _png_url(prediction.image),
        "bars": bars,
    }


def _bar(digit: int, share: float, winner: int | None) -> dict[str, Any]:
    return {"digit": digit, "percent": f"{100 * share:.1f}", "rank": "winner" if digit == winner else "other"}


def _words(prediction: Prediction) -> str:
    second = int(np.argsort(prediction.probabilities)[-2])
    if prediction.confidence < 0.6:
        return f"Not sure: {prediction.digit} or {second}?"
    sureness = (
        "Certainly" if prediction.confidence > 0.99 else "Very likely" if prediction.confidence > 0.9 else "Probably"
    )
    return f"{sureness} a {prediction.digit}."


def _png_url(image: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
