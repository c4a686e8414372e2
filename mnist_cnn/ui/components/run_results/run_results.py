"""What a run came to on the page: what is taken for what, and the digits it finds hardest."""

import json
from typing import Any

import gradio as gr

from ....jobs.report import Report
from ...images import png_url
from ..base import component_files


class RunResults(gr.HTML):
    """Shows what `run_results_value` makes of a report; a click puts a digit onto the pad of the Draw tab."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value={"confusion": [], "hardest": []}, **component_files("results"), **kwargs)

    def postprocess(self, value: dict[str, Any]) -> str:  # type: ignore[override]  # gr.HTML's is of text
        """The value as JSON text."""
        return json.dumps(value)


def run_results_value(report: Report) -> dict[str, Any]:
    """What `results.js` shows."""
    return {
        "confusion": report.confusion.tolist(),
        "hardest": [
            {
                "image": png_url(misread.image.numpy()),
                "label": misread.label,
                "read": misread.prediction,
                "confidence": f"{misread.confidence:.0%}",
            }
            for misread in report.hard_examples
        ],
    }
