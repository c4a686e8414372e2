import os
import signal
import time

import numpy as np
import pytest
import torch

from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.jobs import process as process_module
from mnist_cnn.jobs import run as run_module
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import RunState, TrainingRun
from mnist_cnn.jobs.worker import get_weights, set_weights
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings, train
from mnist_cnn.training.history import MAX_POINTS

SHORT = get_settings("net-25k", epochs=3, batch_size=16)
LONG = get_settings("net-25k", epochs=1000, batch_size=16)


def until(condition, seconds=120):
    """Wait for what another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def runs(small_sets):
    """Creates runs that share a queue, and cancels those that are left."""
    created, queue = [], JobQueue()

    def create(settings=SHORT, **options):
        created.append(TrainingRun(settings, *small_sets, queue, **options))
        return created[-1]

    yield create
    for run in created:
        run.cancel()
        if run.state is not RunState.QUEUED:
            run.join(60)


@pytest.fixture(scope="module")
def plain_training(finished_run, small_sets):
    """The model and the last progress of `train` with the settings of `finished_run`."""
    settings = finished_run.settings
    model = build_model(settings.model, settings.seed)
    *_, progress = train(model, *small_sets[0], settings, small_sets[1], extra_data=finished_run.extra_data)
    return model, progress


def test_run_gives_the_same_result_as_plain_training(finished_run, plain_training, small_sets):
    run, (model, progress) = finished_run, plain_training
    assert run.state is RunState.FINISHED
    assert run.progress.is_last
    assert not run.stopped
    assert run.test_accuracy == progress.test_accuracy == accuracy(model, *small_sets[1])
    assert torch.equal(run.test_logits, predict_logits(model, small_sets[1][0]))
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), model.parameters(), strict=True))


def test_finished_run_leaves_no_process(finished_run, run_standby):
    assert not run_standby.acquired[0].running


def test_history_covers_the_run_with_few_points(finished_run):
    history = finished_run.history
    assert history.progress == sorted(history.progress)
    assert history.progress[-1] == 1
    assert 20 < len(history.progress) <= MAX_POINTS + 1
    for curve in (history.loss, history.smoothed_loss, history.batch_accuracy, history.smoothed_accuracy, history.lr):
        assert len(curve) == len(history.progress)
    assert max(history.lr) == pytest.approx(finished_run.settings.lr, rel=0.1)
    assert history.smoothed_loss[-1] < history.smoothed_loss[0]
    assert len(history.test_accuracy) == 8
    assert history.test_accuracy[-1] == (1, finished_run.test_accuracy)


def test_history_has_the_probabilities_of_the_probe_image(finished_run):
    run = finished_run
    probabilities = np.array(run.history.probe_probabilities)
    assert probabilities.shape == (len(run.history.progress), 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    logits = predict_logits(run.model, torch.tensor(run.probe_image)[None])
    temperature = (logits[0, 1] - logits[0, 0]) / np.log(probabilities[-1, 1] / probabilities[-1, 0])
    assert 0 < temperature < 1  # fitted, since a model that is trained with label smoothing is surer than it says
    assert probabilities[-1] == pytest.approx((logits / temperature).softmax(1)[0].numpy(), abs=1e-3)


def test_another_probe_image_is_classified_from_then_on(runs, small_sets):
    images, labels = (tensor[:2].tolist() for tensor in small_sets[0])
    first, other = np.array(images, dtype=np.uint8)
    assert labels[0] != labels[1]
    run = runs(get_settings("net-25k", epochs=100, batch_size=16), probe_image=first)

    def prediction():
        probabilities = run.history.probe_probabilities
        return np.argmax(probabilities[-1]) if probabilities else None

    run.start()
    run.set_probe_image(other)  # before the run has a process
    until(lambda: prediction() == labels[1])
    run.set_probe_image(first)
    until(lambda: prediction() == labels[0])


def test_extra_data_is_learnt(finished_run):
    images, labels = finished_run.extra_data
    num_samples = len(finished_run.training_set[0]) + len(images)
    assert finished_run.progress.samples_seen == finished_run.settings.epochs * num_samples
    assert accuracy(finished_run.model, images, labels) == 1


def test_training_starts_from_a_given_model(runs, finished_run, small_sets):
    run = runs(get_settings("net-25k", "fine-tuning", train_fraction=0.5), initial_model=finished_run.model)
    before = {name: value.clone() for name, value in finished_run.model.state_dict().items()}
    assert torch.equal(predict_logits(run.model, small_sets[1][0]), finished_run.test_logits)
    run.start()
    run.join()
    assert run.history.smoothed_accuracy[0] > 0.5  # random weights have about 0.1
    assert not torch.equal(run.test_logits, finished_run.test_logits)
    assert all(torch.equal(value, before[name]) for name, value in finished_run.model.state_dict().items())


def test_one_run_trains_and_queued_ones_wait_or_leave(runs, small_sets):
    first, second, third = runs(LONG), runs(LONG), runs()
    for run in (first, second, third):
        run.start()
    until(lambda: first.state is RunState.TRAINING)
    assert [run.position for run in (first, second, third)] == [0, 1, 2]
    second.stop()
    second.join(60)
    assert (second.state, second.progress, second.test_accuracy) == (RunState.FINISHED, None, None)
    assert third.position == 1

    first.stop()  # keeps and evaluates what was learnt, before the next run begins
    until(lambda: first.state is RunState.EVALUATING or first.finished)
    assert (third.position, third.progress) == (0 if first.finished else 1, None)
    first.join()
    assert (first.state, first.stopped) == (RunState.FINISHED, True)
    assert first.progress.step < first.progress.total_steps / 2
    assert first.test_accuracy == pytest.approx(accuracy(first.model, *small_sets[1]))
    assert first.history.test_accuracy[-1] == (first.progress.step / first.progress.total_steps, first.test_accuracy)
    assert first.fraction == pytest.approx(first.progress.step / first.progress.total_steps)
    third.join()
    assert third.progress.is_last


@pytest.mark.slow
def test_paused_runs_let_others_train_and_can_be_resumed_or_stopped(runs, finished_run):
    resumed, stopped = runs(finished_run.settings, extra_data=finished_run.extra_data), runs(LONG)
    resumed.start()
    until(lambda: resumed.state is RunState.TRAINING)
    resumed.pause()
    until(lambda: resumed.state is RunState.PAUSED)
    step = resumed.progress.step

    stopped.start()
    until(lambda: stopped.state is RunState.TRAINING)
    resumed.resume()
    until(lambda: resumed.state is RunState.QUEUED)
    assert (resumed.position, resumed.progress.step) == (1, step)
    stopped.pause()
    resumed.join()
    assert torch.equal(resumed.test_logits, finished_run.test_logits)  # the pause has changed nothing

    assert stopped.state is RunState.PAUSED
    stopped.stop()
    stopped.join(60)
    assert (stopped.state, stopped.stopped) == (RunState.FINISHED, True)
    assert stopped.test_accuracy is not None


def test_run_that_is_paused_for_too_long_is_stopped_and_waits_for_its_evaluation(runs, monkeypatch):
    monkeypatch.setattr(run_module, "MAX_PAUSE_SECONDS", 0.05)
    run, other = runs(LONG), runs()
    run.start()
    until(lambda: run.state is RunState.TRAINING)
    run.pause()
    until(lambda: run.paused_too_long and run.state is RunState.QUEUED)
    run.join(0.5)
    assert (run.state, run.position) == (RunState.QUEUED, 1)
    other.cancel()
    run.join(60)
    assert run.paused_too_long and run.stopped
    assert run.test_accuracy is not None


def test_process_that_does_not_respond_is_ended(runs, run_standby, monkeypatch):
    run = runs(LONG)
    run.start()
    until(lambda: run.state is RunState.TRAINING)
    monkeypatch.setattr(process_module, "_MAX_SILENCE_SECONDS", 1)
    os.kill(run_standby.acquired[-1].pid, signal.SIGSTOP)
    run.join(60)
    assert run.state is RunState.FAILED
    assert "did not respond" in run.error and "Train again" in run.error


def test_cancelled_run_ends_with_its_process_within_a_second(runs, run_standby):
    run = runs(LONG)
    run.start()
    until(lambda: run.state is RunState.TRAINING)
    process = run_standby.acquired[-1]
    run.cancel()
    run.join(1)
    assert (run.state, run.test_accuracy, run.error) == (RunState.FINISHED, None, None)
    assert not process.running


def test_run_stopped_while_its_process_starts_leaves_no_process(runs, run_standby):
    before = len(run_standby.acquired)
    run = runs(LONG)
    run.start()
    until(lambda: len(run_standby.acquired) > before)
    run.stop()
    run.join(1)
    assert (run.state, run.progress, run.error) == (RunState.FINISHED, None, None)
    assert not run_standby.acquired[-1].running


@pytest.mark.slow
def test_failed_runs_say_why_and_let_the_next_one_train(runs, run_standby):
    diverging, crashing, crashing_while_paused = runs(), runs(LONG), runs(LONG)
    torch.nn.init.constant_(diverging.model.head.weight, float("inf"))  # what too high a learning rate leads to
    for run in (diverging, crashing, crashing_while_paused):
        run.start()
    until(lambda: crashing.state is RunState.TRAINING)
    assert diverging.state is RunState.FAILED
    assert "Training diverged" in diverging.error

    run_standby.acquired[-1].kill()
    until(lambda: crashing_while_paused.state is RunState.TRAINING)
    assert crashing.state is RunState.FAILED
    assert "The training process crashed" in crashing.error
    assert "Train again" in crashing.error

    crashing_while_paused.pause()
    until(lambda: crashing_while_paused.state is RunState.PAUSED)
    run_standby.acquired[-1].kill()
    crashing_while_paused.resume()
    crashing_while_paused.join(60)
    assert crashing_while_paused.state is RunState.FAILED


def test_classifier_is_a_copy(runs, finished_run, small_sets):
    run, (images, labels) = runs(), small_sets[1]
    early = run.classifier()
    before = early.probabilities(images)
    set_weights(run.model, get_weights(finished_run.model))
    assert (early.probabilities(images) == before).all()
    late = finished_run.classifier()
    assert (late.name, late.test_accuracy) == ("net-25k", finished_run.test_accuracy)
    assert late.calibration == finished_run.calibration
    correct = late.probabilities(images).argmax(1) == labels.numpy()
    assert correct.mean() == pytest.approx(finished_run.test_accuracy)
