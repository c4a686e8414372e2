"""The Draw tab: a pad, and what a network reads on it."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..classifier import Classifier
from ..models import count_parameters
from ..preprocessing import BlankSketchError, preprocessing_steps
from .reading import EMPTY_READING, Opinion, Reading, reading_value
from .sketchpad import Sketchpad

DEFAULT_NETWORK = "net-25k"
OWN_NETWORK = "own"  # the choice that stands for what the visitor trained
_OWN_NAME = "yours"
_NO_DIGIT = "no digit"  # the label of a picture of something else


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of this one: where the visitor's own network goes, and the choice of networks."""

    own: gr.State
    network: gr.Radio


def build_draw_tab(shipped: dict[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
    """

    def read(sketch: Image.Image | None, network: str, own: Classifier | None) -> dict[str, Any]:
        classifiers = shipped | ({OWN_NETWORK: own} if own else {})
        try:
            steps = preprocessing_steps(sketch) if sketch else None
        except BlankSketchError:  # all of it was erased
            steps = None
        if steps is None or network not in classifiers:
            return EMPTY_READING
        opinions = [
            _opinion(_OWN_NAME if name == OWN_NETWORK else name, classifier, steps.image)
            for name, classifier in classifiers.items()
        ]
        return reading_value(steps, opinions, chosen=list(classifiers).index(network))

    def read_picture(picture: Image.Image | None) -> dict[str, float] | str:
        if picture is None:
            raise gr.Error("There is no picture to read. Choose a file with one digit on it.")
        prediction = shipped[DEFAULT_NETWORK].predict(picture)
        if prediction.digit is None:
            raise gr.Error("The picture is blank: nothing stands out from its background.")
        if not prediction.is_digit:
            return _NO_DIGIT
        return {str(digit): float(share) for digit, share in enumerate(prediction.probabilities)}

    own = gr.State(None)
    with gr.Row():
        with gr.Column(min_width=320):
            pad = Sketchpad(elem_id="pad")
        with gr.Column(min_width=320):
            reading = Reading(elem_id="reading")
            network = gr.Radio(
                network_choices(shipped), value=DEFAULT_NETWORK, label="Network", container=False, elem_id="network"
            )
            with gr.Accordion("Read a picture file", open=False):
                picture = gr.Image(
                    label="Picture of one digit",
                    type="pil",
                    image_mode=None,
                    sources=["upload", "clipboard"],
                    height=200,
                )
                label = gr.Label(label="Read as", num_top_classes=10)

    gr.on(
        [pad.input, network.change],
        read,
        [pad, network, own],
        reading,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    picture.upload(
        read_picture,
        picture,
        label,
        api_name="predict",
        api_description="Read a picture file of one digit: the probability of each digit, or 'no digit', by net-25k.",
    )
    return DrawTab(own, network)


def _opinion(name: str, classifier: Classifier, image: np.ndarray) -> Opinion:
    started = time.perf_counter()
    prediction = classifier.read(image)
    milliseconds = 1000 * (time.perf_counter() - started)
    return Opinion(name, count_parameters(classifier.model), classifier.test_accuracy, prediction, milliseconds)


def network_choices(shipped: dict[str, Classifier], own: Classifier | None = None) -> list[tuple[str, str]]:
    """The networks that a visitor can choose from, as (label, value), with the visitor's own where there is one."""
    return [(name, name) for name in shipped] + ([(_OWN_NAME, OWN_NETWORK)] if own else [])
