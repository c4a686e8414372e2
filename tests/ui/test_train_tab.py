"""The Train tab's handlers, called with plain values."""

import base64
import csv
import dataclasses
import json
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from mnist_cnn.checkpoint import load_checkpoint, save_checkpoint
from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import DataError
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import MAX_PAUSED, RunState, TrainingRun
from mnist_cnn.models import build_model
from mnist_cnn.ui import run_updates, train_tab
from mnist_cnn.ui.components.model_choice.model_choice import USER_MODEL
from mnist_cnn.ui.draw_tab import create_draw_tab
from mnist_cnn.ui.train_tab import TrainHandlers, TrainTab
from mnist_cnn.ui.training_form import TrainingForm
from tests.support.asgi import run as run_coroutine
from tests.support.digits import DIGITS
from tests.support.futures import completed
from tests.support.handwriting import render

FORM = TrainingForm.from_recipe("net-8k", "default")


@pytest.fixture(scope="module")
def page(small_sets, tmp_path_factory):
    """Both tabs, without events of the Train tab; it trains on the small data set."""
    pretrained = {name: load_classifier(name) for name in ("net-25k", "net-8k")}
    with gr.Blocks():
        draw, tab = create_draw_tab(pretrained), TrainTab()
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_tab, "load_mnist_shared", lambda: completed(small_sets))
        patch.setattr(train_tab, "get_upload_folder", lambda: str(folder))
        yield SimpleNamespace(pretrained=pretrained, draw=draw, tab=tab)


@pytest.fixture
def queue():
    return JobQueue()


@pytest.fixture
def handlers(page, queue):
    return TrainHandlers(page.pretrained, page.draw, page.tab, queue)


@pytest.fixture(scope="module")
def drawings(small_sets):
    return LabelledDrawings().add(small_sets[1][0][0].numpy(), 3, 5)


@pytest.fixture(scope="module")
def finished(page, drawings):
    """All updates of a run that does not train on the labelled drawings."""
    handlers = TrainHandlers(page.pretrained, page.draw, page.tab, JobQueue())
    return train(handlers, dataclasses.replace(FORM, batch_size=8), drawings=drawings)


def train(
    handlers,
    form=FORM,
    use_drawings=False,
    sketch=None,
    drawings=None,
    reports=(),
    current=None,
    request=None,
    on_update=None,
):
    """All updates of a run."""

    async def collect():
        updates = []
        labelled = drawings or LabelledDrawings()
        inputs = [*dataclasses.astuple(form), use_drawings, sketch, labelled, list(reports), current]
        async for update in handlers.train(request, *inputs):
            updates.append(update)
            if on_update:
                on_update(update)
        return updates

    return run_coroutine(collect())


def statuses(page, updates):
    values = [update[page.tab.monitor] for update in updates if page.tab.monitor in update]
    return [value["status"] for value in values if "status" in value]


def test_run_ends_with_results_and_files(page, finished, small_sets):
    tab, last = page.tab, finished[-1]
    assert statuses(page, finished)[0] == "Loading MNIST …"
    assert statuses(page, finished)[-1].startswith("Done after ")
    assert last[page.draw.run] is None
    assert last[tab.trained_model].rejector is last[tab.trained_model]
    ((number, report),) = last[tab.reports]
    assert (number, report.num_extra) == (1, 0)
    assert last[tab.history][0]["accuracy"] == f"{report.test_accuracy:.2%}"
    assert np.array(last[tab.results]["value"]["confusion_matrix"]).sum() == len(small_sets[1][1])
    assert last[tab.use].visible and last[tab.weights].visible
    assert last[tab.start].interactive
    assert not last[tab.stop].interactive
    metrics = json.loads(Path(last[tab.metrics].value["path"]).read_text())
    assert metrics["test_accuracy"] == report.test_accuracy
    rows = list(csv.DictReader(Path(last[tab.curves].value["path"]).read_text().splitlines()))
    assert float(rows[-1]["progress"]) == 1
    assert load_checkpoint(last[tab.weights].value["path"]).settings["batch_size"] == 8


def test_labelled_drawings_join_the_training_set(page, handlers, finished, drawings):
    form, reports = dataclasses.replace(FORM, batch_size=8), finished[-1][page.tab.reports]
    last = train(handlers, form, use_drawings=True, drawings=drawings, reports=reports)[-1]
    (_, without), (number, report) = last[page.tab.reports]
    assert (number, report.num_extra) == (2, 1)
    assert report.progress.samples_seen >= without.progress.samples_seen + 40  # 50, in whole batches
    assert "Test accuracy without them, in run 1:" in last[page.tab.monitor]["status"]
    assert last[page.tab.monitor]["previous"] is not None


def test_invalid_settings_are_not_trained_with(page, handlers, queue):
    (update,) = train(handlers, dataclasses.replace(FORM, lr=1.9))
    assert "use at most 0.8, or larger batches" in update[page.tab.monitor]["status"]
    assert len(queue) == 0


def test_full_training_queue_is_rejected(page, handlers, queue):
    for _ in range(30):
        queue.enqueue()
    (update,) = train(handlers)
    message = "Queue full: too many runs are waiting. Try again in a few minutes."
    assert update == {page.tab.monitor: update[page.tab.monitor]}
    assert update[page.tab.monitor]["status"] == message
    assert len(queue) == 30


def test_one_run_of_a_session_at_a_time(page, handlers, queue, small_sets):
    current = TrainingRun(FORM.settings(), *small_sets, JobQueue())
    (update,) = train(handlers, current=current)
    assert update == {page.tab.monitor: update[page.tab.monitor]}
    assert update[page.tab.monitor]["status"].startswith("Your last training run is still in progress.")
    assert len(queue) == 0


def test_missing_data_is_reported(page, handlers, monkeypatch):
    monkeypatch.setattr(train_tab, "load_mnist_shared", lambda: completed(error=DataError("Set MNIST_ROOT.")))
    updates = train(handlers)
    assert statuses(page, updates) == ["Loading MNIST …", "Set MNIST_ROOT."]
    assert updates[-1][page.tab.start].interactive


def test_any_other_failure_before_training_is_reported(page, handlers, monkeypatch):
    error = PermissionError(13, "Permission denied")
    monkeypatch.setattr(train_tab, "load_mnist_shared", lambda: completed(error=error))
    updates = train(handlers)
    assert statuses(page, updates)[-1] == "Training cannot start: PermissionError(13, 'Permission denied')."
    assert updates[-1][page.tab.start].interactive


def test_model_can_be_used_where_its_files_cannot_be_written(page, handlers, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train_tab, "save_checkpoint", fail)
    last = train(handlers, dataclasses.replace(FORM, batch_size=8, train_fraction=0.1))[-1]
    assert "could not be written (No space left on device); the model can be used." in last[page.tab.monitor]["status"]
    assert last[page.tab.trained_model].test_accuracy is not None
    assert last[page.tab.use].interactive and not last[page.tab.weights].interactive


@pytest.mark.parametrize("ahead", [0, 1], ids=["training", "queued"])
def test_run_without_a_listener_is_ended(page, handlers, queue, monkeypatch, ahead):
    monkeypatch.setattr(run_updates, "_MAX_UNHEARD_SECONDS", 0.5)
    for _ in range(ahead):
        queue.enqueue()
    long = dataclasses.replace(FORM, batch_size=8)
    runs = []

    def remember(update):
        runs.extend([update[page.draw.run]] if update.get(page.draw.run) else [])

    updates = train(handlers, long, request=SimpleNamespace(session_hash="nobody"), on_update=remember)
    runs[0].join(10)
    assert runs[0].finished and runs[0].test_accuracy is None
    assert page.tab.results not in updates[-1]
    assert len(queue) == ahead


def test_run_with_a_listener_goes_on(page, handlers, monkeypatch):
    monkeypatch.setattr(run_updates, "_MAX_UNHEARD_SECONDS", 0)
    with run_updates.CONNECTIONS.stream("somebody"):
        form = dataclasses.replace(FORM, batch_size=8, train_fraction=0.1)
        last = train(handlers, form, request=SimpleNamespace(session_hash="somebody"))[-1]
    assert page.tab.results in last


def test_run_that_leaves_the_queue_trains_nothing(page, handlers, queue):
    ahead = queue.enqueue()
    buttons = []

    def leave(update):
        if run := update.get(page.draw.run):
            buttons.append(update[page.tab.stop].value)
            train_tab.stop(run, None)

    updates = train(handlers, on_update=leave)
    queue.dequeue(ahead)
    assert buttons == ["Leave queue"]
    assert "Queued: 1 run ahead. Yours starts automatically." in statuses(page, updates)
    assert statuses(page, updates)[-1] == "Run cancelled; nothing was trained."
    assert page.tab.results not in updates[-1]
    assert len(queue) == 0


def test_user_can_leave_while_mnist_is_loaded(page, handlers, queue, monkeypatch):
    monkeypatch.setattr(train_tab, "load_mnist_shared", Future)  # is never done
    updates = train(handlers, on_update=lambda update: train_tab.stop(None, update.get(page.draw.leave)))
    assert updates[0][page.tab.stop].interactive
    assert statuses(page, updates)[-1] == "Run cancelled; nothing was trained."
    assert (updates[-1][page.tab.start].interactive, updates[-1][page.tab.stop].interactive) == (True, False)
    assert len(queue) == 0


def test_run_is_cancelled_when_its_user_leaves(page, handlers, queue):
    async def leave():
        updates = handlers.train(None, *dataclasses.astuple(FORM), False, None, LabelledDrawings(), [], None)
        async for update in updates:
            if run := update.get(page.draw.run):
                await updates.aclose()
                return run

    run = run_coroutine(leave())
    run.join(10)
    assert run.state is RunState.FINISHED
    assert run.test_accuracy is None
    assert len(queue) == 0


def test_pause_and_stop_do_nothing_without_a_run():
    train_tab.pause_or_resume(None)
    train_tab.stop(None, None)


def test_pause_button_resumes_a_paused_run():
    calls = []
    run = SimpleNamespace(
        state=RunState.TRAINING, pause=lambda: calls.append("pause"), resume=lambda: calls.append("resume")
    )
    train_tab.pause_or_resume(run)
    run.state = RunState.PAUSED
    train_tab.pause_or_resume(run)
    assert calls == ["pause", "resume"]


def test_runs_cannot_be_paused_while_many_are(small_sets):
    queue = JobQueue()
    for _ in range(MAX_PAUSED):
        queue.suspend(queue.enqueue())
    with pytest.raises(gr.Error, match="Too many runs are paused"):
        train_tab.pause_or_resume(TrainingRun(FORM.settings(), *small_sets, queue))


def test_trained_model_is_used_until_the_pretrained_one_is_restored(page, handlers):
    model = page.pretrained["net-8k"]
    used = handlers.use_model(model)
    assert used[page.draw.user_model] is model
    assert used[page.draw.model].value == USER_MODEL
    assert used[page.draw.model].choices[-1] == ("Your model", USER_MODEL)
    assert (used[page.tab.use].interactive, used[page.tab.restore].interactive) == (False, True)
    restored = handlers.restore()
    assert restored[page.draw.user_model] is None
    assert restored[page.draw.model].value == "net-25k"
    assert [value for _, value in restored[page.draw.model].choices] == ["net-25k", "net-8k"]
    assert (restored[page.tab.use].interactive, restored[page.tab.restore].interactive) == (True, False)


def data_url(content):
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"


def test_downloaded_weights_are_used_when_they_are_loaded_again(page, handlers, finished, small_sets):
    trained = finished[-1][page.tab.trained_model]
    used = handlers.load_weights(data_url(Path(finished[-1][page.tab.weights].value["path"]).read_bytes()))
    loaded, images = used[page.draw.user_model], small_sets[1][0]
    assert (loaded.probabilities(images) == trained.probabilities(images)).all()
    assert (loaded.calibration, loaded.test_accuracy) == (trained.calibration, trained.test_accuracy)
    assert loaded.rejector is loaded
    assert used[page.draw.model].value == USER_MODEL
    assert (used[page.tab.use].interactive, used[page.tab.restore].interactive) == (True, True)


def test_no_file_changes_nothing(page, handlers):
    for file in (None, ""):
        assert handlers.load_weights(file) == {page.tab.restore: gr.skip()}


def test_unsuitable_weights_are_rejected_without_what_the_file_says_as_html(handlers, tmp_path):
    file = tmp_path / "w.pt"
    save_checkpoint(build_model("net-8k"), file)
    content = torch.load(file, weights_only=True)
    torch.save(content | {"model": "<b>net</b>"}, file)
    for content, message in (
        (b"", "It is damaged or not a checkpoint"),
        (file.read_bytes(), r"were not loaded. Unknown model &#x27;&lt;b&gt;net&lt;/b&gt;&#x27;"),
        (bytes(300_001), "too large"),
    ):
        with pytest.raises(gr.Error, match=message):
            handlers.load_weights(data_url(content))


def test_using_a_model_before_training_is_rejected(handlers):
    with pytest.raises(gr.Error, match="Train one first"):
        handlers.use_model(None)


def test_link_fills_the_form(page, handlers):
    query = {"tab": "train", "model": "net-8k", "train_fraction": "0.05", "seed": "7"}
    update = handlers.open_link(query)
    assert [update[component] for component in page.tab.form] == list(
        dataclasses.astuple(dataclasses.replace(FORM, train_fraction=0.05, seed=7))
    )
    assert handlers.open_link(query | {"tab": "draw"}) == {}


def test_invalid_link_is_explained(page, handlers):
    update = handlers.open_link({"tab": "train", "seed": "-3"})
    status = "This link cannot be used. Invalid training settings: seed must be a whole number from 0 to 2147483647."
    assert update[page.tab.monitor]["status"] == status
    assert list(update) == [page.tab.monitor]


def test_link_query_opens_the_train_tab():
    assert train_tab.link_query(*dataclasses.astuple(FORM)) == f"?tab=train&{FORM.query()}"
    with pytest.raises(gr.Error, match=r"use at most 0\.8"):
        train_tab.link_query(*dataclasses.astuple(dataclasses.replace(FORM, lr=1.9)))


def test_recipe_sets_learning_rate_batch_size_and_augmentation():
    assert train_tab.recipe_defaults("net-8k", "reference") == (0.1, 32, "affine")
    with pytest.raises(gr.Error, match="Unknown recipe"):
        train_tab.recipe_defaults("net-8k", "pretrained")


def test_labelled_drawings_are_offered_once_there_are_some(drawings):
    assert not train_tab.offer_drawings(LabelledDrawings()).interactive
    update = train_tab.offer_drawings(drawings)
    assert update.interactive
    assert update.label == "Train on my labelled drawings (1, each in 50 augmented copies)"


def test_probe_image_is_the_drawing_or_a_test_image(small_sets):
    sketch = render(DIGITS[4])
    drawn = train_tab.probe_image(sketch, small_sets[1])
    assert drawn.shape == (28, 28)
    for blank in (None, Image.new("L", (280, 280), 0)):
        assert (train_tab.probe_image(blank, small_sets[1]) == small_sets[1][0][8].numpy()).all()
    assert (drawn != train_tab.probe_image(None, small_sets[1])).any()
