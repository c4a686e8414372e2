"""A training run that somebody watches: in a process of its own, with its curves, a pause and an end at any time."""

import enum
import threading

import numpy as np
import torch

from ..calibration import UNCALIBRATED
from ..classifier import Classifier
from ..models import build_model
from ..training import Progress, TrainingSettings
from .history import History
from .process import STANDBY, ProcessError, TrainingProcess
from .queue import JobQueue
from .worker import (
    PAUSE,
    RESUME,
    STOP,
    Failed,
    Finished,
    Job,
    LabelledArrays,
    ProgressUpdate,
    get_weights,
    load_checkpoint,
)

LabelledImages = tuple[torch.Tensor, torch.Tensor]  # uint8 (N, 28, 28), int64 (N,)


class RunState(enum.Enum):
    """What a run is doing."""

    QUEUED = "waiting"  # for its turn, or for its process
    TRAINING = "training"
    PAUSED = "paused"
    EVALUATING = "finishing"  # measured and calibrated; trained no more
    ENDED = "ended"
    FAILED = "failed"


class TrainingRun:
    """One training run. It goes on whether or not anybody asks how it stands.

    Args:
        settings: what to train and how.
        training_set, test_set: images, uint8 (N, 28, 28), and labels, int64 (N,).
        turns: where the run waits for its turn; while it is paused, others have theirs.
        watched: an image, uint8 (28, 28), that is read again and again while the network learns.
        added: images and labels that join the training set.

    Attributes:
        model: the network, before the start, and then as it was at the last news of it.
        progress: where the run stood then, None before the first step.
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
        turns: JobQueue,
        probe_image: np.ndarray | None = None,
        added: LabelledImages | None = None,
    ) -> None:
        self.settings = settings
        self.training_set, self.test_set = training_set, test_set
        self.probe_image, self.added = probe_image, added
        self.model = build_model(settings.model, settings.seed)
        self.progress: Progress | None = None
        self.history = History()
        self.error: str | None = None
        self.test_accuracy: float | None = None
        self.test_logits: torch.Tensor | None = None
        self.calibration = UNCALIBRATED
        self.state = RunState.QUEUED
        self._turns, self._ticket = turns, turns.enqueue()
        self._stopping, self._cancelled = threading.Event(), threading.Event()
        self._going = threading.Event()  # cleared to pause
        self._going.set()
        self._process: TrainingProcess | None = None  # while there is one
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)

    def start(self) -> None:
        """Begin as soon as it is this run's turn."""
        STANDBY.warm_up()
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for so many seconds."""
        self._thread.join(timeout)

    def pause(self) -> None:
        """Hold after the step that is under way, and let others have their turn."""
        if self.state is RunState.TRAINING:
            self._going.clear()
            self._tell(PAUSE)

    def resume(self) -> None:
        """Go on after a pause, once it is this run's turn again."""
        self._going.set()

    def stop(self) -> None:
        """End after the step that is under way; the network keeps what it has learnt, and is measured."""
        if self.progress is None:  # nothing is learnt
            self.cancel()
            return
        self._stopping.set()
        self._tell(STOP)
        self._leave()

    def cancel(self) -> None:
        """End at once, and measure nothing: nobody is there to see it."""
        self._stopping.set()
        self._cancelled.set()
        if self._process:
            self._process.kill()
        self._leave()

    def _leave(self) -> None:
        self._going.set()
        self._turns.dequeue(self._ticket)

    @property
    def position(self) -> int:
        """How many runs have their turn before this one."""
        return self._turns.position(self._ticket)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (RunState.ENDED, RunState.FAILED)

    @property
    def stopped(self) -> bool:
        """Whether the run was ended before its last step."""
        return self._stopping.is_set() and not (self.progress and self.progress.is_last)

    def classifier(self, rejector: Classifier | None = None) -> Classifier:
        """The network as it stands, ready to read; later training does not change it. For `rejector`, see `Classifier`."""
        model = build_model(self.settings.model, self.settings.seed)
        model.load_state_dict(self.model.state_dict())
        return Classifier(
            model.requires_grad_(False), self.settings.model, self.test_accuracy, self.calibration, rejector
        )

    def _work(self) -> None:
        try:
            self._turns.wait(self._ticket)
            if not self._cancelled.is_set():
                self._train()
            self.state = RunState.ENDED
        except Exception as error:  # of any kind: whoever watches has to hear of it
            self.error = str(error) or type(error).__name__
            self.state = RunState.FAILED
        finally:
            self._turns.dequeue(self._ticket)

    def _train(self) -> None:
        job = Job(
            self.settings,
            get_weights(self.model),
            _arrays(self.training_set),
            _arrays(self.test_set),
            self.probe_image,
            _arrays(self.added) if self.added else None,
        )
        process = self._process = STANDBY.acquire()
        try:
            if self._cancelled.is_set():  # perhaps before it could know the process
                return
            for message in process.messages(job):
                match message:
                    case ProgressUpdate():
                        self._note(message)
                        if message.paused:
                            self._hold()
                            process.send(RESUME)
                    case Finished():
                        self._finish(message)
                    case Failed():
                        raise RuntimeError(message.words)
        except ProcessError:
            if not self._cancelled.is_set():
                raise
        finally:
            self._process = None
            process.close()

    def _hold(self) -> None:
        """Give the turn away until `resume` or `stop`, then wait for the next."""
        self.state = RunState.PAUSED
        self._turns.dequeue(self._ticket)
        self._going.wait()
        self._ticket = self._turns.enqueue()
        if self._stopping.is_set():  # perhaps since the line above, which `stop` knew nothing of
            self._turns.dequeue(self._ticket)
        self.state = RunState.QUEUED
        self._turns.wait(self._ticket)

    def _note(self, news: ProgressUpdate) -> None:
        load_checkpoint(self.model, news.weights)
        self.history, self.progress = news.history, news.progress
        self.state = RunState.EVALUATING if news.progress.is_last or self._stopping.is_set() else RunState.TRAINING

    def _finish(self, finished: Finished) -> None:
        self.calibration = finished.calibration
        self.test_logits = torch.from_numpy(finished.test_logits)
        self.test_accuracy = (self.test_logits.argmax(1) == self.test_set[1]).float().mean().item()

    def _tell(self, order: bytes) -> None:
        if process := self._process:
            process.send(order)


def _arrays(images: LabelledImages) -> LabelledArrays:
    return images[0].numpy(), images[1].numpy()
