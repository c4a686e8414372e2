"""Boxes around the digits of a number on the canvas."""

from typing import Any

import gradio as gr

from ..base import component_files


class DigitBoxes(gr.HTML):
    """Has no value and takes no room: it draws over the canvas what prediction_panel.js says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**component_files("digit_boxes"), **kwargs)
