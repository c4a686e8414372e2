"""The Draw tab: a pad, and what a network reads on it."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from PIL import Image

from ..answers import Answers
from ..classifier import Classifier
from ..feature_maps import feature_maps
from ..models import count_parameters
from ..preprocessing import BlankSketchError, Steps, preprocessing_steps
from .layers import Layers, layers_value
from .naming import Naming, score
from .network_choice import NetworkChoice
from .picture import Picture
from .reading import EMPTY_READING, Opinion, Reading, empty_reading, reading_value
from .refusal import refusal
from .sketchpad import Sketchpad

DEFAULT_NETWORK = "net-25k"
OWN_NETWORK = "own"  # the choice that stands for what the visitor trained
_OWN_NAME = "yours"
_NO_DIGIT = "no digit"  # the label of a picture of something else
_NO_PICTURE = empty_reading(
    "Choose, paste or take a picture of one digit on plain or ruled paper, with room around it."
)
_BLANK_PICTURE = empty_reading("The picture is blank, or what is on it runs off its sides.")


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of this one.

    Attributes:
        pad: the drawing pad.
        own: where the visitor's own network goes, a `Classifier`, or None.
        network: the choice of networks.
        answers: the drawings that the visitor has named, `Answers`; they are nowhere else.
        named: the event in which one more is named, to follow by another.
    """

    pad: Sketchpad
    own: gr.State
    network: gr.Radio
    answers: gr.State
    named: Dependency


def build_draw_tab(shipped: dict[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
    """

    def look(sketch: Image.Image | None, own: Classifier | None) -> tuple[Steps | None, dict[str, Opinion]]:
        """How a drawing or a picture became an image, and what each network reads in it, by the choice for it.

        None and nothing where there is none, or no ink on it.
        """
        try:
            steps = preprocessing_steps(sketch) if sketch else None
        except BlankSketchError:  # all of it was erased
            steps = None
        if steps is None:
            return None, {}
        networks = {name: (name, classifier) for name, classifier in shipped.items()}
        if own:
            networks[OWN_NETWORK] = (_OWN_NAME, own)
        opinions: dict[str, Opinion] = {}
        is_digit = None
        for key, (name, classifier) in networks.items():
            opinions[key] = _opinion(name, classifier, steps.image, is_digit)
            is_digit = opinions[key].prediction.is_digit  # by the judge that all of them have
        return steps, opinions

    def read(
        sketch: Image.Image | None, network: str, inside: bool, own: Classifier | None
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        steps, opinions = look(sketch, own)
        if steps is None or network not in opinions:
            return EMPTY_READING, []
        value = reading_value(steps, list(opinions.values()), chosen=list(opinions).index(network))
        if not inside:
            return value, []
        classifier = own if own and network == OWN_NETWORK else shipped[network]
        return value, layers_value(feature_maps(classifier.model, steps.image))

    def show_picture(picture: Image.Image | None, network: str, own: Classifier | None) -> dict[str, Any]:
        steps, opinions = look(picture, own)
        if picture is None:
            return gr.update(visible=False)
        if steps is None or network not in opinions:
            return gr.update(value=_BLANK_PICTURE, visible=True)
        value = reading_value(steps, list(opinions.values()), chosen=list(opinions).index(network), first="ink")
        return gr.update(value=value, visible=True)

    def name_digit(
        event: gr.EventData, sketch: Image.Image | None, network: str, own: Classifier | None, answers: Answers
    ) -> tuple[str, Answers]:
        digit = _pressed(event)
        _, opinions = look(sketch, own)
        if network not in opinions:
            return "Draw a digit first.", answers
        prediction = opinions[network].prediction
        read = prediction.digit if prediction.is_digit else None
        answers = answers.with_answer(prediction.image, digit, read)
        return score(answers), answers

    def read_picture(picture: Image.Image | None) -> dict[str, float] | str:
        if picture is None:
            raise refusal("There is no picture to read. Choose a file with one digit on it.")
        prediction = shipped[DEFAULT_NETWORK].predict(picture)
        if prediction.digit is None:
            raise refusal("The picture is blank: nothing stands out from its background.")
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
                network = NetworkChoice(
                    network_choices(shipped),
                    value=DEFAULT_NETWORK,
                    label="Network",
                    container=False,
                    elem_id="network",
                    scale=3,
                )
                inside = gr.Checkbox(label="Feature maps", container=False, elem_id="inside")
            naming = Naming(elem_id="naming")
            layers = Layers(elem_id="layers")
            with gr.Accordion("Read a photo or a picture file", open=False):
                picture = Picture(
                    label="One digit, with room around it",
                    sources=["upload", "webcam", "clipboard"],
                    # As seen by others: a digit in a mirror is none. A phone's camera at the back sees the paper.
                    webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
                    height=240,
                    elem_id="picture",
                )
                picture_reading = Reading(elem_id="picture-reading", visible=False)
            # On the page nobody sees or presses these: they make the API's /predict.
            label = gr.Label(visible=False)
            predict = gr.Button(visible=False)

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
    named = naming.select(
        name_digit,
        [pad, network, own, answers],
        [naming, answers],
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    gr.on(
        [picture.upload, picture.clear, network.change],  # a paste and a camera's picture are uploads too
        show_picture,
        [picture, network, own],
        picture_reading,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    predict.click(
        read_picture,
        picture,
        label,
        api_name="predict",
        api_description="Read a picture file of one digit: the probability of each digit, or 'no digit', by net-25k.",
    )
    return DrawTab(pad, own, network, answers, named)


def _pressed(event: gr.EventData) -> int:
    """The digit whose button was pressed; what the event holds comes from the visitor."""
    try:
        digit = event.digit
    except (AttributeError, TypeError):
        digit = None
    if type(digit) is not int or digit not in range(10):
        raise refusal("That is not one of the ten digits. Press a button from 0 to 9.")
    return digit


def _opinion(name: str, classifier: Classifier, image: np.ndarray, is_digit: bool | None) -> Opinion:
    started = time.perf_counter()
    prediction = classifier.read(image, is_digit)
    milliseconds = 1000 * (time.perf_counter() - started)
    return Opinion(name, count_parameters(classifier.model), classifier.test_accuracy, prediction, milliseconds)


def network_choices(shipped: dict[str, Classifier], own: Classifier | None = None) -> list[tuple[str, str]]:
    """The networks that a visitor can choose from, as (label, value), with the visitor's own where there is one."""
    return [(name, name) for name in shipped] + ([(_OWN_NAME, OWN_NETWORK)] if own else [])
