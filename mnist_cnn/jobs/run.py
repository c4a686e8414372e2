"""A training run for a user: it waits in a queue, trains in a process of its own, and can be paused and ended."""

import enum
import threading

import numpy as np
import torch

from ..calibration import NUM_CALIBRATION_IMAGES, UNCALIBRATED
from ..classifier import Classifier
from ..data.mnist import LabelledImages
from ..evaluation import logits_accuracy
from ..models import DigitCNN, build_model
from ..training import Progress, TrainingSettings
from ..training.history import History
from .process import STANDBY, ProcessError, TrainingProcess
from .queue import JobQueue
from .worker import (
    PAUSE,
    PROBE,
    RESUME,
    STOP,
    EvaluationUpdate,
    Failed,
    Finished,
    Job,
    LabelledArrays,
    ProgressUpdate,
    get_weights,
    set_weights,
)

MAX_PAUSE_SECONDS = 600.0  # after which a run is stopped, since its process takes up memory
MAX_PAUSED = 2  # runs of a queue, since the process of each takes up to 600 MiB
_TRAINING_COST = 3  # of a sample, relative to the evaluation of an image


class RunState(enum.Enum):
    """What a run is doing."""

    QUEUED = "queued"  # or its process is starting
    TRAINING = "training"
    PAUSED = "paused"
    EVALUATING = "evaluating"  # on the test set, and calibrating
    FINISHED = "finished"  # to the end, stopped or cancelled
    FAILED = "failed"


class TrainingRun:
    """One training run. It goes on in the background; its attributes say at any time where it stands.

    Args:
        settings: of the run.
        training_set, test_set: images, uint8 (N, 28, 28), and labels, int64 (N,).
        queue: where the run waits until it may train; while it is paused, other runs may.
        probe_image: an image, uint8 (28, 28), that is classified again and again during training; see
            `set_probe_image`.
        extra_data: images and labels that join the training set.
        initial_model: of the settings' class; training starts from its weights in place of random ones.

    Attributes:
        model: the model, as it was at the last update.
        progress: at the last update; None before the first step.
        history: the curves so far.
        error: why the run failed, for the user; None if it did not.
        test_accuracy: on the whole test set, 0 to 1, once the run has finished, even if it was stopped; else None.
        test_logits: float32 (N, 10), likewise.
        calibration: fitted once the run has finished.
        paused_too_long: whether it was stopped because it was paused for `MAX_PAUSE_SECONDS`.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        training_set: LabelledImages,
        test_set: LabelledImages,
        queue: JobQueue,
        probe_image: np.ndarray | None = None,
        extra_data: LabelledImages | None = None,
        initial_model: DigitCNN | None = None,
    ) -> None:
        self.settings = settings
        self.training_set, self.test_set = training_set, test_set
        self.probe_image, self.extra_data = probe_image, extra_data
        self.model = build_model(settings.model, settings.seed)
        if initial_model is not None:
            self.model.load_state_dict(initial_model.state_dict())
        self.progress: Progress | None = None
        self.history = History()
        self.error: str | None = None
        self.test_accuracy: float | None = None
        self.test_logits: torch.Tensor | None = None
        self.calibration = UNCALIBRATED
        self.paused_too_long = False
        self.evaluated_fraction = 0.0  # of the evaluation at the end
        self.state = RunState.QUEUED
        self._queue, self._ticket = queue, queue.enqueue()
        self._stopping, self._cancelled = threading.Event(), threading.Event()
        self._running = threading.Event()  # cleared to pause
        self._running.set()
        self._process: TrainingProcess | None = None  # while there is one
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def start(self) -> None:
        """Begin as soon as the queue lets it."""
        STANDBY.warm_up()
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the run has finished or failed, at most `timeout` seconds."""
        self._thread.join(timeout)

    def pause(self) -> None:
        """Pause after the current step, and let the next run in the queue train.

        Raises:
            ValueError: `MAX_PAUSED` runs are paused.
        """
        if self._queue.num_suspended >= MAX_PAUSED:
            raise ValueError("Too many runs are paused on this server. Try again in some minutes, or stop the run.")
        if self.state is RunState.TRAINING:
            self._running.clear()
            self._send(PAUSE)

    def resume(self) -> None:
        """Continue after a pause, as soon as the queue lets it."""
        self._running.set()

    def stop(self) -> None:
        """End training after the current step, and evaluate what was learnt. Before the first step: `cancel`.

        The evaluation of a paused run waits in the queue, too.
        """
        if self.progress is None:
            self.cancel()
            return
        self._stopping.set()
        if self.state is RunState.TRAINING:
            self._send(STOP)
        self._running.set()  # ends the wait of a paused run

    def cancel(self) -> None:
        """End at once, without evaluation: the user has gone."""
        self._stopping.set()
        self._cancelled.set()
        self._running.set()
        if self._process:
            self._process.kill()
        self._queue.dequeue(self._ticket)

    def set_probe_image(self, image: np.ndarray) -> None:
        """Classify another image, uint8 (28, 28), from now on."""
        self.probe_image = image
        if self.progress:
            self._send(PROBE + image.tobytes())

    @property
    def fraction(self) -> float:
        """The fraction of the work that is done, training and evaluation, 0 to 1; less than 1 if stopped."""
        trained = self.progress.step / self.progress.total_steps if self.progress else 0.0
        training, evaluation = self._costs()
        return trained * (training + self.evaluated_fraction * evaluation) / (training + evaluation)

    @property
    def eta_seconds(self) -> float:
        """Seconds of training and evaluation that are left at the speed so far; 0 before the first step."""
        if self.progress is None:
            return 0.0
        training, evaluation = self._costs()
        seconds, left = self.progress.seconds, self.progress.eta_seconds
        evaluation_left = (1 - self.evaluated_fraction) * evaluation / training * (seconds + left)
        return evaluation_left if self.state in (RunState.EVALUATING, RunState.FINISHED) else left + evaluation_left

    @property
    def position(self) -> int:
        """How many runs are ahead of this one in the queue."""
        return self._queue.position(self._ticket)

    @property
    def finished(self) -> bool:
        """Whether the run is over, finished or failed."""
        return self.state in (RunState.FINISHED, RunState.FAILED)

    @property
    def stopped(self) -> bool:
        """Whether the run was ended before its last step."""
        return self._stopping.is_set() and not (self.progress and self.progress.is_last)

    def classifier(self) -> Classifier:
        """A classifier with a copy of the model as it is now; it decides for itself what is a digit."""
        model = build_model(self.settings.model, self.settings.seed)
        model.load_state_dict(self.model.state_dict())
        return Classifier(model.requires_grad_(False), self.settings.model, self.test_accuracy, self.calibration)

    def _run(self) -> None:
        try:
            self._queue.wait(self._ticket)
            if not self._cancelled.is_set():
                self._train()
            self.state = RunState.FINISHED
        except Exception as error:  # of any kind, since the user must be told
            self.error = str(error) or type(error).__name__
            self.state = RunState.FAILED
        finally:
            self._queue.dequeue(self._ticket)

    def _train(self) -> None:
        job = Job(
            self.settings,
            get_weights(self.model),
            _arrays(self.training_set),
            _arrays(self.test_set),
            self.probe_image,
            _arrays(self.extra_data) if self.extra_data else None,
        )
        process = self._process = STANDBY.acquire()
        try:
            if self._cancelled.is_set():  # perhaps before `cancel` could see the process
                return
            for message in process.messages(job):
                match message:
                    case ProgressUpdate():
                        self._update(message)
                        if message.paused:
                            self._wait_while_paused()
                            process.send(STOP if self._stopping.is_set() else RESUME)
                    case EvaluationUpdate():
                        self.state = RunState.EVALUATING
                        self.evaluated_fraction = message.fraction
                    case Finished():
                        self._record_result(message)
                    case Failed():
                        raise RuntimeError(message.message)
        except ProcessError:
            if not self._cancelled.is_set():
                raise
        finally:
            self._process = None
            process.close()

    def _update(self, update: ProgressUpdate) -> None:
        set_weights(self.model, update.weights)
        first = self.progress is None
        self.history, self.progress = update.history, update.progress
        if first and self.probe_image is not None:  # perhaps another one than in the job
            self.set_probe_image(self.probe_image)
        self.state = RunState.TRAINING

    def _wait_while_paused(self) -> None:
        """Give up the place in the queue until `resume` or `stop`, then wait in it again; or stop after a while."""
        self.state = RunState.PAUSED
        self._queue.suspend(self._ticket)
        if not self._running.wait(MAX_PAUSE_SECONDS):
            self.paused_too_long = True
            self.stop()
        self._queue.rejoin(self._ticket)
        self.state = RunState.QUEUED
        self._queue.wait(self._ticket)

    def _record_result(self, finished: Finished) -> None:
        assert self.progress
        set_weights(self.model, finished.weights)
        self.calibration = finished.calibration
        self.test_logits = torch.from_numpy(finished.test_logits)
        self.test_accuracy = logits_accuracy(self.test_logits, self.test_set[1])
        self.history.test_accuracy.append((self.progress.step / self.progress.total_steps, self.test_accuracy))
        self.evaluated_fraction = 1.0

    def _costs(self) -> tuple[float, float]:
        """What training and the evaluation at its end cost, in evaluations of an image."""
        num_samples = self.settings.train_fraction * len(self.training_set[0])
        num_samples += len(self.extra_data[0]) if self.extra_data else 0
        num_evaluated = len(self.test_set[0]) + min(NUM_CALIBRATION_IMAGES, len(self.training_set[0]))
        return _TRAINING_COST * self.settings.epochs * num_samples, num_evaluated

    def _send(self, control: bytes) -> None:
        if process := self._process:
            process.send(control)


def _arrays(labelled: LabelledImages) -> LabelledArrays:
    return labelled[0].numpy(), labelled[1].numpy()
