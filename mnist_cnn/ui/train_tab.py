"""The Train tab: one epoch of training, shown live."""

import asyncio
import contextlib
import dataclasses
import html
import json
import secrets
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from ..checkpoint import CheckpointError, decode_checkpoint, save_checkpoint
from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..data.mnist import LabelledImages, load_mnist_shared
from ..jobs.process import STANDBY
from ..jobs.queue import JobQueue
from ..jobs.report import Report
from ..jobs.run import MAX_PAUSE_SECONDS, RunState, TrainingRun
from ..models import DEFAULT_MODEL, MODELS
from ..preprocessing import BlankSketchError, sketch_to_mnist
from ..preprocessing.decoding import ImageError
from ..training import AUGMENTATIONS
from ..training.history import History
from ..training.metrics import curves_csv
from .browser_files import file_content, pick_file
from .components.model_choice.model_choice import USER_MODEL, model_choices
from .components.percent_slider.percent_slider import PercentSlider
from .components.run_history.run_history import RunHistory, run_history_value
from .components.run_results.run_results import RunResults, run_results_value
from .components.sketchpad.sketchpad import Sketch, sketch_image
from .components.training_monitor.training_monitor import TrainingMonitor, training_monitor_value
from .draw_tab import DRAW_TAB_ID, DrawTab
from .events import IMMEDIATE, QUEUED
from .fine_tuning import create_fine_tuning
from .messages import CANCELLED, extra_data_effect, status_text, summary_text
from .run_updates import QUEUE, Updates, changes, check_can_start, failure_text, loading_status
from .server.errors import user_error
from .training_form import BATCH_SIZES, RECIPES, TrainingForm, range_text

TRAIN_TAB_ID = "train"  # on the page and in links

_INVITATION = "Train a model from scratch: one epoch on MNIST's 60,000 training images."
_MAX_REPORTS = 10  # of a session; the oldest are dropped
_COPIES = 50  # augmented copies of each labelled drawing, to carry weight among 60,000 images
_EXAMPLE = 8  # index in the test set of the probe image if the canvas is empty: a 5 that is first predicted as a 6

# Puts a link's settings into the address bar and copies the address.
_COPY_LINK = """(query) => {
    history.replaceState(null, "", location.pathname + query);
    navigator.clipboard?.writeText(location.href);
}"""


class TrainTab:
    """The tab's components, laid out inside the current Blocks."""

    def __init__(self) -> None:
        form = TrainingForm.from_recipe(DEFAULT_MODEL, RECIPES[0])
        self.trained_model = gr.State(None)  # the `Classifier` of the last finished run
        self.reports = gr.State([])  # numbered reports of the session, oldest first
        with gr.Row():
            with gr.Column(min_width=300, scale=1, elem_id="training-form"):
                with gr.Row(elem_id="run-buttons"):
                    # Enabled once the settings of a link are in the form.
                    self.start = gr.Button("Train", variant="primary", interactive=False, elem_id="train", min_width=72)
                    self.pause = gr.Button("Pause", interactive=False, elem_id="pause", min_width=72)
                    self.stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop")
                self.model = gr.Radio(list(MODELS), value=form.model, label="Model")
                self.recipe = gr.Radio(
                    RECIPES,
                    value=form.recipe,
                    label="Recipe",
                    info="Default, or the reference model's published recipe",
                )
                with gr.Accordion("Settings", open=False, elem_id="settings"):
                    self._create_settings(form)
                self.use_drawings = gr.Checkbox(
                    label=_use_drawings_label(0), interactive=False, elem_id="use-drawings", container=False
                )
            with gr.Column(min_width=300, scale=3, elem_id="training-progress"):
                self.monitor = TrainingMonitor(_INVITATION, elem_id="monitor")
        with gr.Row():
            layout: dict[str, Any] = {"size": "md", "min_width": 140}  # two buttons side by side on a phone
            after_run = layout | {"visible": False}
            self.use = gr.Button("Use on the Draw tab", variant="primary", elem_id="use", **after_run)
            self.load = gr.Button("Load weights", elem_id="load", **layout)
            self.restore = gr.Button("Restore pretrained model", interactive=False, elem_id="restore", **layout)
            self.weights = gr.DownloadButton("Download weights", elem_id="weights", **after_run)
            self.metrics = gr.DownloadButton("Download metrics", elem_id="metrics", **after_run)
            self.curves = gr.DownloadButton("Download curves", elem_id="curves", **after_run)
        self.results = RunResults(elem_id="results", visible=False)
        self.history = RunHistory(elem_id="history")
        # For scripts, which cannot see a `gr.State`: a link's query, and the content of a file.
        self.query, self.file = gr.Textbox(visible=False), gr.Textbox(visible=False)

    def _create_settings(self, form: TrainingForm) -> None:
        # Numbers have no minimum, maximum or precision here: Gradio would reject what is out of range without naming
        # the field, and round a seed of 1.5. `TrainingForm` checks them.
        self.lr = gr.Number(
            form.lr,
            label="Learning rate",
            info=f"Peak learning rate, {range_text('lr')}; too high diverges",
            step=0.01,
        )
        self.batch_size = gr.Dropdown(
            BATCH_SIZES,
            value=form.batch_size,
            label="Batch size",
            info="Samples per step; smaller batches are slower",
        )
        self.augmentation = gr.Radio(
            list(AUGMENTATIONS),
            value=form.augmentation,
            label="Augmentation",
            info="Random rotation, shift and scale (light, affine), or random stroke width, slant and shape (strokes)",
        )
        self.train_fraction = PercentSlider(
            1,
            100,
            form.train_fraction,
            step=1,
            label="Training data (%)",
            info="From 1 % to 100 %; less data trains faster and less accurately",
        )
        self.seed = gr.Number(
            form.seed,
            label="Seed",
            info=(
                "Seeds initialisation, shuffling and augmentation; the same seed gives the same result. "
                f"It is {range_text('seed')}."
            ),
        )
        self.link = gr.Button("Copy link to these settings", size="sm", elem_id="link")

    @property
    def form(self) -> list[Any]:
        """The inputs of the form, in the order of the fields of `TrainingForm`."""
        return [getattr(self, field.name) for field in dataclasses.fields(TrainingForm)]


class TrainHandlers:
    """What the tab's events call. Most return updates by component.

    Args:
        pretrained: the classifiers that every user has, by model name.
        draw: the Draw tab.
        tab: this tab's components.
        queue: where runs wait.
    """

    def __init__(
        self, pretrained: Mapping[str, Classifier], draw: DrawTab, tab: TrainTab, queue: JobQueue = QUEUE
    ) -> None:
        self._pretrained, self._draw, self._tab, self._queue = pretrained, draw, tab, queue

    async def train(self, request: gr.Request | None, *inputs: Any) -> AsyncIterator[Updates]:
        """Train with the settings of the form, and yield updates until the run is over, or nobody listens any more.

        Args:
            request: of the session; Gradio gives it. None for a session that always listens.
            inputs: the fields of `TrainingForm`; then whether to train on the labelled drawings, the sketch on the
                canvas, the labelled drawings, the numbered reports and the last run of the session.
        """
        *values, use_drawings, sketch, drawings, reports, current = inputs
        tab = self._tab
        try:
            check_can_start(self._queue, current)
            settings = TrainingForm(*values).settings()
        except ValueError as error:
            yield {tab.monitor: training_monitor_value(str(error))}
            return
        leave = threading.Event()
        yield {
            self._draw.leave: leave,
            tab.start: gr.Button(interactive=False),
            tab.stop: gr.Button("Stop", interactive=True),
        }
        loading = asyncio.wrap_future(load_mnist_shared())
        async for status, fraction in loading_status(loading, leave):
            yield {tab.monitor: training_monitor_value(status, fraction=fraction)}
        if leave.is_set():
            yield self._not_started(CANCELLED)
            return
        drawings = drawings if use_drawings else LabelledDrawings()
        try:
            training_set, test_set = loading.result()
            extra_data = None
            if drawings.count:
                extra_data = await asyncio.to_thread(drawings.augmented_copies, _COPIES, settings.seed)
        except Exception as error:  # of any kind, since the user must be told
            yield self._not_started(failure_text(error))
            return
        run = TrainingRun(
            settings,
            training_set,
            test_set,
            self._queue,
            probe_image=await asyncio.to_thread(probe_image, sketch, test_set),
            extra_data=extra_data,
        )
        run.start()
        try:
            async for updates in self._follow(run, reports, request.session_hash if request else None):
                yield updates
        finally:
            run.cancel()  # in case the user has left; a run that is over is not affected
        if run.test_accuracy is not None:
            yield self._result(run, drawings, reports)

    def _not_started(self, text: str) -> Updates:
        """The updates that say why there is no run, and let the user try again."""
        return {
            self._tab.start: gr.Button(interactive=True),
            self._tab.stop: gr.Button(interactive=False),
            self._tab.monitor: training_monitor_value(text),
        }

    async def _follow(
        self, run: TrainingRun, reports: list[tuple[int, Report]], session: str | None
    ) -> AsyncIterator[Updates]:
        """Updates whenever something changes, until the run is over or the session has not listened for a while."""
        yield {self._draw.run: run} | self._monitor(run, status_text(run), reports) | self._buttons(run)
        shown_buttons = None
        async for changed in changes(run, session):
            buttons = (run.state, run.position)
            if changed:
                yield self._monitor(run, status_text(run), reports) | (
                    self._buttons(run) if buttons != shown_buttons else {}
                )
            else:
                yield {self._tab.monitor: gr.skip()}
            shown_buttons = buttons
        if run.error or not run.progress:
            yield self._monitor(run, status_text(run), reports) | self._buttons(run)

    def _result(self, run: TrainingRun, drawings: LabelledDrawings, reports: list[tuple[int, Report]]) -> Updates:
        """The updates that show the result of a finished run and offer its files."""
        STANDBY.warm_up()  # the user may train again
        tab, pretrained = self._tab, self._pretrained[run.settings.model]
        report = Report.from_run(run, drawings.count)
        number = reports[-1][0] + 1 if reports else 1
        numbered = [*reports, (number, report)][-_MAX_REPORTS:]
        text = summary_text(report, pretrained) + extra_data_effect(run, drawings, report, reports)
        if run.paused_too_long:
            text += f" It was paused for {MAX_PAUSE_SECONDS / 60:.0f} minutes, the limit, and so was stopped."
        try:
            files = self._save_files(run, report)
        except OSError as error:
            files = {
                button: gr.DownloadButton(visible=True, interactive=False)
                for button in (tab.weights, tab.metrics, tab.curves)
            }
            text += f" The files to download could not be written ({error.strerror}); the model can be used."
        return (
            self._monitor(run, text, reports)
            | self._buttons(run)
            | {
                self._draw.run: None,  # frees the test set's logits, which the session would keep
                tab.trained_model: run.classifier(),
                tab.results: gr.update(value=run_results_value(report), visible=True),
                tab.history: run_history_value(numbered),
                tab.reports: numbered,
                tab.use: gr.Button(visible=True, interactive=True),
            }
            | files
        )

    def _save_files(self, run: TrainingRun, report: Report) -> Updates:
        """The updates that offer the run's weights, metrics and curves.

        Raises:
            OSError: they cannot be written.
        """
        folder, tab = Path(get_upload_folder()) / secrets.token_hex(20), self._tab
        files = {
            tab.weights: _save_weights(folder, run),
            tab.metrics: _save_text(folder / "metrics.json", json.dumps(report.metrics(), indent=2)),
            tab.curves: _save_text(folder / "curves.csv", curves_csv(report.history)),
        }
        return {button: gr.DownloadButton(value=path, visible=True, interactive=True) for button, path in files.items()}

    def _monitor(self, run: TrainingRun, status: str, reports: list[tuple[int, Report]]) -> Updates:
        previous: History | None = reports[-1][1].history if reports else None
        pretrained_accuracy = self._pretrained[run.settings.model].test_accuracy
        return {self._tab.monitor: training_monitor_value(status, run, previous, pretrained_accuracy)}

    def _buttons(self, run: TrainingRun) -> Updates:
        """The buttons that make sense in the run's state."""
        state = run.state
        return {
            self._tab.start: gr.Button(interactive=run.finished),
            self._tab.pause: gr.Button(
                "Resume" if state is RunState.PAUSED else "Pause",
                interactive=state in (RunState.TRAINING, RunState.PAUSED),
            ),
            self._tab.stop: gr.Button(
                "Leave queue" if run.position and not run.progress else "Stop",
                interactive=state in (RunState.QUEUED, RunState.TRAINING, RunState.PAUSED),
            ),
        }

    def use_model(self, trained_model: Classifier | None) -> Updates:
        """Offer the trained model on the Draw tab, and select it there.

        Raises:
            gr.Error: there is none.
        """
        if trained_model is None:
            raise user_error("There is no trained model to use. Train one first.")
        return self.choose(trained_model, USER_MODEL)

    def load_weights(self, file: str | None) -> Updates:
        """Offer the model of a checkpoint on the Draw tab, and select it there.

        Args:
            file: see `file_content`.

        Raises:
            gr.Error: the file cannot be used.
        """
        content = file_content(file)
        if content is None:
            return {self._tab.restore: gr.skip()}
        try:
            checkpoint = decode_checkpoint(content)
        except CheckpointError as error:
            raise user_error(f"The weights were not loaded. {html.escape(str(error))}") from error
        accuracy = "unknown" if checkpoint.test_accuracy is None else f"{checkpoint.test_accuracy:.2%}"
        gr.Info(
            f"Loaded {checkpoint.name}. Test accuracy according to the file: {accuracy}. The Draw tab uses it as “Your "
            "model” until you restore the pretrained model."
        )
        loaded = Classifier(checkpoint.model, checkpoint.name, checkpoint.test_accuracy, checkpoint.calibration)
        return self.choose(loaded, USER_MODEL) | {self._tab.use: gr.Button(interactive=True)}

    def restore(self) -> Updates:
        """Remove the user's model from the Draw tab again."""
        return self.choose(None, DEFAULT_MODEL)

    def choose(self, user_model: Classifier | None, selected: str) -> Updates:
        """Make a classifier the user's model, None for none, and select a model on the Draw tab."""
        choices = model_choices([*self._pretrained, *([USER_MODEL] if user_model else [])])
        return {
            self._draw.user_model: user_model,
            self._draw.model: gr.Radio(choices=choices, value=selected),
            self._tab.use: gr.Button(interactive=user_model is None),
            self._tab.restore: gr.Button(interactive=user_model is not None),
        }

    def open_link(self, query: Mapping[str, str]) -> Updates:
        """The form with the settings of a link, whose parameters are given; nothing for a link to another tab."""
        if query.get("tab") != TRAIN_TAB_ID:
            return {}
        try:
            form = TrainingForm.from_query(query)
        except ValueError as error:
            return {self._tab.monitor: training_monitor_value(f"This link cannot be used. {error}")}
        return dict(zip(self._tab.form, dataclasses.astuple(form), strict=True))


def create_train_tab(pretrained: Mapping[str, Classifier], draw: DrawTab, tabs: gr.Tabs, tab_item: gr.Tab) -> None:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        pretrained: the classifiers that every user has, by model name.
        draw: the Draw tab, which uses the trained model and has the labelled drawings.
        tabs: of the page.
        tab_item: this one, with the id `TRAIN_TAB_ID`.
    """
    tab = TrainTab()
    handlers = TrainHandlers(pretrained, draw, tab)

    def open_tab(request: gr.Request) -> Updates:
        query = request.query_params
        selected = gr.Tabs(selected=TRAIN_TAB_ID) if query.get("tab") == TRAIN_TAB_ID else gr.skip()
        return {tabs: selected, tab.start: gr.Button(interactive=True)} | handlers.open_link(query)

    def use_model(trained_model: Classifier | None) -> Updates:
        return handlers.use_model(trained_model) | {tabs: gr.Tabs(selected=DRAW_TAB_ID)}

    states = [draw.run, draw.leave, tab.trained_model, tab.reports]
    buttons = [tab.start, tab.pause, tab.stop, tab.use, tab.weights, tab.metrics, tab.curves]
    choice = [draw.user_model, draw.model, tab.use, tab.restore]
    # Any number of these events may run at once: the runs have a queue of their own.
    tab.start.click(
        handlers.train,
        [*tab.form, tab.use_drawings, draw.pad, draw.drawings, tab.reports, draw.run],
        [*states, *buttons, tab.monitor, tab.results, tab.history],
        **QUEUED,
    )
    tab.pause.click(pause_or_resume, draw.run, **IMMEDIATE)
    tab.stop.click(stop, [draw.run, draw.leave], **IMMEDIATE)
    used = tab.use.click(use_model, tab.trained_model, [*choice, tabs], **IMMEDIATE)
    used.success(None, js="() => scrollTo(0, 0)", **IMMEDIATE)
    tab.restore.click(handlers.restore, outputs=choice, **IMMEDIATE)
    tab.load.click(None, outputs=tab.file, js=pick_file(".pt"), **IMMEDIATE).success(
        handlers.load_weights,
        tab.file,
        choice,
        **QUEUED,  # only queued events can show a message that is no error
    )
    gr.on(
        [tab.model.input, tab.recipe.input],
        recipe_defaults,
        [tab.model, tab.recipe],
        [tab.lr, tab.batch_size, tab.augmentation],
        **IMMEDIATE,
    )
    create_fine_tuning(pretrained, draw, handlers.choose, choice)
    for labelled in draw.labelled:
        labelled.then(offer_drawings, draw.drawings, tab.use_drawings, **IMMEDIATE)
    tab.link.click(link_query, tab.form, tab.query, **IMMEDIATE).success(None, tab.query, js=_COPY_LINK, **IMMEDIATE)
    tab_item.select(STANDBY.warm_up, **IMMEDIATE)
    gr.on(None, open_tab, outputs=[*tab.form, tab.start, tab.monitor, tabs], **IMMEDIATE)


def pause_or_resume(run: TrainingRun | None) -> None:
    """Pause the session's run, or resume it if it is paused.

    Raises:
        gr.Error: too many runs are paused.
    """
    if run and run.state is RunState.PAUSED:
        run.resume()
    elif run:
        try:
            run.pause()
        except ValueError as error:
            raise user_error(str(error)) from error


def stop(run: TrainingRun | None, leave: threading.Event | None) -> None:
    """Stop the session's run, or take it out of the queue, or do not start it once MNIST is loaded."""
    if leave:
        leave.set()
    if run:
        run.stop()


def recipe_defaults(model: str, recipe: str) -> tuple[float, int, str]:
    """Learning rate, batch size and augmentation of a recipe.

    Raises:
        gr.Error: the model or the recipe is unknown.
    """
    try:
        form = TrainingForm.from_recipe(model, recipe)
    except ValueError as error:
        raise user_error(str(error)) from error
    return form.lr, form.batch_size, form.augmentation


def link_query(*values: Any) -> str:
    """The query string of a link to the form's settings.

    Raises:
        gr.Error: they are invalid.
    """
    form = TrainingForm(*values)
    try:
        form.settings()
    except ValueError as error:
        raise user_error(str(error)) from error
    return f"?tab={TRAIN_TAB_ID}&{form.query()}"


def offer_drawings(drawings: LabelledDrawings) -> gr.Checkbox:
    """The update of the checkbox that adds the labelled drawings to the training set."""
    return gr.Checkbox(label=_use_drawings_label(drawings.count), interactive=drawings.count > 0)


def probe_image(sketch: Sketch | None, test_set: LabelledImages) -> np.ndarray:
    """What is on the canvas in MNIST's format, or an image of the test set if it is blank, uint8 (28, 28)."""
    if sketch:
        with contextlib.suppress(BlankSketchError, ImageError):
            return sketch_to_mnist(sketch_image(sketch))
    return test_set[0][_EXAMPLE % len(test_set[0])].numpy()


def _use_drawings_label(count: int) -> str:
    if not count:
        return "Train on my labelled drawings (label some on the Draw tab first)"
    return f"Train on my labelled drawings ({count}, each in {_COPIES} augmented copies)"


def _save_weights(folder: Path, run: TrainingRun) -> str:
    path = folder / f"{run.settings.model}.pt"
    save_checkpoint(run.model, path, dataclasses.asdict(run.settings), run.test_accuracy, run.calibration)
    return str(path)


def _save_text(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)
