"""What a training run came to: figures, curves and errors, for a page and as files that other programs read."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..evaluation import confusion_matrix, highest_loss_indices
from ..models import count_parameters
from ..training import Progress, TrainingSettings
from ..training.progress import run_metrics
from .history import CURVES, History
from .run import TrainingRun

_HARDEST = 24

_COLUMNS = ("progress", *CURVES)


@dataclass(frozen=True)
class HardExample:
    """An image of the test set that a network finds hard.

    Attributes:
        image: uint8 (28, 28).
        label: what it is, 0 to 9.
        prediction: what was read, 0 to 9; now and then the label all the same.
        confidence: the probability of what was read, 0 to 1.
    """

    image: torch.Tensor
    label: int
    prediction: int
    confidence: float


@dataclass(frozen=True)
class Report:
    """A run that has ended.

    Attributes:
        settings: what it was trained with.
        added: how many drawings of the visitor's joined the training set.
        parameters: how many the network has.
        progress: where the run ended.
        test_accuracy: of the network at the end, on all of the test set, 0 to 1.
        history: its curves.
        confusion: int64 (10, 10), a row for each label of the test set, a column for each reading.
        hard_examples: the test images whose labels the network finds least likely, these first.
    """

    settings: TrainingSettings
    added: int
    parameters: int
    progress: Progress
    test_accuracy: float
    history: History
    confusion: torch.Tensor
    hard_examples: Sequence[HardExample]

    @classmethod
    def from_run(cls, run: TrainingRun, added: int = 0) -> "Report":
        """The report of a run, trained with so many drawings beside MNIST.

        Raises:
            ValueError: the run has not ended, or failed, or trained nothing.
        """
        if run.progress is None or run.test_logits is None or run.test_accuracy is None:
            raise ValueError("A run can be reported on once it has ended, if it was measured.")
        images, labels = run.test_set
        indices = highest_loss_indices(run.test_logits, labels, _HARDEST)
        confidence, read = run.calibration.probabilities(run.test_logits[indices]).max(1)
        return cls(
            settings=run.settings,
            added=added,
            parameters=count_parameters(run.model),
            progress=run.progress,
            test_accuracy=run.test_accuracy,
            history=run.history,
            confusion=confusion_matrix(run.test_logits, labels),
            hard_examples=[
                HardExample(images[index], *values)
                for index, *values in zip(
                    indices.tolist(), labels[indices].tolist(), read.tolist(), confidence.tolist(), strict=True
                )
            ],
        )

    def metrics(self) -> dict[str, Any]:
        """All but the pictures, as plain values for JSON: what `metrics` has, and settings, curves, confusion."""
        return run_metrics(self.settings, self.parameters, self.progress) | {
            "test_accuracy": self.test_accuracy,
            "trained": self.progress.step / self.progress.total_steps,
            "added_drawings": self.added,
            "settings": dataclasses.asdict(self.settings),
            "curves": dataclasses.asdict(self.history),
            "confusion": self.confusion.tolist(),
        }

    def curves_csv(self) -> str:
        """The curves as a table, a row for each point; the test accuracy stands in the row after its measurement."""
        file = io.StringIO()
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*_COLUMNS, "test_accuracy"])
        left = list(self.history.test_accuracy)
        for row in zip(*(getattr(self.history, column) for column in _COLUMNS), strict=True):
            measured = left.pop(0)[1] if left and left[0][0] <= row[0] else ""
            table.writerow([*row, measured])
        return file.getvalue()
