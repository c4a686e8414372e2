"""The row of buttons with which a visitor says what a digit was."""

from typing import Any

import gradio as gr

from ....data.corrections import LabelledDrawings
from ..base import component_files


class LabelFeedback(gr.HTML):
    """Ten buttons and a line of text, its value; fires `select` with the digit that was pressed as `digit`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value="", **component_files("naming"), **kwargs)


def score(answers: LabelledDrawings) -> str:
    """How a visitor's drawings were read, in words."""
    return f"Noted: {answers.labels[-1]}. Read right: {answers.correct} of {answers.count}."
