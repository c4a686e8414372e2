"""What a process does that trains for a server: it takes one job, sends news of it, and ends with job or server.

A process of its own, since threads of one process wait for each other's Python, and the server has readers to answer.
"""

import contextlib
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import torch

from ..calibration import Calibration, calibrate
from ..evaluation import predict_logits
from ..models import DigitCNN, build_model
from ..runtime import limit_threads, select_device
from ..training import Progress, TrainingSettings, train
from .history import History

_NEWS_EVERY = 0.1  # seconds
_MEASUREMENTS = 8  # of the test accuracy during a run
_NICENESS = 5  # readers come first: of a core that another process wants too, one as nice as this gets a quarter

# What a server may tell a worker after the job, each a byte: hold after the step that is under way, go on, or stop
# training and measure what was learnt.
PAUSE, RESUME, STOP = b"h", b"g", b"s"

# Arrays, which are pickled far sooner than tensors.
LabelledArrays = tuple[np.ndarray, np.ndarray]  # uint8 (N, 28, 28), int64 (N,)
Weights = dict[str, np.ndarray]  # a network's `state_dict`


def get_weights(model: DigitCNN) -> Weights:
    """The weights of a network, on the CPU; they change with it where it is there, too."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def load_checkpoint(model: DigitCNN, weights: Weights) -> None:
    """Give a network, on any device, weights of another of its kind."""
    model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})


@dataclass(frozen=True)
class Job:
    """What to train.

    Attributes:
        settings: what to train and how.
        weights: where the network starts.
        training_set, test_set: images and labels.
        watched: an image, uint8 (28, 28), that is read again and again while the network learns.
        added: images and labels that join the training set.
    """

    settings: TrainingSettings
    weights: Weights
    training_set: LabelledArrays
    test_set: LabelledArrays
    probe_image: np.ndarray | None = None
    added: LabelledArrays | None = None


@dataclass(frozen=True)
class ProgressUpdate:
    """How a run stands.

    Attributes:
        progress: after the last step.
        history: the curves so far.
        weights: the network so far.
        held: whether it waits to be told to go on.
    """

    progress: Progress
    history: History
    weights: Weights
    paused: bool = False


@dataclass(frozen=True)
class Finished:
    """What the network came to; follows the last news of it.

    Attributes:
        test_logits: float32 (N, 10), of the whole test set.
        calibration: fitted to the training set.
    """

    test_logits: np.ndarray
    calibration: Calibration


@dataclass(frozen=True)
class Failed:
    """Why nothing more will come, in words."""

    words: str


Message = ProgressUpdate | Finished | Failed


class Controls:
    """What the server wants: to hold, to go on, to stop.

    Attributes:
        going: cleared to hold.
        stopping: set to stop; then `going` is set, too.
    """

    def __init__(self) -> None:
        self.going, self.stopping = threading.Event(), threading.Event()
        self.going.set()

    def listen(self, inbox: BinaryIO) -> None:
        """Take orders as they come, and end the process where no more can come: the server is gone."""
        while order := inbox.read(1):
            if order == PAUSE and not self.stopping.is_set():
                self.going.clear()
            else:
                if order == STOP:
                    self.stopping.set()
                self.going.set()
        os._exit(1)


def work(job: Job, orders: Controls) -> Iterator[Message]:
    """Do a job, in messages.

    Weights and history are the run's own: who wants to keep them copies them before asking for the next message.

    Args:
        job: what to train.
        orders: looked at after every step.
    """
    try:
        model = build_model(job.settings.model)
        load_checkpoint(model.to(select_device()), job.weights)
        training_set, test_set = _tensors(job.training_set), _tensors(job.test_set)
        yield from _training(model, job, training_set, test_set, orders)
        yield Finished(predict_logits(model, test_set[0]).numpy(), calibrate(model, *training_set))
    except Exception as error:  # of any kind: whoever watches has to hear of it
        yield Failed(str(error) or type(error).__name__)


def _training(
    model: DigitCNN,
    job: Job,
    training_set: tuple[torch.Tensor, torch.Tensor],
    test_set: tuple[torch.Tensor, torch.Tensor],
    orders: Controls,
) -> Iterator[ProgressUpdate]:
    history, due = History(), 0.0
    added = _tensors(job.added) if job.added else None
    for progress in train(model, *training_set, job.settings, test_set, _MEASUREMENTS, added):
        if not np.isfinite(progress.loss):
            raise ValueError(
                f"The loss is no longer a number after {progress.step} steps: the learning rate is too high for such "
                "batches. Take a lower rate, or larger batches."
            )
        if history.record(progress) and job.probe_image is not None:
            with limit_threads(1):  # more would only wait for each other over one image
                logits = predict_logits(model, torch.tensor(job.probe_image)[None])  # (1, 10)
            history.probe_probabilities.append((logits[0] * job.settings.logit_scale).softmax(0).tolist())
        last = progress.is_last or orders.stopping.is_set()
        paused = not last and not orders.going.is_set()
        if last or paused or time.monotonic() >= due:
            yield ProgressUpdate(progress, history, get_weights(model), paused)
            due = time.monotonic() + _NEWS_EVERY
        if paused:
            orders.going.wait()
        if last or (paused and orders.stopping.is_set()):
            return


def _tensors(arrays: LabelledArrays) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = arrays
    return torch.from_numpy(images), torch.from_numpy(labels)


def main() -> None:
    """Take a job from standard input, and orders after it; send messages to standard output."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # so that whatever else reads or prints in this process
        os.dup2(2, 1)  # does not get between the two
    try:
        job = pickle.load(inbox)
    except (EOFError, pickle.UnpicklingError):  # no job came, or a part of one, and the server is gone
        sys.exit(1)
    if hasattr(os, "nice"):  # not on Windows; and not before, since somebody waits for the start
        os.nice(_NICENESS)
    orders = Controls()
    threading.Thread(target=orders.listen, args=[inbox], name="orders", daemon=True).start()
    with contextlib.suppress(OSError):  # of a pipe that broke: the server is gone
        for message in work(job, orders):
            pickle.dump(message, outbox, pickle.HIGHEST_PROTOCOL)
            outbox.flush()
    os._exit(0)  # at once, in the middle of waiting for orders
