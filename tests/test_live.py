import torch

from mnist_cnn.evaluation import accuracy
from mnist_cnn.live import LiveRun
from mnist_cnn.models import build_model
from mnist_cnn.training import recipe_settings, train

SETTINGS = recipe_settings("net-25k", epochs=3, batch_size=16, seed=4)


def test_a_run_streams_and_ends_where_plain_training_does(small_sets):
    run = LiveRun(SETTINGS, *small_sets)
    updates = sum(1 for _ in run.updates(interval=0))
    assert updates > 10
    assert run.progress.done
    assert not run.stopped

    model = build_model(SETTINGS.model, SETTINGS.seed)
    *_, progress = train(model, *small_sets[0], SETTINGS, small_sets[1])
    assert run.test_accuracy == progress.test_accuracy == accuracy(model, *small_sets[1])
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), model.parameters(), strict=True))


def test_the_history_covers_the_run_with_few_points(small_sets):
    run = LiveRun(SETTINGS, *small_sets)
    for _ in run.updates():
        pass
    for curve in (run.history.loss, run.history.accuracy, run.history.test_accuracy):
        shares = [share for share, _ in curve]
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert len(curve) <= 302
    assert len(run.history.test_accuracy) == 8
    assert run.history.test_accuracy[-1][1] == run.test_accuracy


def test_stop_ends_the_run_and_keeps_what_was_learnt(small_sets):
    run = LiveRun(SETTINGS, *small_sets)
    for number, _ in enumerate(run.updates(interval=0)):
        if number == 2:
            run.stop()
    assert run.stopped
    assert run.progress.step < run.progress.steps / 2
    assert run.test_accuracy == accuracy(run.model, *small_sets[1])


def test_closing_ends_the_run_at_once(small_sets):
    run = LiveRun(SETTINGS, *small_sets)
    updates = run.updates(interval=0)
    next(updates)
    updates.close()
    step = run.progress.step
    assert list(updates) == []
    assert run.progress.step == step
    assert run.test_accuracy is None


def test_the_classifier_is_a_copy(small_sets):
    run = LiveRun(SETTINGS, *small_sets)
    updates = run.updates(interval=0)
    next(updates)
    early = run.classifier()
    images = small_sets[1][0]
    before = early.probabilities(images)
    for _ in updates:
        pass
    assert (early.probabilities(images) == before).all()
    late = run.classifier()
    assert (late.name, late.test_accuracy, late.calibration) == ("net-25k", run.test_accuracy, run.calibration)
    assert (late.probabilities(images).argmax(1) == small_sets[1][1].numpy()).mean() == run.test_accuracy
