"""A training run that somebody watches: paced updates, a history to plot, and a way to stop it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from .calibration import UNCALIBRATED, calibrate
from .classifier import Classifier
from .evaluation import accuracy
from .models import build_model
from .training import Progress, TrainingSettings, pick_device, train

_POINTS = 300  # of each curve, at most: as many as a screen can show apart
_MEASUREMENTS = 8  # of the test accuracy during a run


@dataclass
class History:
    """The curves of a run: (progress 0 to 1, value) pairs, oldest first."""

    loss: list[tuple[float, float]] = field(default_factory=list)
    accuracy: list[tuple[float, float]] = field(default_factory=list)
    test_accuracy: list[tuple[float, float]] = field(default_factory=list)


class LiveRun:
    """One training run from first to last step, or until `stop`.

    Args:
        settings: what to train and how.
        training_set, test_set: images, uint8 (N, 28, 28), and labels, int64 (N,).

    Attributes:
        model: the network, trained so far.
        progress: where the run stands, None before the first step.
        history: the curves so far.
        test_accuracy: measured on all of the test set once the run has ended, however it ended; None before.
        calibration: fitted once the run has ended.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        training_set: tuple[torch.Tensor, torch.Tensor],
        test_set: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        self.settings = settings
        self.model: nn.Module = build_model(settings.model, settings.seed).to(pick_device())
        self.progress: Progress | None = None
        self.history = History()
        self.test_accuracy: float | None = None
        self.calibration = UNCALIBRATED
        self._training_set, self._test_set = training_set, test_set
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the run after the step that is under way; the network keeps what it has learnt. From any thread."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the run was ended before its last step."""
        return self._stop.is_set() and not (self.progress and self.progress.done)

    def updates(self, interval: float = 0.15) -> Iterator["LiveRun"]:
        """Train, yielding the run itself every `interval` seconds and once at its end.

        Closing the generator ends the training at once.
        """
        stream = train(self.model, *self._training_set, self.settings, self._test_set, _MEASUREMENTS)
        last_update = time.perf_counter()
        try:
            for progress in stream:
                self._record(progress)
                if self._stop.is_set() or progress.done:
                    break
                if time.perf_counter() - last_update >= interval:
                    yield self
                    last_update = time.perf_counter()
        finally:
            stream.close()
        self.test_accuracy = (
            self.progress.test_accuracy if self.progress.done else accuracy(self.model, *self._test_set)
        )
        self.calibration = calibrate(self.model, *self._training_set)
        yield self

    def classifier(self) -> Classifier:
        """The network as it stands, ready to read; later training does not change it."""
        model = build_model(self.settings.model, self.settings.seed)
        model.load_state_dict(self.model.state_dict())
        return Classifier(model.requires_grad_(False), self.settings.model, self.test_accuracy, self.calibration)

    def _record(self, progress: Progress) -> None:
        self.progress = progress
        x = progress.step / progress.steps
        loss, shown = self.history.loss, self.history.accuracy
        if not loss or x - loss[-1][0] >= 1 / _POINTS or progress.done:
            loss.append((x, progress.loss))
            shown.append((x, progress.accuracy))
        if progress.test_accuracy is not None:
            self.history.test_accuracy.append((x, progress.test_accuracy))
