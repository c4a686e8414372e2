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


def is_challenge(event: gr.EventData) -> bool:
    """Whether the user tries to draw what the model misclassifies; `selected_digit` has accepted the event."""
    return getattr(event, "challenge", False) is True


def score_text(drawings: LabelledDrawings, challenge: bool = False) -> str:
    """The last label, and how many of the labelled drawings were classified correctly; at least one is labelled.

    In a challenge, how many were not.
    """
    if challenge:
        misclassified = drawings.count - drawings.correct
        return f"Saved as {drawings.labels[-1]}. Misclassified so far: {misclassified} of {drawings.count}."
    return f"Saved as {drawings.labels[-1]}. Correct so far: {drawings.correct} of {drawings.count}."
