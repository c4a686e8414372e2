"""The Train tab: one epoch, live."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import gradio as gr
import torch

from ..classifier import Classifier
from ..data import DataError, load_mnist
from ..live import LiveRun
from ..models import MODELS
from ..training import recipe_settings
from .assets import component_files
from .curves import Curves, curves_svg
from .draw_tab import DEFAULT_NETWORK, OWN_NETWORK, DrawTab, network_choices

_LabelledImages = tuple[torch.Tensor, torch.Tensor]


class _Status(gr.HTML):
    """Shows what `_status` makes of a run."""

    def __init__(self, **kwargs) -> None:
        super().__init__(
            value=_status("Train a network from scratch on MNIST's 60,000 digits, each seen once."),
            **component_files("training"),
            **kwargs,
        )


def build_train_tab(shipped: dict[str, Classifier], draw: DrawTab) -> None:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
        draw: where "Use on the Draw tab" puts the trained network.
    """
    run = gr.State(None)
    with gr.Row():
        with gr.Column(min_width=320, scale=1):
            network = gr.Radio(list(MODELS), value=DEFAULT_NETWORK, label="Network")
            recipe = gr.Radio(["ours", "reference"], value="ours", label="Recipe")
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="train", min_width=80)
                stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop", min_width=80)
            use = gr.Button("Use on the Draw tab", interactive=False, elem_id="use")
        with gr.Column(min_width=320, scale=2):
            status = _Status(elem_id="status")
            curves = Curves(elem_id="curves")

    def train(network: str, recipe: str) -> Iterator[tuple]:
        unchanged = gr.skip()
        try:
            training_set, test_set = _mnist()
        except DataError as error:
            yield unchanged, _status(str(error)), unchanged, gr.Button(interactive=True), unchanged, unchanged
            return
        run = LiveRun(recipe_settings(network, recipe), training_set, test_set)
        headline = f"Training {network}, recipe “{recipe}” …"
        running = (gr.Button(interactive=False), gr.Button(interactive=True), gr.Button(interactive=False))
        yield run, _status(headline, run), curves_svg(run.history), *running
        # Closed with this generator, at once: a visitor who leaves must not train on.
        with contextlib.closing(run.updates()) as updates:
            for _ in updates:
                yield unchanged, _status(headline, run), curves_svg(run.history), *[unchanged] * 3
        ended = (gr.Button(interactive=True), gr.Button(interactive=False), gr.Button(interactive=True))
        yield unchanged, _status(_result(run, shipped[network]), run), curves_svg(run.history), *ended

    def use_it(run: LiveRun) -> tuple[Classifier, Any, dict[str, Any]]:
        own = run.classifier()
        choices = gr.Radio(choices=network_choices(shipped, own), value=OWN_NETWORK)
        return own, choices, _status("The Draw tab now reads with your network. Nobody else's page does.", run)

    waiting = _status("Waiting: one network is trained at a time. Yours is next, or soon …")
    start.click(
        lambda: (waiting, gr.Button(interactive=False)),
        outputs=[status, start],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    ).then(
        train,
        [network, recipe],
        [run, status, curves, start, stop, use],
        show_progress="hidden",
        concurrency_limit=1,
        concurrency_id="training",
        api_visibility="private",
    )
    stop.click(_stop, run, stop, show_progress="hidden", concurrency_limit=None, api_visibility="private")
    use.click(use_it, run, [draw.own, draw.network, status], show_progress="hidden", api_visibility="private")


def _stop(run: LiveRun | None) -> Any:
    if run:
        run.stop()
    return gr.Button(interactive=False)


@functools.cache
def _mnist() -> tuple[_LabelledImages, _LabelledImages]:
    """MNIST's training and test set, loaded once for all visitors."""
    return load_mnist(train=True), load_mnist(train=False)


def _result(run: LiveRun, shipped: Classifier) -> str:
    """What a run that has ended came to, in a sentence or two."""
    progress = run.progress
    end = f"Stopped at {progress.step / progress.steps:.0%}" if run.stopped else "Done"
    compared = f" The shipped {shipped.name} reads {shipped.test_accuracy:.2%}." if shipped.test_accuracy else ""
    return (
        f"{end} after {progress.seconds:.0f} s: this network reads {run.test_accuracy:.2%} of MNIST's test digits."
        f"{compared}"
    )


def _status(headline: str, run: LiveRun | None = None) -> dict[str, Any]:
    """The template's values: a headline, the run's progress in percent, and named figures."""
    progress = run and run.progress
    figures = {
        "Images seen": f"{progress.images_seen:,}" if progress else "–",
        "Loss": f"{progress.loss:.3f}" if progress else "–",
        "Training accuracy": f"{progress.accuracy:.1%}" if progress else "–",
        "Test accuracy": f"{run.history.test_accuracy[-1][1]:.2%}" if run and run.history.test_accuracy else "–",
        "Images/s": f"{progress.images_per_second:,.0f}" if progress else "–",
        "Time left": f"{progress.eta_seconds:.0f} s" if progress else "–",
    }
    return {
        "headline": headline,
        "percent": f"{100 * progress.step / progress.steps:.1f}" if progress else "0",
        "figures": [{"name": name, "text": text} for name, text in figures.items()],
    }
