"""The Draw tab: a pad, and what a network reads on it."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..answers import Answers
from ..classifier import Classifier
from ..feature_maps import feature_maps
from ..models import count_parameters
from ..preprocessing import BlankSketchError, Steps, preprocessing_steps
from .layers import Layers, layers_value
from .naming import Naming, score
from .reading import EMPTY_READING, Opinion, Reading, reading_value
from .sketchpad import Sketchpad

DEFAULT_NETWORK = "net-25k"
OWN_NETWORK = "own"  # the choice that stands for what the visitor trained
_OWN_NAME = "yours"
_NO_DIGIT = "no digit"  # the label of a picture of something else


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of this one.

    Attributes:
        own: where the visitor's own network goes, a `Classifier`, or None.
        network: the choice of networks.
        answers: the drawings that the visitor has named, `Answers`; they are nowhere else.
    """

    own: gr.State
    network: gr.Radio
    answers: gr.State


def build_draw_tab(shipped: dict[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
    """

    def look(sketch: Image.Image | None, own: Classifier | None) -> tuple[Steps | None, dict[str, Opinion]]:
        """How a drawing became an image, and what each network reads in it, by the choice that stands for it.

        None and nothing where the pad is empty.
        """
        try:
            steps = preprocessing_steps(sketch) if sketch else None
        except BlankSketchError:  # all of it was erased
            steps = None
        if steps is None:
            return None, {}
        opinions = {name: _opinion(name, classifier, steps.image) for name, classifier in shipped.items()}
        if own:
            opinions[OWN_NETWORK] = _opinion(_OWN_NAME, own, steps.image)
        return steps, opinions

    def read(
        sketch: Image.Image | None, network: str, inside: bool, own: Classifier | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        steps, opinions = look(sketch, own)
        if network not in opinions:
            return EMPTY_READING, gr.update(visible=False)
        value = reading_value(steps, list(opinions.values()), chosen=list(opinions).index(network))
        if not inside:
            return value, gr.update(visible=False)
        model = (shipped.get(network) or own).model
        return value, gr.update(value=layers_value(feature_maps(model, steps.image)), visible=True)

    def name_digit(
        event: gr.EventData, sketch: Image.Image | None, network: str, own: Classifier | None, answers: Answers
    ) -> tuple[str, Answers]:
        if event.digit not in range(10):
            raise gr.Error("That is not one of the ten digits.")
        _, opinions = look(sketch, own)
        if network not in opinions:
            return "Draw a digit first.", answers
        prediction = opinions[network].prediction
        read = prediction.digit if prediction.is_digit else None
        answers = answers.with_answer(prediction.image, int(event.digit), read)
        return score(answers), answers

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
    answers = gr.State(Answers())
    with gr.Row():
        with gr.Column(min_width=320):
            pad = Sketchpad(elem_id="pad")
        with gr.Column(min_width=320):
            reading = Reading(elem_id="reading")
            with gr.Row():
                network = gr.Radio(
                    network_choices(shipped),
                    value=DEFAULT_NETWORK,
                    label="Network",
                    container=False,
                    elem_id="network",
                    scale=3,
                )
                inside = gr.Checkbox(label="Feature maps", container=False, elem_id="inside")
            naming = Naming(elem_id="naming")
            layers = Layers(elem_id="layers", visible=False)
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
        [pad.input, network.change, inside.change],
        read,
        [pad, network, inside, own],
        [reading, layers],
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    naming.select(
        name_digit,
        [pad, network, own, answers],
        [naming, answers],
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
    return DrawTab(own, network, answers)


def _opinion(name: str, classifier: Classifier, image: np.ndarray) -> Opinion:
    started = time.perf_counter()
    prediction = classifier.read(image)
    milliseconds = 1000 * (time.perf_counter() - started)
    return Opinion(name, count_parameters(classifier.model), classifier.test_accuracy, prediction, milliseconds)


def network_choices(shipped: dict[str, Classifier], own: Classifier | None = None) -> list[tuple[str, str]]:
    """The networks that a visitor can choose from, as (label, value), with the visitor's own where there is one."""
    return [(name, name) for name in shipped] + ([(_OWN_NAME, OWN_NETWORK)] if own else [])
