"""A training run while it goes on: progress, curves, the digit that is watched, and the first layer's kernels."""

import json
from typing import Any

import gradio as gr
import numpy as np

from ....feature_maps import first_layer_filters
from ....jobs.history import CURVES, History
from ....jobs.run import TrainingRun
from ...images import png_url, tiled
from ..base import component_files

_COLUMNS = 8  # kernels side by side


class TrainingMonitor(gr.HTML):
    """Shows what `training_monitor_value` makes of a run; updates in place, without flicker."""

    def __init__(self, headline: str, **kwargs: Any) -> None:
        super().__init__(value=training_monitor_value(headline), **component_files("monitor"), **kwargs)

    def postprocess(self, value: dict[str, Any]) -> str:  # type: ignore[override]  # gr.HTML's is of text
        """The value as JSON text: of an object, Gradio's page would wrap and compare each number several times."""
        return json.dumps(value, separators=(",", ":"))


def training_monitor_value(
    headline: str,
    run: TrainingRun | None = None,
    before: History | None = None,
    pretrained: float | None = None,
    share: float = 0.0,
) -> dict[str, Any]:
    """What `monitor.js` shows.

    Args:
        headline: how things stand, in words.
        run: the run to show, if there is one.
        before: the curves of the run before, drawn faintly behind.
        shipped: test accuracy of the shipped weights of the same network, 0 to 1, likewise.
        share: how much of something else is done where nothing is trained yet, 0 to 1.
    """
    progress = run and run.progress
    share = progress.step / progress.total_steps if progress else share
    tests = run.history.test_accuracy if run else []
    figures = {
        "Images seen": f"{progress.samples_seen:,}" if progress else "–",
        "Loss": f"{progress.smoothed_loss:.3f}" if progress else "–",
        "Training accuracy": f"{progress.smoothed_accuracy:.1%}" if progress else "–",
        "Test accuracy": f"{tests[-1][1]:.2%}" if tests else "–",
        "Learning rate": f"{progress.lr:.3g}" if progress else "–",
        "Images/s": f"{progress.samples_per_second:,.0f}" if progress else "–",
        "Time left": f"{progress.eta_seconds:.0f} s" if progress else "–",
    }
    return {
        "headline": headline,
        "percent": f"{100 * share:.1f}",
        "figures": list(figures.items()),
        "curves": _rounded(run.history if run else History()),
        "before": before and _rounded(before, every=2),
        "shipped": pretrained,
        "peak": run.settings.lr if run else 1,
        "watched": png_url(run.probe_image) if run and run.probe_image is not None else None,
        "kernels": png_url(_kernels(run)) if run else None,
    }


def _rounded(history: History, every: int = 1) -> dict[str, Any]:
    """Curves as short as they can be sent; of a run that goes on, no list is longer than `at`."""
    count = len(history.progress)
    values: dict[str, Any] = {
        column: [round(value, 4) for value in getattr(history, column)[:count:every]]
        for column in ("progress", *CURVES)
    }
    values["watched"] = [[round(share, 2) for share in shares] for shares in history.probe_probabilities[:count:every]]
    values["test_accuracy"] = [(round(at, 4), round(share, 4)) for at, share in history.test_accuracy]
    return values


def _kernels(run: TrainingRun) -> np.ndarray:
    """The first layer's kernels side by side: grey is 0, black and white are the strongest weight of them all."""
    kernels = first_layer_filters(run.model)  # (C, H, W)
    return tiled(128 + 127 * kernels / max(1e-9, np.abs(kernels).max()), _COLUMNS)
