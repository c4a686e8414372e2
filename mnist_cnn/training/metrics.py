"""The result of a training run as files: metrics and curves, the same from the page and from `train.py`."""

import csv
import dataclasses
import io
from typing import Any

import torch

from .history import CURVES, History
from .progress import Progress
from .settings import TrainingSettings

_COLUMNS = ("progress", *CURVES)


def run_metrics(
    settings: TrainingSettings,
    num_parameters: int,
    progress: Progress,
    history: History,
    test_accuracy: float,
    confusion: torch.Tensor,
    num_extra: int = 0,
) -> dict[str, Any]:
    """The metrics of a run by name, as plain values for JSON; fractions are from 0 to 1, times in seconds.

    Args:
        settings: of the run.
        num_parameters: of its model.
        progress: at its end.
        history: its curves.
        test_accuracy: on the whole test set, 0 to 1.
        confusion: int64 (10, 10), see `confusion_matrix`.
        num_extra: number of a user's labelled drawings that joined the training set.
    """
    return {
        "model": settings.model,
        "parameters": num_parameters,
        "epochs": settings.epochs,
        "seed": settings.seed,
        "recipe": settings.recipe,
        "epoch_seconds": progress.seconds / settings.epochs,
        "train_accuracy": progress.epoch_accuracy,
        "test_accuracy": test_accuracy,
        "trained_fraction": progress.step / progress.total_steps,
        "num_extra": num_extra,
        "settings": dataclasses.asdict(settings),
        "curves": dataclasses.asdict(history),
        "confusion": confusion.tolist(),
    }


def curves_csv(history: History) -> str:
    """The curves as CSV, a row for each point; a test accuracy is in the first row after its evaluation."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow([*_COLUMNS, "test_accuracy"])
    remaining = list(history.test_accuracy)
    for row in zip(*(getattr(history, column) for column in _COLUMNS), strict=True):
        evaluated = remaining.pop(0)[1] if remaining and remaining[0][0] <= row[0] else ""
        table.writerow([*row, evaluated])
    return file.getvalue()
