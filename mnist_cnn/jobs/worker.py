"""What a training process runs: it receives one job, sends messages about it, and exits with the job or the server.

It is a process and not a thread because threads share Python's global lock, and the server must keep classifying.
"""

import contextlib
import os
import pickle
import sys
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import torch

from ..calibration import NUM_CALIBRATION_IMAGES, Calibration, fit_calibration
from ..constants import IMAGE_SIZE
from ..evaluation import predict_logits
from ..models import DigitCNN, build_model
from ..runtime import select_device
from ..training import Progress, TrainingSettings, train
from ..training.history import EVALUATE_AT, History
from ..training.loop import model_to_evaluate

_UPDATE_INTERVAL = 0.1  # seconds
_EVALUATED_AT_ONCE = 1000  # images, after which the worker says how far the evaluation is
_NICENESS = 5  # classification has priority: on a busy core, a process of this niceness gets a quarter of the time

# What a server may send to a worker after the job, a byte each: pause after the current step, continue, or stop
# training and evaluate what was learnt. The last is followed by another probe image, a byte for each pixel.
PAUSE, RESUME, STOP, PROBE = b"p", b"r", b"s", b"i"

# NumPy arrays, because they pickle much faster than tensors.
LabelledArrays = tuple[np.ndarray, np.ndarray]  # uint8 (N, 28, 28), int64 (N,)
Weights = dict[str, np.ndarray]  # a model's `state_dict`


def get_weights(model: DigitCNN) -> Weights:
    """The weights of a model. Those of a model on the CPU share its memory, and so change with it."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def set_weights(model: DigitCNN, weights: Weights) -> None:
    """Copy weights into a model of the same class, on any device."""
    model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})


@dataclass(frozen=True)
class Job:
    """What to train.

    Attributes:
        settings: of the run.
        weights: where training starts.
        training_set, test_set: images and labels.
        probe_image: an image, uint8 (28, 28), that is classified again and again during training.
        extra_data: images and labels that join the training set.
    """

    settings: TrainingSettings
    weights: Weights
    training_set: LabelledArrays
    test_set: LabelledArrays
    probe_image: np.ndarray | None = None
    extra_data: LabelledArrays | None = None


@dataclass(frozen=True)
class ProgressUpdate:
    """The state of a run.

    Attributes:
        progress: after the last step.
        history: the curves so far.
        weights: of the model now.
        paused: whether the run waits for `RESUME` or `STOP`.
    """

    progress: Progress
    history: History
    weights: Weights
    paused: bool = False


@dataclass(frozen=True)
class EvaluationUpdate:
    """Training has ended; `fraction` of the evaluation is done, 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Finished:
    """The result of a run; follows its last `EvaluationUpdate`.

    Attributes:
        weights: of the model that was evaluated.
        test_logits: float32 (N, 10), of the whole test set.
        calibration: fitted to the training set.
    """

    weights: Weights
    test_logits: np.ndarray
    calibration: Calibration


@dataclass(frozen=True)
class Failed:
    """A run failed; no message follows. `message` says why, for the user."""

    message: str


Message = ProgressUpdate | EvaluationUpdate | Finished | Failed


class Controls:
    """What the server wants a run to do.

    Attributes:
        running: cleared to pause.
        stopping: set to stop; `running` is set then, too.
        probe_image: uint8 (28, 28), to classify from now on; None for no image.
    """

    def __init__(self, probe_image: np.ndarray | None = None) -> None:
        self.running, self.stopping = threading.Event(), threading.Event()
        self.running.set()
        self.probe_image = probe_image

    def listen(self, inbox: BinaryIO) -> None:
        """Receive what the server sends; exit the process when the server is gone and no more can come."""
        while control := inbox.read(1):
            if control == PROBE:
                pixels = np.frombuffer(inbox.read(IMAGE_SIZE**2), np.uint8)
                self.probe_image = pixels.reshape(IMAGE_SIZE, IMAGE_SIZE)
            elif control == PAUSE and not self.stopping.is_set():
                self.running.clear()
            else:
                if control == STOP:
                    self.stopping.set()
                self.running.set()
        os._exit(1)


def work(job: Job, controls: Controls) -> Iterator[Message]:
    """Do a job, yielding messages about it.

    Weights and history in a message are the run's own: copy them before asking for the next message, to keep them.

    Args:
        job: what to train.
        controls: checked after every step.
    """
    try:
        model = build_model(job.settings.model)
        set_weights(model.to(select_device()), job.weights)
        training_set, test_set = _tensors(job.training_set), _tensors(job.test_set)
        model = yield from _train(model, job, training_set, test_set, controls)
        yield from _evaluate(model, training_set, test_set[0])
    except Exception as error:  # of any kind, since the user must be told
        yield Failed(str(error) or type(error).__name__)


def _train(
    model: DigitCNN,
    job: Job,
    training_set: tuple[torch.Tensor, torch.Tensor],
    test_set: tuple[torch.Tensor, torch.Tensor],
    controls: Controls,
) -> Generator[ProgressUpdate, None, DigitCNN]:
    """Train, yielding updates. Returns the model to evaluate and keep."""
    history, next_update = History(), 0.0
    temperature = 1 / job.settings.logit_scale  # as in the loss, until one is fitted
    extra_data = _tensors(job.extra_data) if job.extra_data else None
    for progress in train(model, *training_set, job.settings, test_set, EVALUATE_AT, extra_data):
        temperature = progress.temperature or temperature
        if history.record(progress) and controls.probe_image is not None:
            image = torch.tensor(controls.probe_image)
            logits = predict_logits(model, image[None], cropped=progress.on_crops)  # (1, 10)
            history.probe_probabilities.append((logits[0] / temperature).softmax(0).tolist())
        last = progress.is_last or controls.stopping.is_set()
        paused = not last and not controls.running.is_set()
        if last or paused or time.monotonic() >= next_update:
            yield ProgressUpdate(progress, history, get_weights(model), paused)
            next_update = time.monotonic() + _UPDATE_INTERVAL
        if paused:
            controls.running.wait()
        if last or (paused and controls.stopping.is_set()):
            return model_to_evaluate(model, progress, job.settings, *training_set)
    raise AssertionError("A run has at least one step.")


def _evaluate(
    model: DigitCNN, training_set: tuple[torch.Tensor, torch.Tensor], test_images: torch.Tensor
) -> Iterator[EvaluationUpdate | Finished]:
    """Classify the test set and calibrate."""
    images, labels = (tensor[:NUM_CALIBRATION_IMAGES] for tensor in training_set)
    chunks: list[torch.Tensor] = []
    todo = [*test_images.split(_EVALUATED_AT_ONCE), *images.split(_EVALUATED_AT_ONCE)]
    for chunk in todo:
        yield EvaluationUpdate(len(chunks) / len(todo))
        chunks.append(predict_logits(model, chunk))
    logits = torch.cat(chunks)  # (N, 10)
    calibration = fit_calibration(logits[len(test_images) :], labels)
    yield Finished(get_weights(model), logits[: len(test_images)].numpy(), calibration)


def _tensors(arrays: LabelledArrays) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = arrays
    return torch.from_numpy(images), torch.from_numpy(labels)


def main() -> None:
    """Receive a job and then controls on standard input, and send messages on standard output."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as null:  # so that no other input or output of this process gets between the messages
        os.dup2(null.fileno(), 0)
        os.dup2(2, 1)
    try:
        job = pickle.load(inbox)
    except (EOFError, pickle.UnpicklingError):  # the server ended before it sent all of a job
        sys.exit(1)
    if hasattr(os, "nice"):  # not on Windows; and not earlier, because a user waits for the process to start
        os.nice(_NICENESS)
    controls = Controls(job.probe_image)
    threading.Thread(target=controls.listen, args=[inbox], name="controls", daemon=True).start()
    with contextlib.suppress(OSError):  # of a broken pipe: the server is gone
        for message in work(job, controls):
            pickle.dump(message, outbox, pickle.HIGHEST_PROTOCOL)
            outbox.flush()
    os._exit(0)  # at once, although the other thread still waits for controls
