"""A training run that somebody watches: in a thread of its own, with its curves, a pause and an end at any time."""

import enum
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from .calibration import UNCALIBRATED, calibrate
from .classifier import Classifier
from .evaluation import predict_logits
from .models import build_model
from .training import Progress, TrainingSettings, pick_device, train
from .turns import Turns

POINTS = 80  # of each curve, at most: enough for a chart, and few to send several times a second
CURVES = ("loss", "smoothed_loss", "batch_accuracy", "accuracy", "lr")  # of `Progress`, a number at each point
_MEASUREMENTS = 8  # of the test accuracy during a run

LabelledImages = tuple[torch.Tensor, torch.Tensor]  # uint8 (N, 28, 28), int64 (N,)


class State(enum.Enum):
    """What a run is doing."""

    WAITING = "waiting"  # for its turn
    TRAINING = "training"
    PAUSED = "paused"
    FINISHING = "finishing"  # measured and calibrated; trained no more
    ENDED = "ended"
    FAILED = "failed"


@dataclass
class History:
    """The curves of a run, oldest first: a point's `at` is the share of the run that was done, 0 to 1.

    Attributes:
        at: where the next five have their points.
        loss, smoothed_loss, batch_accuracy, accuracy, lr: as `Progress` has them.
        watched: probabilities (10,) of the watched image at the same points, as the loss sees them: no temperature is
            known yet. Empty where none is watched.
        test_accuracy: (at, share) pairs of the test accuracy, which is measured less often.
    """

    at: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    smoothed_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    watched: list[Sequence[float]] = field(default_factory=list)
    test_accuracy: list[tuple[float, float]] = field(default_factory=list)


class LiveRun:
    """One training run. It goes on whether or not anybody asks how it stands.

    Args:
        settings: what to train and how.
        training_set, test_set: images, uint8 (N, 28, 28), and labels, int64 (N,).
        turns: where the run waits for its turn; while it is paused, others have theirs.
        watched: an image, uint8 (28, 28), that is read again and again while the network learns.
        added: images and labels that join the training set.

    Attributes:
        model: the network, trained so far.
        progress: where the run stands, None before the first step.
        history: the curves so far.
        failure: why the run failed, in words, where it did.
        test_accuracy: measured on all of the test set once the run has ended, however it ended; None before.
        test_logits: (N, 10), likewise.
        calibration: fitted once the run has ended.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        training_set: LabelledImages,
        test_set: LabelledImages,
        turns: Turns,
        watched: np.ndarray | None = None,
        added: LabelledImages | None = None,
    ) -> None:
        self.settings = settings
        self.training_set, self.test_set = training_set, test_set
        self.watched, self.added = watched, added
        self.model: nn.Module = build_model(settings.model, settings.seed).to(pick_device())
        self.progress: Progress | None = None
        self.history = History()
        self.failure: str | None = None
        self.test_accuracy: float | None = None
        self.test_logits: torch.Tensor | None = None
        self.calibration = UNCALIBRATED
        self.state = State.WAITING
        self._turns, self._ticket = turns, turns.join()
        self._stopping, self._abandoned = threading.Event(), threading.Event()
        self._going = threading.Event()  # cleared to pause
        self._going.set()
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own, as soon as it is this run's turn."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for so many seconds."""
        self._thread.join(timeout)

    def pause(self) -> None:
        """Hold after the step that is under way, and let others have their turn."""
        if self.state is State.TRAINING:
            self._going.clear()

    def resume(self) -> None:
        """Go on after a pause, once it is this run's turn again."""
        self._going.set()

    def stop(self) -> None:
        """End after the step that is under way; the network keeps what it has learnt, and is measured."""
        self._stopping.set()
        self._going.set()
        self._turns.leave(self._ticket)

    def abandon(self) -> None:
        """End after the step that is under way, and measure nothing: nobody is there to see it."""
        self._abandoned.set()
        self.stop()

    @property
    def ahead(self) -> int:
        """How many runs have their turn before this one."""
        return self._turns.ahead(self._ticket)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (State.ENDED, State.FAILED)

    @property
    def stopped(self) -> bool:
        """Whether the run was ended before its last step."""
        return self._stopping.is_set() and not (self.progress and self.progress.done)

    def classifier(self) -> Classifier:
        """The network as it stands, ready to read; later training does not change it."""
        model = build_model(self.settings.model, self.settings.seed)
        model.load_state_dict(self.model.state_dict())
        return Classifier(model.requires_grad_(False), self.settings.model, self.test_accuracy, self.calibration)

    def _work(self) -> None:
        try:
            self._turns.wait(self._ticket)
            self._train()
            if self.progress and not self._abandoned.is_set():
                self._finish()
            self.state = State.ENDED
        except Exception as error:  # of any kind: whoever watches has to hear of it
            self.failure = str(error) or type(error).__name__
            self.state = State.FAILED
        finally:
            self._turns.leave(self._ticket)

    def _train(self) -> None:
        stream = train(self.model, *self.training_set, self.settings, self.test_set, _MEASUREMENTS, self.added)
        while not self._stopping.is_set():
            self.state = State.TRAINING
            progress = next(stream)
            self._record(progress)
            if progress.done:
                return
            if not self._going.is_set():
                self._hold()

    def _hold(self) -> None:
        """Give the turn away until `resume` or `stop`, then wait for the next."""
        self.state = State.PAUSED
        self._turns.leave(self._ticket)
        self._going.wait()
        self._ticket = self._turns.join()
        if self._stopping.is_set():  # perhaps since the line above, which `stop` knew nothing of
            self._turns.leave(self._ticket)
        self.state = State.WAITING
        self._turns.wait(self._ticket)

    def _record(self, progress: Progress) -> None:
        self.progress = progress
        if not np.isfinite(progress.loss):
            raise ValueError(
                f"The loss is no longer a number after {progress.step} steps: the learning rate is too high for such "
                "batches. Take a lower rate, or larger batches."
            )
        history, at = self.history, progress.step / progress.steps
        if not history.at or at - history.at[-1] >= 1 / POINTS or progress.done:
            for name in CURVES:
                getattr(history, name).append(getattr(progress, name))
            if self.watched is not None:
                logits = predict_logits(self.model, torch.tensor(self.watched)[None])  # (1, 10)
                history.watched.append((logits[0] * self.settings.logit_scale).softmax(0).tolist())
            history.at.append(at)  # last: whoever reads meanwhile goes by the number of these
        if progress.test_accuracy is not None:
            history.test_accuracy.append((at, progress.test_accuracy))

    def _finish(self) -> None:
        self.state = State.FINISHING
        images, labels = self.test_set
        self.test_logits = predict_logits(self.model, images)
        self.test_accuracy = (self.test_logits.argmax(1) == labels).float().mean().item()
        self.calibration = calibrate(self.model, *self.training_set)
