"""The runs of a visit, one below the other, and two of them side by side."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ....jobs.report import Report
from ....training import augmentation_name
from ..base import component_files

_POINTS = 20  # of a run's small curve
KEPT = 10  # runs; the oldest go first


class RunHistory(gr.HTML):
    """Shows what `run_history_value` makes of reports."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value=[], **component_files("records"), **kwargs)

    def postprocess(self, value: list[dict[str, Any]]) -> str:  # type: ignore[override]  # gr.HTML's is of text
        """The value as JSON text."""
        return json.dumps(value)


def run_history_value(reports: Sequence[tuple[int, Report]]) -> list[dict[str, Any]]:
    """What `records.js` shows of numbered reports."""
    return [
        {
            "number": number,
            "settings": _in_words(report),
            "accuracy": f"{report.test_accuracy:.2%}",
            "seconds": f"{report.progress.seconds:.0f} s",
            "curve": _thinned(report),
        }
        for number, report in reports
    ]


def _in_words(report: Report) -> dict[str, str]:
    settings = report.settings
    done = report.progress.step / report.progress.total_steps
    return {
        "network": settings.model,
        "recipe": settings.recipe,
        "learning rate": f"{settings.lr:g}",
        "batch": str(settings.batch_size),
        "augmentation": augmentation_name(settings),
        "of the training set": f"{settings.train_fraction:.0%}",
        "corrections": str(report.added),
        "seed": str(settings.seed),
        "trained": f"{done:.0%}",
    }


def _thinned(report: Report) -> list[tuple[float, float]]:
    """The smoothed loss over the run in a few points (at, loss), the last one among them."""
    points = list(zip(report.history.progress, report.history.smoothed_loss, strict=True))
    every = -(-len(points) // _POINTS)
    return [(round(at, 3), round(loss, 3)) for at, loss in points[::-1][::every][::-1]]
