"""The Draw tab: a pad, and what a network reads on it."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from PIL import Image

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..feature_maps import feature_maps
from ..models import count_parameters
from ..preprocessing import BlankSketchError, PreprocessingStages, preprocess_with_stages
from .components.feature_maps.feature_maps import FeatureMaps, feature_maps_value
from .components.image_upload import ImageUpload
from .components.label_feedback.label_feedback import LabelFeedback, score
from .components.model_choice import ModelChoice
from .components.prediction_panel.prediction_panel import (
    EMPTY_PREDICTION,
    ModelResult,
    PredictionPanel,
    empty_prediction,
    prediction_value,
)
from .components.sketchpad.sketchpad import Sketchpad
from .server.errors import user_error

DEFAULT_MODEL = "net-25k"
USER_MODEL = "own"  # the choice that stands for what the visitor trained
_OWN_NAME = "yours"
_NO_DIGIT = "no digit"  # the label of a picture of something else
_NO_PICTURE = empty_prediction(
    "Choose, paste or take a picture of one digit on plain or ruled paper, with room around it."
)
_BLANK_PICTURE = empty_prediction("The picture is blank, or what is on it runs off its sides.")


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of this one.

    Attributes:
        pad: the drawing pad.
        own: where the visitor's own network goes, a `Classifier`, or None.
        network: the choice of networks.
        answers: the drawings that the visitor has named, `LabelledDrawings`; they are nowhere else.
        named: the event in which one more is named, to follow by another.
    """

    pad: Sketchpad
    user_model: gr.State
    network: gr.Radio
    answers: gr.State
    named: Dependency


def build_draw_tab(pretrained: dict[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        shipped: the networks that every visitor has, by name.
    """

    def look(
        sketch: Image.Image | None, user_model: Classifier | None
    ) -> tuple[PreprocessingStages | None, dict[str, ModelResult]]:
        """How a drawing or a picture became an image, and what each network reads in it, by the choice for it.

        None and nothing where there is none, or no ink on it.
        """
        try:
            steps = preprocess_with_stages(sketch) if sketch else None
        except BlankSketchError:  # all of it was erased
            steps = None
        if steps is None:
            return None, {}
        networks = {name: (name, classifier) for name, classifier in pretrained.items()}
        if user_model:
            networks[USER_MODEL] = (_OWN_NAME, user_model)
        opinions: dict[str, ModelResult] = {}
        is_digit = None
        for key, (name, classifier) in networks.items():
            opinions[key] = _opinion(name, classifier, steps.image, is_digit)
            is_digit = opinions[key].prediction.is_digit  # by the judge that all of them have
        return steps, opinions

    def read(
        sketch: Image.Image | None, network: str, inside: bool, user_model: Classifier | None
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        steps, opinions = look(sketch, user_model)
        if steps is None or network not in opinions:
            return EMPTY_PREDICTION, []
        value = prediction_value(steps, list(opinions.values()), chosen=list(opinions).index(network))
        if not inside:
            return value, []
        classifier = user_model if user_model and network == USER_MODEL else pretrained[network]
        return value, feature_maps_value(feature_maps(classifier.model, steps.image))

    def show_picture(picture: Image.Image | None, network: str, user_model: Classifier | None) -> dict[str, Any]:
        steps, opinions = look(picture, user_model)
        if picture is None:
            return gr.update(visible=False)
        if steps is None or network not in opinions:
            return gr.update(value=_BLANK_PICTURE, visible=True)
        value = prediction_value(steps, list(opinions.values()), chosen=list(opinions).index(network), first="ink")
        return gr.update(value=value, visible=True)

    def name_digit(
        event: gr.EventData,
        sketch: Image.Image | None,
        network: str,
        user_model: Classifier | None,
        answers: LabelledDrawings,
    ) -> tuple[str, LabelledDrawings]:
        digit = _pressed(event)
        _, opinions = look(sketch, user_model)
        if network not in opinions:
            return "Draw a digit first.", answers
        prediction = opinions[network].prediction
        read = prediction.digit if prediction.is_digit else None
        answers = answers.add(prediction.image, digit, read)
        return score(answers), answers

    def read_picture(picture: Image.Image | None) -> dict[str, float] | str:
        if picture is None:
            raise user_error("There is no picture to read. Choose a file with one digit on it.")
        prediction = pretrained[DEFAULT_MODEL].predict(picture)
        if prediction.digit is None:
            raise user_error("The picture is blank: nothing stands out from its background.")
        if not prediction.is_digit:
            return _NO_DIGIT
        return {str(digit): float(share) for digit, share in enumerate(prediction.probabilities)}

    user_model = gr.State(None)
    answers = gr.State(LabelledDrawings())
    with gr.Row():
        with gr.Column(min_width=320):
            pad = Sketchpad(elem_id="pad")
        with gr.Column(min_width=320):
            reading = PredictionPanel(elem_id="reading")
            with gr.Row():
                network = ModelChoice(
                    model_choices(pretrained),
                    value=DEFAULT_MODEL,
                    label="Network",
                    container=False,
                    elem_id="network",
                    scale=3,
                )
                inside = gr.Checkbox(label="Feature maps", container=False, elem_id="inside")
            naming = LabelFeedback(elem_id="naming")
            layers = FeatureMaps(elem_id="layers")
            with gr.Accordion("Read a photo or a picture file", open=False):
                picture = ImageUpload(
                    label="One digit, with room around it",
                    sources=["upload", "webcam", "clipboard"],
                    # As seen by others: a digit in a mirror is none. A phone's camera at the back sees the paper.
                    webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
                    height=240,
                    elem_id="picture",
                )
                picture_reading = PredictionPanel(elem_id="picture-reading", visible=False)
            # On the page nobody sees or presses these: they make the API's /predict.
            label = gr.Label(visible=False)
            predict = gr.Button(visible=False)

    gr.on(
        [pad.input, network.change, inside.change],
        read,
        [pad, network, inside, user_model],
        [reading, layers],
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    named = naming.select(
        name_digit,
        [pad, network, user_model, answers],
        [naming, answers],
        queue=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    gr.on(
        [picture.upload, picture.clear, network.change],  # a paste and a camera's picture are uploads too
        show_picture,
        [picture, network, user_model],
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
    return DrawTab(pad, user_model, network, answers, named)


def _pressed(event: gr.EventData) -> int:
    """The digit whose button was pressed; what the event holds comes from the visitor."""
    try:
        digit = event.digit
    except (AttributeError, TypeError):
        digit = None
    if type(digit) is not int or digit not in range(10):
        raise user_error("That is not one of the ten digits. Press a button from 0 to 9.")
    return digit


def _opinion(name: str, classifier: Classifier, image: np.ndarray, is_digit: bool | None) -> ModelResult:
    started = time.perf_counter()
    prediction = classifier.predict_image(image, is_digit)
    milliseconds = 1000 * (time.perf_counter() - started)
    return ModelResult(name, count_parameters(classifier.model), classifier.test_accuracy, prediction, milliseconds)


def model_choices(pretrained: dict[str, Classifier], user_model: Classifier | None = None) -> list[tuple[str, str]]:
    """The networks that a visitor can choose from, as (label, value), with the visitor's own where there is one."""
    return [(name, name) for name in pretrained] + ([(_OWN_NAME, USER_MODEL)] if user_model else [])
