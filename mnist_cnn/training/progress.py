"""Where a training run stands: counts, smoothed metrics, speed."""

import math
import time
from collections import deque
from dataclasses import dataclass

import torch

from ..calibration import fit_temperature
from ..data.outliers import NON_DIGIT
from .settings import TrainingSettings

_SMOOTHING_WINDOW = 2000  # images that the smoothed metrics average over, or a thirtieth of a short run


@dataclass(frozen=True)
class Progress:
    """A training run after a step.

    Attributes:
        step, total_steps: steps done, and in the whole run.
        epoch: the running epoch, from 1.
        samples_seen: over all epochs, outliers included.
        loss: of the last batch.
        batch_accuracy: fraction of its digits classified correctly as augmented, 0 to 1.
        smoothed_loss: exponential moving average of the loss over the last 2,000 or so digits.
        smoothed_accuracy: the same of the batch accuracy, 0 to 1.
        epoch_accuracy: fraction classified correctly since the epoch began, 0 to 1.
        lr: learning rate of the last step, of SGD.
        seconds: spent training, without evaluations and without the consumer's own time between two steps.
        on_crops: whether the step trained on crops of the images.
        test_accuracy: 0 to 1, at the steps where it was evaluated, else None.
        temperature: at the same steps, that of the model on the last 2,000 or so digits; else None.
    """

    step: int
    total_steps: int
    epoch: int
    samples_seen: int
    loss: float
    batch_accuracy: float
    smoothed_loss: float
    smoothed_accuracy: float
    epoch_accuracy: float
    lr: float
    seconds: float
    on_crops: bool = False
    test_accuracy: float | None = None
    temperature: float | None = None

    @property
    def samples_per_second(self) -> float:
        """Speed of training so far."""
        return self.samples_seen / self.seconds

    @property
    def eta_seconds(self) -> float:
        """Seconds of training that are left at the speed so far."""
        return self.seconds / self.step * (self.total_steps - self.step)

    @property
    def is_last(self) -> bool:
        """Whether this was the last step."""
        return self.step == self.total_steps


class ProgressMeter:
    """Counts a run's samples and time, and smooths its metrics.

    Args:
        num_samples: in an epoch.
        settings: of the run.
    """

    def __init__(self, num_samples: int, settings: TrainingSettings) -> None:
        self.steps_per_epoch = math.ceil(num_samples / settings.batch_size)
        self.total_steps = self.steps_per_epoch * settings.epochs
        self.step = 0
        self._window = min(_SMOOTHING_WINDOW, num_samples * settings.epochs / 30)
        self._samples_seen = 0
        self._correct = self._digits = 0  # in this epoch
        self._loss = self._accuracy = 0.0  # smoothed
        self._seconds = self._started = 0.0
        self._logit_scale = settings.logit_scale
        recent_steps = math.ceil(_SMOOTHING_WINDOW / settings.batch_size)
        self._recent: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=recent_steps)  # logits and labels

    def start(self) -> None:
        """Let the clock run until the next `update`."""
        self._started = time.perf_counter()

    def update(
        self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor, lr: float, on_crops: bool = False
    ) -> Progress:
        """Record a step, and stop the clock.

        Args:
            logits: (B, 10), as they are in the loss.
            labels: int64 (B,), 0 to 9 or `NON_DIGIT`.
            loss: scalar.
            lr: of the step.
            on_crops: whether it trained on crops.
        """
        self._recent.append((logits.detach(), labels))
        if self.step % self.steps_per_epoch == 0:
            self._correct = self._digits = 0
        correct, digits = int((logits.argmax(1) == labels).sum()), int((labels != NON_DIGIT).sum())
        batch_loss, batch_accuracy = loss.item(), correct / max(1, digits)
        weight = min(1.0, digits / self._window) if self.step else 1.0
        self._loss += weight * (batch_loss - self._loss)
        self._accuracy += weight * (batch_accuracy - self._accuracy)
        self.step += 1
        self._samples_seen += len(labels)
        self._correct += correct
        self._digits += digits
        self._seconds += time.perf_counter() - self._started
        return Progress(
            step=self.step,
            total_steps=self.total_steps,
            epoch=math.ceil(self.step / self.steps_per_epoch),
            samples_seen=self._samples_seen,
            loss=batch_loss,
            batch_accuracy=batch_accuracy,
            smoothed_loss=self._loss,
            smoothed_accuracy=self._accuracy,
            epoch_accuracy=self._correct / max(1, self._digits),
            lr=lr,
            seconds=self._seconds,
            on_crops=on_crops,
        )

    def temperature(self) -> float:
        """The temperature of the model's logits, fitted to the last steps.

        It costs no further evaluation and is not overconfident, since these logits are from before the model learnt
        from their images.
        """
        logits, labels = (torch.cat(tensors) for tensors in zip(*self._recent, strict=True))
        digits = labels != NON_DIGIT
        return fit_temperature(logits[digits], labels[digits]) / self._logit_scale
