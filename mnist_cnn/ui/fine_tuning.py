"""Fine-tuning on the Draw tab: some seconds of training on the user's labelled drawings, which can be undone."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..data.mnist import load_mnist_shared
from ..jobs.process import STANDBY
from ..jobs.queue import JobQueue
from ..jobs.run import TrainingRun
from ..training import get_settings
from .components.fine_tuning.fine_tuning import fine_tuning_value
from .components.model_choice.model_choice import USER_MODEL, model_label
from .draw_tab import DrawTab
from .events import IMMEDIATE, QUEUED
from .messages import fine_tuning_effect, status_text
from .run_updates import QUEUE, Updates, changes, check_can_start, failure_text, loading_status
from .server.errors import user_error

_RECIPE = "fine-tuning"
_CANCELLED = "Cancelled; the model is the same as before."


@dataclass(frozen=True)
class Outcome:
    """What the last fine-tuning of a session led to.

    Attributes:
        text: says so to the user.
        before: the user's model, if there was one, and the choice of the model before the last one that succeeded;
            None if there is nothing to undo.
    """

    text: str = ""
    before: tuple[Classifier | None, str] | None = None


class FineTuningHandlers:
    """What the events of fine-tuning call. Most return updates by component.

    Args:
        pretrained: the classifiers that every user has, by model name.
        draw: the Draw tab.
        outcome: holds the session's `Outcome`.
        choose: returns the updates that make a classifier the user's model, None for none, and select a model.
        queue: where runs wait.
    """

    def __init__(
        self,
        pretrained: Mapping[str, Classifier],
        draw: DrawTab,
        outcome: gr.State,
        choose: Callable[[Classifier | None, str], Updates],
        queue: JobQueue = QUEUE,
    ) -> None:
        self._pretrained, self._draw, self._outcome, self._choose = pretrained, draw, outcome, choose
        self._queue = queue

    async def train(
        self,
        request: gr.Request | None,
        model: str,
        user_model: Classifier | None,
        drawings: LabelledDrawings,
        current: TrainingRun | None,
        outcome: Outcome,
    ) -> AsyncIterator[Updates]:
        """Train on the drawings, and yield updates until the run is over, or nobody listens any more.

        Args:
            request: of the session; Gradio gives it. None for a session that always listens.
            model: the choice of the model to start from.
            user_model: the user's model, if there is one.
            drawings: the labelled drawings.
            current: the last run of the session, if there is one.
            outcome: of the last fine-tuning.
        """

        def ended(text: str) -> Updates:
            return {self._draw.run: None, self._outcome: dataclasses.replace(outcome, text=text)}

        def training(text: str, fraction: float) -> Updates:
            return {self._draw.fine_tuning: fine_tuning_value(drawings.count, text, fraction)}

        try:
            check_can_start(self._queue, current)
            if not drawings.count:
                raise ValueError("Draw a digit and give its correct label first.")
            initial = user_model if model == USER_MODEL else self._pretrained[model]
            if initial is None:
                raise ValueError("Your model is gone. Choose another one to start from.")
            settings = get_settings(initial.name, _RECIPE, seed=drawings.count)
        except ValueError as error:
            yield {self._outcome: dataclasses.replace(outcome, text=str(error))}  # the current run goes on
            return
        leave = threading.Event()
        loading = asyncio.wrap_future(load_mnist_shared())
        async for status, fraction in loading_status(loading, leave):
            yield {self._draw.leave: leave} | training(status, fraction)
        if leave.is_set():
            yield ended(_CANCELLED)
            return
        try:
            training_set, test_set = loading.result()
            copies = await asyncio.to_thread(drawings.fine_tuning_copies, settings.seed)
        except Exception as error:  # of any kind, since the user must be told
            yield ended(failure_text(error))
            return
        run = TrainingRun(settings, training_set, test_set, self._queue, extra_data=copies, initial_model=initial.model)
        run.start()
        try:
            yield {self._draw.run: run} | training(status_text(run), 0.0)
            async for changed in changes(run, request.session_hash if request else None):
                yield training(status_text(run), run.fraction) if changed else {self._draw.fine_tuning: gr.skip()}
        finally:
            run.cancel()  # in case the user has left; a run that is over is not affected
        if run.test_accuracy is None:
            yield ended(status_text(run) if run.error else _CANCELLED)
            return
        classifier = run.classifier()
        text = fine_tuning_effect(drawings, initial, classifier)
        yield {self._draw.run: None, self._outcome: Outcome(text, (user_model, model))} | self._choose(
            classifier, USER_MODEL
        )

    def undo(self, outcome: Outcome) -> Updates:
        """Put the model back that was chosen before the last fine-tuning.

        Raises:
            gr.Error: there was none, or it was undone already.
        """
        if outcome.before is None:
            raise user_error("There is no training on your drawings to undo.")
        user_model, model = outcome.before
        text = f"Undone: back to {'your model from before' if model == USER_MODEL else model_label(model)}."
        return {self._outcome: Outcome(text)} | self._choose(user_model, model)


def create_fine_tuning(
    pretrained: Mapping[str, Classifier],
    draw: DrawTab,
    choose: Callable[[Classifier | None, str], Updates],
    chosen: Sequence[Block],
) -> None:
    """Connect the events of the Draw tab's `FineTuning`.

    Args:
        pretrained: the classifiers that every user has, by model name.
        draw: the Draw tab.
        choose: see `FineTuningHandlers`.
        chosen: the components that `choose` updates.
    """
    outcome = gr.State(Outcome())
    handlers = FineTuningHandlers(pretrained, draw, outcome, choose)
    button = draw.fine_tuning
    trained = button.submit(
        handlers.train,
        [draw.model, draw.user_model, draw.drawings, draw.run, outcome],
        [button, draw.run, draw.leave, outcome, *chosen],
        **QUEUED,
    )
    button.stop(cancel, [draw.run, draw.leave], **IMMEDIATE)
    # Queued, since only then the page notices that the user's model has changed where another one was chosen before.
    undone = button.undo(handlers.undo, outcome, [outcome, *chosen], **QUEUED)
    for event in (*draw.labelled, trained, undone):
        event.then(show_outcome, [draw.drawings, draw.run, outcome], button, **IMMEDIATE)
    for labelled in draw.labelled:
        labelled.then(STANDBY.warm_up, **IMMEDIATE)


def cancel(run: TrainingRun | None, leave: threading.Event | None) -> None:
    """End the session's run without a result, or do not start it once MNIST is loaded."""
    if leave:
        leave.set()
    if run:
        run.cancel()


def show_outcome(drawings: LabelledDrawings, run: TrainingRun | None, outcome: Outcome) -> dict[str, Any]:
    """The value of `FineTuning` while the session does not fine-tune; nothing changes while it does."""
    if run and not run.finished and run.settings.recipe == _RECIPE:
        return gr.skip()
    return fine_tuning_value(drawings.count, outcome.text, can_undo=outcome.before is not None)
