"""The Train tab: one epoch, live."""

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from ..checkpoint import save_checkpoint
from ..classifier import REJECTION_MODEL, Classifier
from ..data import DataError
from ..data.corrections import LabelledDrawings
from ..data.mnist import download_progress, load_mnist_cached
from ..jobs.process import STANDBY
from ..jobs.queue import JobQueue
from ..jobs.report import Report
from ..jobs.run import LabelledImages, RunState, TrainingRun
from ..models import MODELS
from ..preprocessing import BlankSketchError, sketch_to_mnist
from ..training import AUGMENTATIONS
from .components.run_history.run_history import KEPT, RunHistory, run_history_value
from .components.run_results.run_results import RunResults, run_results_value
from .components.training_monitor.training_monitor import TrainingMonitor, training_monitor_value
from .draw_tab import DEFAULT_MODEL, USER_MODEL, DrawTab, model_choices
from .messages import cost, headline, result
from .server.errors import user_error
from .training_form import BATCH_SIZES, LR_RANGE, MAX_SEED, PERCENT, RECIPES, TrainingForm

TRAIN = "train"  # the tab's id, in the page and in links

_INVITATION = "Train a network from scratch on MNIST's 60,000 digits, each seen once."
_UPDATE_EVERY = 0.15  # seconds
_MOST_IN_LINE = 30
_COPIES = 50  # of each of the visitor's drawings, among 60,000 digits
_EXAMPLE = 8  # of the test set, watched where the pad is empty: a 5 that young networks take for a 6
_TURNS = JobQueue(
    slots=max(1, (os.cpu_count() or 1) // 2)
)  # of all visitors; a training takes a core, a page the other

# Puts a link's settings into the page's address, and copies that.
_SHARE = """(query) => {
    history.replaceState(null, "", location.pathname + query);
    navigator.clipboard?.writeText(location.href);
}"""

Updates = dict[Any, Any]  # new values by component


def build_train_tab(pretrained: dict[str, Classifier], draw: DrawTab, tabs: gr.Tabs, tab: gr.Tab) -> None:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
        draw: where "Use on the Draw tab" puts the trained network, and where the visitor's drawings come from.
        tabs: of the page.
        tab: this one, with the id `TRAIN`; links to settings open it.
    """
    first = TrainingForm.from_recipe(DEFAULT_MODEL, RECIPES[0])
    run = gr.State(None)  # while there is one
    trained = gr.State(None)  # the network of the last run that ended
    reports = gr.State([])
    with gr.Row():
        with gr.Column(min_width=300, scale=1):
            network = gr.Radio(list(MODELS), value=first.network, label="Network")
            recipe = gr.Radio(RECIPES, value=first.recipe, label="Recipe", info="Ours, or the reference network's own")
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="train", min_width=72)
                pause = gr.Button("Pause", interactive=False, elem_id="pause", min_width=72)
                stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop", min_width=72)
            with gr.Accordion("Settings", open=False, elem_id="settings"):
                lr = gr.Number(
                    first.lr,
                    label="Learning rate",
                    info="At its peak. Higher learns faster, until nothing is learnt",
                    minimum=LR_RANGE[0],
                    maximum=LR_RANGE[1],
                    step=0.01,
                )
                batch_size = gr.Dropdown(
                    BATCH_SIZES, value=first.batch_size, label="Batch size", info="Images a step; fewer take longer"
                )
                augmentation = gr.Radio(
                    list(AUGMENTATIONS),
                    value=first.augmentation,
                    label="Augmentation",
                    info="Turned, shifted and scaled (light, affine), or with new pens, slants and styles (redrawn)",
                )
                percent = gr.Slider(
                    *PERCENT,
                    first.percent,
                    step=1,
                    label="Percent of the training set",
                    info="Less is faster, and worse",
                )
                seed = gr.Number(
                    first.seed,
                    label="Seed",
                    info="Of weights, order and changes; the same gives the same result",
                    precision=0,
                    minimum=0,
                    maximum=MAX_SEED,
                )
                link = gr.Button("Copy a link to these settings", size="sm", elem_id="link")
            corrections = gr.Checkbox(
                label=_corrections_label(0), interactive=False, elem_id="corrections", container=False
            )
        with gr.Column(min_width=300, scale=3):
            monitor = TrainingMonitor(_INVITATION, elem_id="monitor")
    with gr.Row(visible=False) as ended:
        use = gr.Button("Use on the Draw tab", variant="primary", elem_id="use", min_width=140)
        revert = gr.Button("Revert", interactive=False, elem_id="revert", min_width=80)
        weights = gr.DownloadButton("Weights", elem_id="weights", min_width=100)
        metrics = gr.DownloadButton("Metrics", elem_id="metrics", min_width=100)
        curves = gr.DownloadButton("Curves", elem_id="curves", min_width=100)
    results = RunResults(elem_id="results", visible=False)
    records = RunHistory(elem_id="records")
    chosen = [network, recipe, lr, batch_size, augmentation, percent, seed]

    async def train(*inputs: Any) -> AsyncIterator[Updates]:
        *values, with_corrections, sketch, answers, earlier = inputs
        try:
            if len(_TURNS) >= _MOST_IN_LINE:
                raise ValueError("Too many are waiting to train already. Try again in some minutes.")
            settings = TrainingForm(*values).settings()
        except ValueError as error:
            yield {monitor: training_monitor_value(str(error))}
            return
        yield {start: gr.Button(interactive=False), monitor: training_monitor_value("Reading MNIST …")}
        loading = asyncio.create_task(asyncio.to_thread(load_mnist_cached))
        while not (await asyncio.wait([loading], timeout=_UPDATE_EVERY))[0]:
            share = download_progress()
            if share < 1:
                words = f"Fetching MNIST, once for everybody: {share:.0%} of 12 MB …"
                yield {monitor: training_monitor_value(words, share=share)}
        try:
            training_set, test_set = loading.result()
        except DataError as error:
            yield {start: gr.Button(interactive=True), monitor: training_monitor_value(str(error))}
            return
        drawings = answers if with_corrections else LabelledDrawings()
        one = TrainingRun(
            settings,
            training_set,
            test_set,
            _TURNS,
            probe_image=_watched(sketch, test_set),
            added=drawings.augmented_copies(_COPIES, settings.seed) if drawings.count else None,
        )
        before = earlier[-1][1].history if earlier else None
        level = pretrained[settings.model].test_accuracy

        def shown() -> Updates:
            return {monitor: training_monitor_value(headline(one), one, before, level)}

        def buttons() -> Updates:
            return _buttons(one, start, pause, stop)

        one.start()
        try:
            state = one.state
            yield {run: one} | shown() | buttons()
            seen, idle = None, 0
            while not one.finished:
                await asyncio.sleep(_UPDATE_EVERY)
                now = (one.progress, one.state, one.position)
                idle = idle + 1 if now == seen else 0
                if now != seen:
                    yield shown() | (buttons() if one.state is not state else {})
                elif idle % 3 == 0:
                    # Only between two updates does Gradio notice that the visitor has gone.
                    yield {monitor: gr.skip()}
                seen, state = now, now[1]
        finally:
            one.cancel()  # where the visitor has gone; the run is over otherwise
        if one.error or not one.progress:
            yield shown() | buttons()
            return
        STANDBY.warm_up()  # whoever has trained may train again
        report = Report.from_run(one, drawings.count)
        numbered = [*earlier, ((earlier[-1][0] if earlier else 0) + 1, report)][-KEPT:]
        words = result(report, pretrained[settings.model]) + cost(one, drawings, report, earlier)
        folder = Path(get_upload_folder()) / secrets.token_hex(20)
        yield buttons() | {
            run: None,  # with all that it measured, which a visit would keep for as long as it is remembered
            trained: one.classifier(
                rejector=pretrained[REJECTION_MODEL]
            ),  # one epoch of digits does not teach what is none
            monitor: training_monitor_value(words, one, before, level),
            results: gr.update(value=run_results_value(report), visible=True),
            records: run_history_value(numbered),
            reports: numbered,
            ended: gr.Row(visible=True),
            use: gr.Button(interactive=True),
            weights: gr.DownloadButton(value=_saved(folder, one)),
            metrics: gr.DownloadButton(value=_written(folder / "metrics.json", json.dumps(report.metrics(), indent=2))),
            curves: gr.DownloadButton(value=_written(folder / "curves.csv", report.curves_csv())),
        }

    def use_it(user_model: Classifier | None) -> Updates:
        if user_model is None:
            raise user_error("There is no trained network to use. Train one first.")
        return {
            draw.user_model: user_model,
            draw.network: gr.Radio(choices=model_choices(pretrained, user_model), value=USER_MODEL),
            use: gr.Button(interactive=False),
            revert: gr.Button(interactive=True),
        }

    def back() -> Updates:
        return {
            draw.user_model: None,
            draw.network: gr.Radio(choices=model_choices(pretrained), value=DEFAULT_MODEL),
            use: gr.Button(interactive=True),
            revert: gr.Button(interactive=False),
        }

    def restore(request: gr.Request) -> Updates:
        if request.query_params.get("tab") != TRAIN:
            return {tabs: gr.skip()}
        opened: Updates = {tabs: gr.Tabs(selected=TRAIN)}
        try:
            choices = TrainingForm.from_query(request.query_params)
        except ValueError as error:
            return opened | {monitor: training_monitor_value(f"The link's settings cannot be used. {error}")}
        return opened | dict(zip(chosen, dataclasses.astuple(choices), strict=True))

    def by_recipe(network: str, recipe: str) -> list[Any]:
        try:
            choices = TrainingForm.from_recipe(network, recipe)
        except ValueError as error:
            raise user_error(str(error)) from error
        return [choices.lr, choices.batch_size, choices.augmentation]

    def query(*values: Any) -> str:
        choices = TrainingForm(*values)
        try:
            choices.settings()
        except ValueError as error:
            raise user_error(str(error)) from error
        return f"?tab={TRAIN}&{choices.query()}"

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    states, controls = [run, trained, reports], [start, pause, stop, use, weights, metrics, curves]
    start.click(
        train,
        [*chosen, corrections, draw.pad, draw.answers, reports],
        [*states, *controls, monitor, results, records, ended],
        show_progress="hidden",
        concurrency_limit=None,  # they wait for their turns themselves
        api_visibility="private",
    )
    pause.click(_pause_or_resume, run, **at_once)
    stop.click(lambda one: one and one.stop(), run, **at_once)
    used = [draw.user_model, draw.network, use, revert]
    use.click(use_it, trained, used, **at_once)
    revert.click(back, outputs=used, **at_once)
    gr.on([network.input, recipe.input], by_recipe, [network, recipe], [lr, batch_size, augmentation], **at_once)
    draw.named.then(_offer, draw.answers, corrections, **at_once)
    address = gr.Textbox(visible=False)  # what a RunState holds, a script in the page does not see
    link.click(query, chosen, address, **at_once).success(None, address, js=_SHARE, **at_once)
    tab.select(STANDBY.warm_up, **at_once)
    gr.on(None, restore, outputs=[*chosen, monitor, tabs], **at_once)


def _pause_or_resume(one: TrainingRun | None) -> None:
    if one and one.state is RunState.PAUSED:
        one.resume()
    elif one:
        one.pause()


def _buttons(one: TrainingRun, start: gr.Button, pause: gr.Button, stop: gr.Button) -> Updates:
    """The buttons as they make sense for a run."""
    state = one.state
    return {
        start: gr.Button(interactive=one.finished),
        pause: gr.Button(
            "Resume" if state is RunState.PAUSED else "Pause", interactive=state in (RunState.TRAINING, RunState.PAUSED)
        ),
        stop: gr.Button(
            "Leave" if state is RunState.QUEUED and one.progress is None else "Stop",
            interactive=state in (RunState.QUEUED, RunState.TRAINING, RunState.PAUSED),
        ),
    }


def _watched(sketch: Image.Image | None, test_set: LabelledImages) -> np.ndarray:
    """The drawing on the pad in MNIST's form, or where there is none an example, uint8 (28, 28)."""
    if sketch:
        with contextlib.suppress(BlankSketchError):
            return sketch_to_mnist(sketch)
    return test_set[0][_EXAMPLE % len(test_set[0])].numpy()


def _offer(answers: LabelledDrawings) -> gr.Checkbox:
    return gr.Checkbox(label=_corrections_label(answers.count), interactive=answers.count > 0)


def _corrections_label(count: int) -> str:
    if not count:
        return "Add my corrections: say on the Draw tab what your digits were"
    return f"Add my corrections: {count} of your drawings, {_COPIES} times each, changed a little"


def _saved(folder: Path, one: TrainingRun) -> str:
    path = folder / f"{one.settings.model}.pt"
    save_checkpoint(one.model, path, dataclasses.asdict(one.settings), one.test_accuracy, one.calibration)
    return str(path)


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)
