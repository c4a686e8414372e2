"""Fine-tuning on the Draw tab: its handlers, called with plain values."""

import re
from concurrent.futures import Future
from types import SimpleNamespace

import gradio as gr
import pytest

from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import DataError
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import RunState, TrainingRun
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.training import get_settings
from mnist_cnn.ui import fine_tuning
from mnist_cnn.ui.components.fine_tuning.fine_tuning import fine_tuning_value
from mnist_cnn.ui.components.model_choice.model_choice import USER_MODEL
from mnist_cnn.ui.draw_tab import create_draw_tab
from mnist_cnn.ui.fine_tuning import FineTuningHandlers, Outcome, cancel, show_outcome
from mnist_cnn.ui.train_tab import TrainHandlers, TrainTab
from tests.support.asgi import run as run_coroutine
from tests.support.futures import completed
from tests.support.handwriting import render

NOTHING_YET = Outcome()
# Crosses, which the pretrained models reject.
CROSSES = [
    sketch_to_mnist(render([[(0.3, 0.2 + shift), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]])) for shift in (0, 0.05, 0.1)
]


@pytest.fixture(scope="module")
def page(small_sets):
    """Both tabs, without events of the Train tab; they train on the small data set, a hundred times over."""
    pretrained = {name: load_classifier(name) for name in ("net-25k", "net-8k")}
    with gr.Blocks():
        draw, tab, outcome = create_draw_tab(pretrained), TrainTab(), gr.State(Outcome())
    (images, labels), test_set = small_sets
    training_set = images.repeat(100, 1, 1), labels.repeat(100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tuning, "load_mnist_shared", lambda: completed((training_set, test_set)))
        yield SimpleNamespace(pretrained=pretrained, draw=draw, tab=tab, outcome=outcome)


@pytest.fixture
def queue():
    return JobQueue()


@pytest.fixture
def handlers(page, queue):
    choose = TrainHandlers(page.pretrained, page.draw, page.tab, queue).choose
    return FineTuningHandlers(page.pretrained, page.draw, page.outcome, choose, queue)


@pytest.fixture(scope="module")
def drawings():
    labelled = LabelledDrawings()
    for image in CROSSES:
        labelled = labelled.add(image, 7, None)
    return labelled


def train(handlers, drawings, model="net-25k", user_model=None, current=None, outcome=NOTHING_YET, on_update=None):
    """All updates of a run."""

    async def collect():
        updates = []
        async for update in handlers.train(None, model, user_model, drawings, current, outcome):
            updates.append(update)
            if on_update:
                on_update(update)
        return updates

    return run_coroutine(collect())


def test_drawings_are_learnt_and_the_model_before_can_be_had_back(page, handlers, queue, drawings):
    updates = train(handlers, drawings)
    shown = [update[page.draw.fine_tuning] for update in updates[:-1] if "text" in update[page.draw.fine_tuning]]
    assert shown[0] == fine_tuning_value(3, "Loading MNIST …", 0.0)
    percents = [value["percent"] for value in shown]
    assert percents == sorted(percents) and percents[-1] > 50

    last = updates[-1]
    learnt, outcome = last[page.draw.user_model], last[page.outcome]
    correct = (learnt.classify(drawings.images) == 7).sum()
    assert correct >= 2  # 2 or 3, since crosses are among the outliers that it must go on to reject
    assert learnt.test_accuracy > 0.9  # nothing else was forgotten
    before = f"{page.pretrained['net-25k'].test_accuracy:.2%}"
    change = rf"{correct} of your 3 drawings correct \(0 before\), test accuracy on MNIST [\d.]+% \({before} before\)"
    assert re.fullmatch(f"Your model: {change}\\.", outcome.text)
    assert (last[page.draw.model].value, last[page.draw.run]) == (USER_MODEL, None)
    assert page.pretrained["net-25k"].classify(drawings.images).tolist() == [-1, -1, -1]  # of all users
    assert len(queue) == 0
    assert show_outcome(drawings, None, outcome) == fine_tuning_value(3, outcome.text, can_undo=True)

    undone = handlers.undo(outcome)
    assert (undone[page.draw.user_model], undone[page.draw.model].value) == (None, "net-25k")
    assert undone[page.outcome] == Outcome("Undone: back to net-25k.")
    assert not show_outcome(drawings, None, undone[page.outcome])["can_undo"]


@pytest.mark.slow
def test_user_model_is_trained_further_and_had_back(page, handlers, drawings):
    own = load_classifier("net-8k")
    own.test_accuracy, own.rejector = None, own
    last = train(handlers, drawings, USER_MODEL, own)[-1]
    assert last[page.draw.user_model].name == "net-8k"
    assert re.search(r"test accuracy on MNIST [\d.]+%\.$", last[page.outcome].text)
    undone = handlers.undo(last[page.outcome])
    assert (undone[page.draw.user_model], undone[page.draw.model].value) == (own, USER_MODEL)
    assert undone[page.outcome].text == "Undone: back to your model from before."


def test_without_an_outcome_there_is_nothing_to_undo(handlers):
    with pytest.raises(gr.Error, match="no training on your drawings to undo"):
        handlers.undo(Outcome("Cancelled; the model is the same as before."))


def test_cancelled_run_changes_nothing(page, handlers, queue, drawings):
    before = Outcome("An earlier one.", (None, "net-8k"))
    updates = train(
        handlers, drawings, outcome=before, on_update=lambda update: cancel(update.get(page.draw.run), None)
    )
    text = "Cancelled; the model is the same as before."
    assert updates[-1] == {page.draw.run: None, page.outcome: Outcome(text, before.before)}
    assert len(queue) == 0


def test_cancelling_while_mnist_is_loaded_changes_nothing(page, handlers, queue, drawings, monkeypatch):
    monkeypatch.setattr(fine_tuning, "load_mnist_shared", Future)  # is never done
    updates = train(handlers, drawings, on_update=lambda update: cancel(None, update.get(page.draw.leave)))
    assert updates[-1][page.outcome] == Outcome("Cancelled; the model is the same as before.")
    assert len(queue) == 0


def test_run_is_cancelled_when_its_user_leaves(page, handlers, queue, drawings):
    async def leave():
        updates = handlers.train(None, "net-25k", None, drawings, None, NOTHING_YET)
        async for update in updates:
            if run := update.get(page.draw.run):
                await updates.aclose()
                return run

    run = run_coroutine(leave())
    run.join(10)
    assert (run.state, run.test_accuracy) == (RunState.FINISHED, None)
    assert len(queue) == 0


def test_queued_run_says_how_many_are_ahead(page, handlers, queue, drawings):
    queue.enqueue()

    def leave(update):
        if update.get(page.draw.run):
            texts.append(update[page.draw.fine_tuning]["text"])
            cancel(update[page.draw.run], None)

    texts = []
    train(handlers, drawings, on_update=leave)
    assert texts == ["Queued: 1 run ahead. Yours starts automatically."]
    assert len(queue) == 1


def test_one_run_of_a_session_at_a_time(page, handlers, small_sets, drawings):
    current = TrainingRun(get_settings("net-8k"), *small_sets, JobQueue())
    (update,) = train(handlers, drawings, current=current)
    assert update == {page.outcome: update[page.outcome]}  # the current run stays the session's
    assert update[page.outcome].text.startswith("Your last training run is still in progress.")
    assert show_outcome(drawings, current, update[page.outcome])["text"] == update[page.outcome].text


def test_nothing_else_is_shown_while_it_trains(small_sets, drawings):
    run = TrainingRun(get_settings("net-8k", "fine-tuning"), *small_sets, JobQueue())
    assert show_outcome(drawings, run, NOTHING_YET) == gr.skip()


@pytest.mark.parametrize(
    ("model", "count", "message"),
    [(USER_MODEL, 3, "Your model is gone."), ("net-8k", 0, "Draw a digit and give its correct label first.")],
    ids=["no model", "no drawings"],
)
def test_missing_model_or_drawings_are_reported(page, handlers, drawings, model, count, message):
    (update,) = train(handlers, drawings if count else LabelledDrawings(), model)
    assert update[page.outcome].text.startswith(message)


def test_missing_data_is_reported(page, handlers, drawings, monkeypatch):
    monkeypatch.setattr(fine_tuning, "load_mnist_shared", lambda: completed(error=DataError("Set MNIST_ROOT.")))
    assert train(handlers, drawings)[-1] == {page.draw.run: None, page.outcome: Outcome("Set MNIST_ROOT.")}


def test_failed_run_says_why(page, handlers, drawings, monkeypatch):
    def fail(_):
        raise MemoryError("No memory is left.")

    monkeypatch.setattr(TrainingRun, "_train", fail)
    last = train(handlers, drawings)[-1]
    assert last == {page.draw.run: None, page.outcome: Outcome("Training failed. No memory is left.")}
