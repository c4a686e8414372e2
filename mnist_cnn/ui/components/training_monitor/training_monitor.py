"""A training run in progress: metrics, curves, predictions for the probe image, and first-layer filters."""

from typing import Any

import numpy as np

from ....feature_maps import first_layer_filters
from ....jobs.run import TrainingRun
from ....training.history import CURVES, History
from ...images import png_url, tile
from ...messages import TARGET_ACCURACY
from ..base import JsonComponent

_COLUMNS = 8  # filters per row


class TrainingMonitor(JsonComponent):
    """Shows what `training_monitor_value` returns; updates in place, without flicker.

    Args:
        status: the first status text.
        kwargs: further arguments of `gr.HTML`.
    """

    def __init__(self, status: str, **kwargs: Any) -> None:
        super().__init__("training_monitor", training_monitor_value(status), **kwargs)


def training_monitor_value(
    status: str,
    run: TrainingRun | None = None,
    previous: History | None = None,
    pretrained_accuracy: float | None = None,
    fraction: float = 0.0,
) -> dict[str, Any]:
    """What the monitor shows.

    Args:
        status: a sentence or two.
        run: the run to show, if there is one.
        previous: the curves of the run before, drawn faintly for comparison.
        pretrained_accuracy: test accuracy of the pretrained weights of the same model, 0 to 1, drawn likewise.
        fraction: the progress bar before the first training step, 0 to 1.
    """
    progress = run and run.progress
    fraction = run.fraction if run else fraction
    tests = run.history.test_accuracy if run else []
    metrics = {
        "Samples seen": f"{progress.samples_seen:,}" if progress else "–",
        "Loss": f"{progress.smoothed_loss:.3f}" if progress else "–",
        "Training accuracy": f"{progress.smoothed_accuracy:.1%}" if progress else "–",
        "Test accuracy": f"{tests[-1][1]:.2%}" if tests else "–",
        "Learning rate": f"{progress.lr:.3g}" if progress else "–",
        "Samples/s": f"{progress.samples_per_second:,.0f}" if progress else "–",
        "ETA": f"{run.eta_seconds:.0f} s" if run and progress else "–",
    }
    return {
        "status": status,
        "percent": f"{100 * fraction:.1f}",
        "metrics": list(metrics.items()),
        "curves": _rounded(run.history if run else History()),
        "previous": previous and _rounded(previous, every=2),
        "pretrained_accuracy": pretrained_accuracy,
        "target": TARGET_ACCURACY if run else None,
        "peak_lr": run.settings.lr if run else 1,
        "probe_image": png_url(run.probe_image) if run and run.probe_image is not None else None,
        "filters": png_url(_filters(run)) if run else None,
    }


def _rounded(history: History, every: int = 1) -> dict[str, Any]:
    """The curves with few decimals. While a run goes on, lists may be longer than `progress`; their excess is cut."""
    count = len(history.progress)
    curves: dict[str, Any] = {
        name: [round(value, 4) for value in getattr(history, name)[:count:every]] for name in ("progress", *CURVES)
    }
    curves["probe_probabilities"] = [
        [round(probability, 2) for probability in probabilities]
        for probabilities in history.probe_probabilities[:count:every]
    ]
    curves["test_accuracy"] = [(round(progress, 4), round(value, 4)) for progress, value in history.test_accuracy]
    return curves


def _filters(run: TrainingRun) -> np.ndarray:
    """The first layer's filters in rows: grey is 0, black and white are the largest absolute weight of them all."""
    filters = first_layer_filters(run.model)  # (C, H, W)
    return tile(128 + 127 * filters / max(1e-9, np.abs(filters).max()), _COLUMNS)
