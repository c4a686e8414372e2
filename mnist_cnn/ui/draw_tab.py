"""The Draw tab: a canvas or an uploaded image, and what the models predict for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency
from PIL import Image

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..feature_maps import feature_maps
from ..jobs.run import TrainingRun
from ..models import DEFAULT_MODEL, count_parameters
from ..preprocessing import BlankSketchError, PreprocessingStages, preprocess_with_stages, sketch_to_mnist
from .components.feature_maps.feature_maps import FeatureMaps, feature_maps_value
from .components.fine_tuning.fine_tuning import FineTuning
from .components.image_upload.image_upload import ImageUpload
from .components.label_feedback.label_feedback import LabelFeedback, is_challenge, score_text, selected_digit
from .components.model_choice.model_choice import USER_MODEL, ModelChoice, model_choices, model_label
from .components.prediction_panel.prediction_panel import (
    EMPTY_PREDICTION,
    ModelResult,
    PredictionPanel,
    empty_prediction,
    prediction_value,
)
from .components.sketchpad.sketchpad import Sketchpad
from .events import IMMEDIATE
from .server.errors import user_error

_NO_DIGIT = "no digit"  # the label that the API gives to a rejected image


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of the Draw tab.

    Attributes:
        pad: the canvas.
        run: holds the `TrainingRun` that is in progress, or None.
        user_model: holds the `Classifier` that the user trained and uses, or None.
        model: the choice of the model.
        drawings: holds the session's `LabelledDrawings`; they are stored nowhere else.
        fine_tuning: offers to train on them.
        labelled: the event of one more label, for other events to follow.
    """

    pad: Sketchpad
    run: gr.State
    user_model: gr.State
    model: gr.Radio
    drawings: gr.State
    fine_tuning: FineTuning
    labelled: Dependency


class DrawHandlers:
    """What the tab's events call.

    Args:
        pretrained: the classifiers that every user has, by model name.
    """

    def __init__(self, pretrained: Mapping[str, Classifier]) -> None:
        self._pretrained = pretrained

    def predict_all(
        self, sketch: Image.Image | None, user_model: Classifier | None
    ) -> tuple[PreprocessingStages | None, dict[str, ModelResult]]:
        """Preprocess a drawing or an image, and classify it with every model.

        Returns:
            The stages of preprocessing, and the result of each model by its value in the model choice; None and no
            results if there is no sketch, or no ink on it.
        """
        try:
            stages = preprocess_with_stages(sketch) if sketch else None
        except BlankSketchError:  # for example, everything was erased
            stages = None
        return (None, {}) if stages is None else (stages, self._classify(stages, user_model))

    def _classify(self, stages: PreprocessingStages, user_model: Classifier | None) -> dict[str, ModelResult]:
        """The result of each model by its value in the model choice."""
        results: dict[str, ModelResult] = {}
        is_digit = None  # for the first model to decide: all pretrained ones have the same rejection model
        for key, classifier in self._models(user_model).items():
            started = time.perf_counter()
            prediction = classifier.predict_image(stages.image, None if key == USER_MODEL else is_digit)
            milliseconds = 1000 * (time.perf_counter() - started)
            results[key] = ModelResult(
                model_label(key),
                count_parameters(classifier.model),
                classifier.test_accuracy,
                prediction,
                milliseconds,
            )
            is_digit = prediction.is_digit
        return results

    def predict_sketch(
        self,
        sketch: Image.Image | None,
        model: str,
        show_feature_maps: bool,
        user_model: Classifier | None,
        run: TrainingRun | None = None,
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The values of the prediction panel and the feature maps for the drawing on the canvas.

        A model in training classifies the drawing from now on, too.
        """
        stages, results = self.predict_all(sketch, user_model)
        if run and stages:
            run.set_probe_image(stages.image)
        if stages is None or model not in results:
            return EMPTY_PREDICTION, []
        value = prediction_value(stages, results, model)
        if not show_feature_maps:
            return value, []
        classifier = self._models(user_model)[model]
        return value, feature_maps_value(feature_maps(classifier.model, stages.image))

    def predict_upload(self, image: Image.Image | None, model: str, user_model: Classifier | None) -> dict[str, Any]:
        """The update of the second prediction panel for an uploaded image; hides the panel if there is none."""
        if image is None:
            return gr.update(visible=False)
        try:
            stages = preprocess_with_stages(image)
        except BlankSketchError as error:
            return gr.update(value=empty_prediction(str(error)), visible=True)
        results = self._classify(stages, user_model)
        if model not in results:  # the user's model is gone
            return gr.update(visible=False)
        return gr.update(value=prediction_value(stages, results, model, first_stage="Extracted ink"), visible=True)

    def add_label(
        self,
        event: gr.EventData,
        sketch: Image.Image | None,
        model: str,
        user_model: Classifier | None,
        drawings: LabelledDrawings,
    ) -> tuple[str, LabelledDrawings]:
        """Label the drawing on the canvas. Returns a message, and the labelled drawings."""
        label = selected_digit(event)
        _, results = self.predict_all(sketch, user_model)
        if model not in results:
            return "Draw a digit first.", drawings
        prediction = results[model].prediction
        predicted = prediction.digit if prediction.is_digit else None
        drawings = drawings.add(prediction.image, label, predicted)
        return score_text(drawings, is_challenge(event)), drawings

    def classify_file(self, image: Image.Image | None) -> dict[str, float] | str:
        """Each digit's probability by the default model, or `_NO_DIGIT`, for the API.

        Raises:
            gr.Error: there is no image, or no ink in it that could be a digit.
        """
        if image is None:
            raise user_error("There is no image to classify. Choose a file that shows one digit.")
        try:
            mnist_image = sketch_to_mnist(image)
        except BlankSketchError as error:
            raise user_error(str(error)) from error
        prediction = self._pretrained[DEFAULT_MODEL].predict_image(mnist_image)
        if not prediction.is_digit:
            return _NO_DIGIT
        return {str(digit): float(probability) for digit, probability in enumerate(prediction.probabilities)}

    def _models(self, user_model: Classifier | None) -> dict[str, Classifier]:
        return {**self._pretrained, **({USER_MODEL: user_model} if user_model else {})}


def create_draw_tab(pretrained: Mapping[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        pretrained: the classifiers that every user has, by model name.
    """
    handlers = DrawHandlers(pretrained)
    run, user_model = gr.State(None), gr.State(None)
    drawings = gr.State(LabelledDrawings())
    with gr.Row():
        with gr.Column(min_width=320):
            pad = Sketchpad(elem_id="pad")
        with gr.Column(min_width=320):
            panel = PredictionPanel(elem_id="reading")
            with gr.Row():
                model = ModelChoice(
                    model_choices(pretrained),
                    value=DEFAULT_MODEL,
                    label="Model",
                    container=False,
                    elem_id="model",
                    scale=3,
                )
                show_feature_maps = gr.Checkbox(label="Feature maps", container=False, elem_id="show-feature-maps")
            feedback = LabelFeedback(elem_id="label-feedback")
            fine_tuning = FineTuning(elem_id="fine-tuning")
            maps = FeatureMaps(elem_id="feature-maps")
            with gr.Accordion("Classify a photo or image file", open=False):
                image = ImageUpload(
                    label="One digit, with some margin around it",
                    sources=["upload", "webcam", "clipboard"],
                    # Not mirrored, as a mirrored digit is not a digit. A phone's rear camera can see the paper.
                    webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
                    height=240,
                    elem_id="image",
                )
                image_panel = PredictionPanel(elem_id="image-prediction", visible=False)
            # Invisible components behind the API's /predict.
            api_result = gr.Label(label="prediction", visible=False)
            api_trigger = gr.Button(visible=False)

    async def predict_sketch(*inputs: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """In the event loop: with many users, threads would wait for each other's hold of Python's lock."""
        return handlers.predict_sketch(*inputs)

    gr.on(
        [pad.input, model.change, user_model.change, show_feature_maps.change],
        predict_sketch,
        [pad, model, show_feature_maps, user_model, run],
        [panel, maps],
        trigger_mode="always_last",
        **IMMEDIATE,
    )
    labelled = feedback.select(
        handlers.add_label, [pad, model, user_model, drawings], [feedback, drawings], **IMMEDIATE
    )
    gr.on(
        [image.upload, image.clear, model.change, user_model.change],  # pasted images and photos are uploads too
        handlers.predict_upload,
        [image, model, user_model],
        image_panel,
        trigger_mode="always_last",
        **IMMEDIATE,
    )
    api_trigger.click(
        handlers.classify_file,
        image,
        api_result,
        api_name="predict",
        api_description=(
            f"Classify an image file that shows one digit: each digit's probability, or '{_NO_DIGIT}', by "
            f"{DEFAULT_MODEL}."
        ),
    )
    return DrawTab(pad, run, user_model, model, drawings, fine_tuning, labelled)
