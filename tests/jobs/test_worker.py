import io
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mnist_cnn.calibration import calibrate
from mnist_cnn.evaluation import predict_logits
from mnist_cnn.jobs import worker
from mnist_cnn.jobs.worker import (
    Controls,
    EvaluationUpdate,
    Failed,
    Finished,
    Job,
    ProgressUpdate,
    get_weights,
    set_weights,
    work,
)
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings
from mnist_cnn.training.whole_images import adapt_to_whole_images


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
    updates = [update for update in updates if isinstance(update, ProgressUpdate)]
    steps = [update.progress.step for update in updates]
    assert steps[0] == 1 and steps[-1] == 25
    # The worker looks at the clock after an update, and then once a step.
    assert np.diff(steps).tolist() == [4] * 6


def test_control_bytes_pause_resume_stop_and_change_the_probe_image():
    class Inbox(io.BytesIO):
        """Notes the state of the controls when the next control is read."""

        def __init__(self, controls, data):
            super().__init__(data)
            self.controls, self.states = controls, []

        def read(self, count):
            if count == 1:
                self.states.append((self.controls.running.is_set(), self.controls.stopping.is_set()))
            return super().read(count)

    controls = Controls()
    image = bytes(range(196)) * 4
    data = [worker.PAUSE, worker.RESUME, worker.PROBE, image, worker.PAUSE, worker.STOP, worker.PAUSE]
    inbox = Inbox(controls, b"".join(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.os, "_exit", lambda status: inbox.states.append(status))
        controls.listen(inbox)
    running, paused, stopped, exited = (True, False), (False, False), (True, True), 1
    assert inbox.states == [running, paused, running, running, paused, stopped, stopped, exited]
    assert controls.probe_image.shape == (28, 28)
    assert controls.probe_image.tobytes() == image


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
    last, *evaluation, finished = messages
    assert isinstance(last, ProgressUpdate) and isinstance(finished, Finished)
    assert last.progress.step < last.progress.total_steps
    fractions = [update.fraction for update in evaluation if isinstance(update, EvaluationUpdate)]
    assert fractions == sorted(fractions) and 0 < len(fractions) == len(evaluation)
    assert finished.test_logits.shape == (len(small_sets[1][1]), 10)


def test_stopped_run_keeps_a_model_for_whole_images(small_sets):
    controls = Controls()
    job = make_job(small_sets, epochs=20)
    messages = work(job, controls)
    controls.stopping.set()
    update, *_, finished = messages
    assert update.progress.on_crops
    stopped, kept = build_model("net-8k"), build_model("net-8k")
    set_weights(stopped, update.weights)
    set_weights(kept, finished.weights)
    expected = adapt_to_whole_images(stopped, *small_sets[0])
    assert all(
        torch.equal(value, expected.state_dict()[name])
        for name, value in kept.state_dict().items()
        if not name.endswith("num_batches_tracked")
    )
    assert (finished.test_logits == predict_logits(kept, small_sets[1][0]).numpy()).all()
    assert finished.calibration == calibrate(kept, *small_sets[0])


def test_run_stopped_while_paused_takes_no_further_step(small_sets):
    controls = Controls()
    messages = work(make_job(small_sets, epochs=100), controls)
    next(messages)
    controls.running.clear()
    next(message for message in messages if message.paused)
    controls.stopping.set()
    controls.running.set()
    assert {type(message) for message in messages} == {EvaluationUpdate, Finished}


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
