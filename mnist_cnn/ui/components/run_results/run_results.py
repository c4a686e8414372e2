"""The result of a run: its confusion matrix, and the test images that the model finds hardest."""

from typing import Any

from ....jobs.report import Report
from ...images import png_url
from ..base import JsonComponent


class RunResults(JsonComponent):
    """Shows what `run_results_value` returns; a click loads an image onto the canvas of the Draw tab."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("run_results", {"confusion_matrix": [], "hard_examples": []}, **kwargs)


def run_results_value(report: Report) -> dict[str, Any]:
    """What the component shows for a report."""
    return {
        "confusion_matrix": report.confusion.tolist(),
        "hard_examples": [
            {
                "image": png_url(example.image.numpy(), as_alpha=True),
                "label": example.label,
                "prediction": example.prediction,
                "confidence": f"{example.confidence:.0%}",
            }
            for example in report.hard_examples
        ],
    }
