import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_cnn.jobs import worker
from mnist_cnn.jobs.worker import Controls, Failed, Finished, Job, ProgressUpdate, get_weights, work
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings


def make_job(small_sets, **changes):
    settings = get_settings("net-8k", batch_size=16, **changes)
    sets = [tuple(tensor.numpy() for tensor in labelled) for labelled in small_sets]
    return Job(settings, get_weights(build_model(settings.model, settings.seed)), *sets)


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances by 0.03 s whenever the worker looks at it."""
    ticks = itertools.count()
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(ticks) * 0.03))


def test_updates_come_at_most_ten_times_a_second(small_sets, clock):
    *updates, finished = work(make_job(small_sets), Controls())
    assert isinstance(finished, Finished)
    steps = [update.progress.step for update in updates]
    assert steps[0] == 1 and steps[-1] == 25
    # The worker looks at the clock after an update, and then once a step.
    assert np.diff(steps).tolist() == [4] * 6


def test_control_bytes_pause_resume_and_stop():
    class Inbox:
        """Sends bytes, and notes the state of the controls when the next one is read."""

        def __init__(self, controls, data):
            self.controls, self.data, self.states = controls, list(data), []

        def read(self, count):
            self.states.append((self.controls.running.is_set(), self.controls.stopping.is_set()))
            return self.data.pop(0) if self.data else b""

    controls = Controls()
    inbox = Inbox(controls, [worker.PAUSE, worker.RESUME, worker.PAUSE, worker.STOP, worker.PAUSE])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.os, "_exit", lambda status: inbox.states.append(status))
        controls.listen(inbox)
    running, paused, stopped, exited = (True, False), (False, False), (True, True), 1
    assert inbox.states == [running, paused, running, paused, stopped, stopped, exited]


def test_paused_run_continues_where_it_was(small_sets):
    controls = Controls()
    messages = work(make_job(small_sets, epochs=100), controls)
    assert not next(messages).paused
    controls.running.clear()
    paused = next(message for message in messages if message.paused)
    weights = {name: values.copy() for name, values in paused.weights.items()}
    controls.running.set()
    later = next(messages)
    assert later.progress.step > paused.progress.step
    assert any((weights[name] != later.weights[name]).any() for name in weights)
    controls.stopping.set()
    *_, last, finished = messages
    assert isinstance(last, ProgressUpdate) and isinstance(finished, Finished)
    assert last.progress.step < last.progress.total_steps
    assert finished.test_logits.shape == (len(small_sets[1][1]), 10)


def test_run_stopped_while_paused_takes_no_further_step(small_sets):
    controls = Controls()
    messages = work(make_job(small_sets, epochs=100), controls)
    next(messages)
    controls.running.clear()
    next(message for message in messages if message.paused)
    controls.stopping.set()
    controls.running.set()
    assert [type(message) for message in messages] == [Finished]


def test_any_error_ends_the_run_with_its_message(small_sets):
    job = make_job(small_sets, train_fraction=0.01)
    (failed,) = work(job, Controls())
    assert isinstance(failed, Failed)
    assert "batch_size (16) exceeds the training set (4)" in failed.message


def test_divergence_ends_the_run_with_cause_and_remedy(small_sets):
    job = make_job(small_sets)
    job.weights["conv5.weight"][:] = np.inf
    (failed,) = work(job, Controls())
    assert failed.message == (
        "Training diverged (loss is NaN or infinite) at step 1: the learning rate is too high for this batch size. "
        "Choose a lower learning rate or a larger batch size."
    )
