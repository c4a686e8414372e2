import time

import numpy as np
import pytest
import torch

from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.jobs.history import POINTS
from mnist_cnn.jobs.process import StandbyProcess
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import RunState, TrainingRun
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings, train

SETTINGS = get_settings("net-25k", epochs=3, batch_size=16, seed=4)
LONG = get_settings("net-25k", epochs=1000, batch_size=16)


def until(condition, seconds=60):
    """Wait for what another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def processes(monkeypatch):
    """The processes of runs, in the order in which they began."""
    taken = []

    class Noted(StandbyProcess):
        def take(self):
            taken.append(super().take())
            return taken[-1]

    spare = Noted()
    monkeypatch.setattr(live, "SPARE", spare)
    yield taken
    spare.drop()


@pytest.fixture
def runs(small_sets):
    """Makes runs that take turns with each other, and leaves none behind."""
    made, turns = [], JobQueue()

    def make(settings=SETTINGS, **options):
        made.append(TrainingRun(settings, *small_sets, turns, **options))
        return made[-1]

    yield make
    for run in made:
        run.cancel()
        if run.state is not RunState.QUEUED:
            run.join(60)


def test_a_run_ends_where_plain_training_does(runs, small_sets):
    run = runs(probe_image=small_sets[1][0][0].numpy())
    run.start()
    run.join()
    assert run.state is RunState.ENDED
    assert run.progress.is_last
    assert not run.stopped

    model = build_model(SETTINGS.model, SETTINGS.seed)
    *_, progress = train(model, *small_sets[0], SETTINGS, small_sets[1])
    assert run.test_accuracy == progress.test_accuracy == accuracy(model, *small_sets[1])
    assert torch.equal(run.test_logits, predict_logits(model, small_sets[1][0]))
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), model.parameters(), strict=True))


def test_the_history_covers_the_run_with_few_points(runs, small_sets):
    image = small_sets[1][0][0].numpy()
    run = runs(probe_image=image)
    run.start()
    run.join()
    history = run.history
    assert history.at == sorted(history.at)
    assert history.at[-1] == 1
    assert 20 < len(history.at) <= POINTS + 1
    for curve in (history.loss, history.smoothed_loss, history.batch_accuracy, history.accuracy, history.lr):
        assert len(curve) == len(history.at)
    assert max(history.lr) == pytest.approx(SETTINGS.lr, rel=0.1)
    assert history.smoothed_loss[-1] < history.smoothed_loss[0]
    assert len(history.test_accuracy) == 8
    assert history.test_accuracy[-1] == (1, run.test_accuracy)

    probe_image = np.array(history.probe_image)
    assert probe_image.shape == (len(history.at), 10)
    assert np.allclose(probe_image.sum(axis=1), 1, atol=1e-5)
    last = (predict_logits(run.model, torch.tensor(image)[None]) * SETTINGS.logit_scale).softmax(1)
    assert probe_image[-1] == pytest.approx(last[0].numpy(), abs=1e-6)


def test_stop_ends_the_run_and_keeps_what_was_learnt(runs, small_sets):
    run = runs(LONG)
    run.start()
    until(lambda: run.progress)
    run.stop()
    run.join()
    assert (run.state, run.stopped) == (RunState.ENDED, True)
    assert run.progress.step < run.progress.total_steps / 2
    assert run.test_accuracy == pytest.approx(accuracy(run.model, *small_sets[1]))


def test_pause_holds_the_run_and_resume_changes_nothing_of_it(runs, small_sets):
    run, other = runs(), runs(LONG)
    run.start()
    until(lambda: run.progress)
    run.pause()
    until(lambda: run.state is RunState.PAUSED)
    step = run.progress.step

    other.start()  # has the turn that the paused one gave away
    until(lambda: other.progress)
    run.resume()
    until(lambda: run.state is RunState.QUEUED)
    assert (run.ahead, run.progress.step) == (1, step)
    other.stop()
    run.join()
    model = build_model(SETTINGS.model, SETTINGS.seed)
    *_, progress = train(model, *small_sets[0], SETTINGS, small_sets[1])
    assert run.test_accuracy == progress.test_accuracy


def test_a_paused_run_can_be_stopped(runs):
    run = runs(LONG)
    run.start()
    until(lambda: run.progress)
    run.pause()
    until(lambda: run.state is RunState.PAUSED)
    run.stop()
    run.join(60)
    assert (run.state, run.stopped) == (RunState.ENDED, True)
    assert run.test_accuracy is not None


def test_one_trains_and_the_others_wait_and_may_leave(runs):
    first, second, third = runs(LONG), runs(LONG), runs(SETTINGS)
    for run in (first, second, third):
        run.start()
    until(lambda: first.progress)
    assert [run.ahead for run in (first, second, third)] == [0, 1, 2]
    second.stop()
    second.join(60)
    assert (second.state, second.progress, second.test_accuracy) == (RunState.ENDED, None, None)
    assert third.ahead == 1
    first.stop()
    third.join()
    assert third.progress.is_last


def test_abandoning_ends_the_run_and_its_process_within_a_second_and_measures_nothing(runs, processes):
    run = runs(LONG)
    run.start()
    until(lambda: run.progress)
    run.cancel()
    run.join(1)
    assert (run.state, run.test_accuracy, run.error) == (RunState.ENDED, None, None)
    assert not processes[0].running


def test_who_leaves_while_the_process_starts_leaves_none_behind(runs, processes):
    run = runs(LONG)
    run.start()
    until(lambda: processes)
    run.stop()
    run.join(1)
    assert (run.state, run.progress, run.error) == (RunState.ENDED, None, None)
    assert not processes[0].running


def test_a_run_that_has_ended_leaves_no_process(runs, processes):
    run = runs()
    run.start()
    run.join()
    assert run.state is RunState.ENDED
    assert [process.running for process in processes] == [False]


def test_a_process_that_dies_is_said_and_makes_place_for_the_next(runs, processes):
    run, next_one = runs(LONG), runs()
    run.start()
    next_one.start()
    until(lambda: run.progress)
    processes[0].kill()
    run.join(60)
    assert run.state is RunState.FAILED
    assert "ended in the middle" in run.error
    assert "Train again" in run.error
    next_one.join()
    assert next_one.progress.is_last


def test_so_is_one_that_dies_while_the_run_is_paused(runs, processes):
    run = runs(LONG)
    run.start()
    until(lambda: run.progress)
    run.pause()
    until(lambda: run.state is RunState.PAUSED)
    processes[0].kill()
    run.resume()
    run.join(60)
    assert run.state is RunState.FAILED


def test_what_goes_wrong_is_said_and_makes_place_for_the_next(runs):
    wild, next_one = runs(), runs()
    torch.nn.init.constant_(wild.model.head.weight, float("inf"))  # where too high a rate leads
    wild.start()
    next_one.start()
    wild.join()
    assert wild.state is RunState.FAILED
    assert "the learning rate is too high" in wild.error
    next_one.join()
    assert next_one.progress.is_last


def test_added_drawings_are_learnt(runs, small_sets):
    images = small_sets[1][0][:1].flip(2)  # mirrored: nothing of the kind is in the training set
    labels = torch.tensor([8])
    run = runs(added=(images.repeat(50, 1, 1), labels.repeat(50)))
    run.start()
    run.join()
    assert run.progress.samples_seen == 3 * (len(small_sets[0][0]) + 50)
    assert accuracy(run.model, images, labels) == 1


def test_the_classifier_is_a_copy(runs, small_sets):
    run = runs()
    run.start()
    until(lambda: run.progress)
    early = run.classifier()
    images = small_sets[1][0]
    before = early.probabilities(images)
    run.join()
    assert (early.probabilities(images) == before).all()
    late = run.classifier()
    assert (late.name, late.test_accuracy, late.calibration) == ("net-25k", run.test_accuracy, run.calibration)
    assert (late.probabilities(images).argmax(1) == small_sets[1][1].numpy()).mean() == pytest.approx(run.test_accuracy)
