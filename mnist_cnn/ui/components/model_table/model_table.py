"""The layers of a model as a table."""

from typing import Any

import gradio as gr

from ..base import component_files


class ModelTable(gr.HTML):
    """Shows what `summary_table` returns; nothing for an empty list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value=[], **component_files("model_table"), **kwargs)
