"""The report of a training run: metrics, curves, confusion matrix, hardest test images; for the page and as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..evaluation import confusion_matrix, highest_loss_indices
from ..models import count_parameters
from ..training import Progress, TrainingSettings
from ..training.history import History
from ..training.metrics import run_metrics
from .run import TrainingRun

_NUM_HARD_EXAMPLES = 24


@dataclass(frozen=True)
class HardExample:
    """A test image whose label the model finds unlikely.

    Attributes:
        image: uint8 (28, 28).
        label: 0 to 9.
        prediction: 0 to 9; may equal the label.
        confidence: probability of the prediction, 0 to 1.
    """

    image: torch.Tensor
    label: int
    prediction: int
    confidence: float


@dataclass(frozen=True)
class Report:
    """A finished run.

    Attributes:
        settings: of the run.
        num_extra: number of the user's labelled drawings that joined the training set.
        num_parameters: of the model.
        progress: at the end of the run.
        test_accuracy: at the end, on the whole test set, 0 to 1.
        history: the curves.
        confusion: int64 (10, 10); rows are true labels, columns predictions.
        hard_examples: the test images with the highest loss, highest first.
    """

    settings: TrainingSettings
    num_extra: int
    num_parameters: int
    progress: Progress
    test_accuracy: float
    history: History
    confusion: torch.Tensor
    hard_examples: Sequence[HardExample]

    @classmethod
    def from_run(cls, run: TrainingRun, num_extra: int = 0) -> "Report":
        """The report of a finished run, trained with `num_extra` labelled drawings beside MNIST.

        Raises:
            ValueError: the run has not finished, or has trained nothing.
        """
        if run.progress is None or run.test_logits is None or run.test_accuracy is None:
            raise ValueError("Only a run that trained and has finished can be reported on: wait for its end, or train.")
        images, labels = run.test_set
        indices = highest_loss_indices(run.test_logits, labels, _NUM_HARD_EXAMPLES)
        confidences, predictions = run.calibration.probabilities(run.test_logits[indices]).max(1)
        return cls(
            settings=run.settings,
            num_extra=num_extra,
            num_parameters=count_parameters(run.model),
            progress=run.progress,
            test_accuracy=run.test_accuracy,
            history=run.history,
            confusion=confusion_matrix(run.test_logits, labels),
            hard_examples=[
                HardExample(*values)
                for values in zip(
                    images[indices],
                    labels[indices].tolist(),
                    predictions.tolist(),
                    confidences.tolist(),
                    strict=True,
                )
            ],
        )

    def metrics(self) -> dict[str, Any]:
        """Everything but the images, see `run_metrics`."""
        return run_metrics(
            self.settings,
            self.num_parameters,
            self.progress,
            self.history,
            self.test_accuracy,
            self.confusion,
            self.num_extra,
        )
