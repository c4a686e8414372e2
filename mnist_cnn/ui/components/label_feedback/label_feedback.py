"""A row of buttons with which the user gives the correct label of a drawing."""

from typing import Any

import gradio as gr

from ....data.corrections import LabelledDrawings
from ...server.errors import user_error
from ..base import component_files


class LabelFeedback(gr.HTML):
    """Ten buttons and a line of text, its value. Fires `select`; `selected_digit` reads the digit from the event."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value="", **component_files("label_feedback"), **kwargs)


def selected_digit(event: gr.EventData) -> int:
    """The digit whose button was pressed.

    Raises:
        gr.Error: the event, which anyone can send, holds something else.
    """
    try:
        digit = event.digit
    except (AttributeError, TypeError):
        digit = None
    if type(digit) is not int or digit not in range(10):
        raise user_error("Invalid label. Press a button from 0 to 9.")
    return digit


def score_text(drawings: LabelledDrawings) -> str:
    """The last label, and how many of the labelled drawings were classified correctly; at least one is labelled."""
    return f"Saved as {drawings.labels[-1]}. Correct so far: {drawings.correct} of {drawings.count}."
