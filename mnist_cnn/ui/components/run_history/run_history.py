"""The finished runs of a session, as a table, and two of them side by side."""

from collections.abc import Sequence
from typing import Any

from ....jobs.report import Report
from ....training import augmentation_name
from ..base import JsonComponent

_MAX_POINTS = 20  # of a run's small loss curve


class RunHistory(JsonComponent):
    """Shows what `run_history_value` returns."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("run_history", [], **kwargs)


def run_history_value(reports: Sequence[tuple[int, Report]]) -> list[dict[str, Any]]:
    """What the table shows for numbered reports."""
    return [
        {
            "number": number,
            "settings": _settings(report),
            "accuracy": f"{report.test_accuracy:.2%}",
            "seconds": f"{report.progress.seconds:.0f} s",
            "loss": _loss_curve(report),
        }
        for number, report in reports
    ]


def _settings(report: Report) -> dict[str, str]:
    settings = report.settings
    completed = report.progress.step / report.progress.total_steps
    return {
        "model": settings.model,
        "recipe": settings.recipe,
        "learning rate": f"{settings.lr:g}",
        "batch size": str(settings.batch_size),
        "augmentation": augmentation_name(settings),
        "training data": f"{settings.train_fraction:.0%}",
        "labelled drawings": str(report.num_extra),
        "seed": str(settings.seed),
        "completed": f"{completed:.0%}",
    }


def _loss_curve(report: Report) -> list[tuple[float, float]]:
    """A few (progress, loss) points of the smoothed loss, the last one among them."""
    points = list(zip(report.history.progress, report.history.smoothed_loss, strict=True))
    every = -(-len(points) // _MAX_POINTS)
    return [(round(progress, 3), round(loss, 3)) for progress, loss in points[::-1][::every][::-1]]
