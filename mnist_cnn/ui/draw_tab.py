"""The Draw tab: a canvas with a drawing or an image file, and what the models predict for it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from PIL import Image

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..feature_maps import feature_maps
from ..jobs.run import TrainingRun
from ..model_summary import receptive_fields, summarize, summary_table
from ..models import DEFAULT_MODEL, count_parameters
from ..preprocessing import MAX_DIGITS, BlankSketchError, PreprocessingStages, preprocess_with_stages, sketch_to_mnist
from ..preprocessing.decoding import ImageError
from .components.digit_boxes.digit_boxes import DigitBoxes
from .components.feature_maps.feature_maps import FeatureMaps, feature_maps_value
from .components.fine_tuning.fine_tuning import FineTuning
from .components.image_upload.image_upload import ImageUpload, UploadedFile
from .components.label_feedback.label_feedback import LabelFeedback, is_challenge, score_text, selected_digit
from .components.model_choice.model_choice import USER_MODEL, ModelChoice, model_choices, model_label
from .components.model_table.model_table import ModelTable
from .components.prediction_panel.number_value import ClassifiedDigit, number_value
from .components.prediction_panel.prediction_panel import (
    EMPTY_MESSAGE,
    EMPTY_PREDICTION,
    ModelResult,
    PredictionPanel,
    empty_prediction,
)
from .components.sketchpad.sketchpad import Sketch, Sketchpad, UnfinishedDrawing, sketch_image
from .drawing_files import create_drawing_files
from .events import IMMEDIATE, IN_EVENT_LOOP
from .mnist_digits import create_mnist_digits
from .server.errors import user_error

DRAW_TAB_ID = "draw"
_MAX_FILES = 2  # that are classified at the same time; a large one takes some hundred megabytes
_NO_DIGIT = "no digit"  # the label that the API gives to a rejected image


@dataclass(frozen=True)
class DrawTab:
    """What the Train tab needs of the Draw tab.

    Attributes:
        pad: the canvas; as an input, a `Sketch` or None.
        run: holds the `TrainingRun` that is in progress, or None.
        leave: holds a `threading.Event`, or None; to be set to leave while MNIST is loaded for a run.
        user_model: holds the `Classifier` that the user trained and uses, or None.
        model: the choice of the model.
        drawings: holds the session's `LabelledDrawings`; they are stored nowhere else.
        fine_tuning: offers to train on them.
        labelled: the events of more labelled drawings, for other events to follow.
    """

    pad: Sketchpad
    run: gr.State
    leave: gr.State
    user_model: gr.State
    model: gr.Radio
    drawings: gr.State
    fine_tuning: FineTuning
    labelled: tuple[Dependency, ...]


class DrawHandlers:
    """What the tab's events call.

    Args:
        pretrained: the classifiers that every user has, by model name.
    """

    def __init__(self, pretrained: Mapping[str, Classifier]) -> None:
        self._pretrained = pretrained
        self._layers = {name: summarize(classifier.model) for name, classifier in pretrained.items()}

    def predict_all(
        self, sketch: Sketch | None, user_model: Classifier | None, selected: str | None = None
    ) -> list[ClassifiedDigit]:
        """Preprocess a drawing or an image file, and classify it with every model.

        Args:
            sketch: what is on the canvas.
            user_model: the user's own model.
            selected: the only model to classify it with, beside the default one.

        Returns:
            The stages of preprocessing, and the result of each model by its value in the model choice: for each digit
            of a number, or for the whole if it shows one digit or no number.

        Raises:
            BlankSketchError: there is no sketch, or no ink on it that could be a digit.
            ImageError: the file cannot be decoded.
        """
        if sketch is None:
            raise BlankSketchError(EMPTY_MESSAGE)
        image, default = sketch_image(sketch), self._pretrained[DEFAULT_MODEL]
        models = self._models(user_model)
        if selected:
            models = {key: model for key, model in models.items() if key in (DEFAULT_MODEL, selected)}
        try:
            stages = preprocess_with_stages(image)
        except BlankSketchError:
            digits = default.segment_number(image, None, False)
            if not digits:
                raise
        else:
            results = self._classify(stages, models)
            digits = default.segment_number(image, stages, results[DEFAULT_MODEL].prediction.is_digit)
            if not digits:
                return [(stages, results)]
        return [(stages, self._classify(stages, models, is_digit=True)) for stages in digits]

    def _classify(
        self, stages: PreprocessingStages, models: Mapping[str, Classifier], is_digit: bool | None = None
    ) -> dict[str, ModelResult]:
        """The result of each model by its value in the model choice.

        The first model decides what is a digit, unless it is known: all pretrained ones have the same rejection model.
        """
        results: dict[str, ModelResult] = {}
        for key, classifier in models.items():
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
        sketch: Sketch | None,
        model: str,
        show_feature_maps: bool,
        user_model: Classifier | None,
        run: TrainingRun | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of the prediction panel and the feature maps for what is on the canvas.

        While the pen is down, the other models do not classify it: nobody compares models while drawing. A model in
        training classifies it from now on, too.
        """
        is_unfinished = isinstance(sketch, UnfinishedDrawing)
        try:
            digits = self.predict_all(sketch, user_model, model if is_unfinished else None)
        except (BlankSketchError, ImageError) as error:
            return empty_prediction(str(error)), {}
        stages, results = digits[0]
        if run:
            run.set_probe_image(stages.image)
        if model not in results:  # the user's model is gone
            return EMPTY_PREDICTION, {}
        value = number_value(digits, model, is_file=isinstance(sketch, UploadedFile))
        if is_unfinished:
            value["models"] = None
        if not show_feature_maps:
            return value, {}
        shown = self._models(user_model)[model]
        maps, fields = feature_maps(shown.model, stages.image), receptive_fields(self._layers[shown.name])
        return value, feature_maps_value(results[model].prediction.model_input, maps, fields)

    def model_table(self, model: str, visible: bool, user_model: Classifier | None) -> list[list[str]]:
        """The layers of the selected model, see `summary_table`; none where the table is not visible."""
        models = self._models(user_model)
        return summary_table(self._layers[models[model].name]) if visible and model in models else []

    def add_label(
        self,
        event: gr.EventData,
        sketch: Sketch | None,
        model: str,
        user_model: Classifier | None,
        drawings: LabelledDrawings,
    ) -> tuple[str, LabelledDrawings]:
        """Label what is on the canvas. Returns a message, and the labelled drawings."""
        label = selected_digit(event)
        try:
            digits = self.predict_all(sketch, user_model)
        except (BlankSketchError, ImageError):
            digits = []
        if len(digits) > 1:
            return "Only a single digit can be labelled. Draw it alone.", drawings
        results = digits[0][1] if digits else {}
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
        prediction = self._pretrained[DEFAULT_MODEL].predict_image(_to_mnist(image))
        if not prediction.is_digit:
            return _NO_DIGIT
        return {str(digit): float(probability) for digit, probability in enumerate(prediction.probabilities)}

    def select(self, model: str, user_model: Classifier | None) -> Classifier:
        """The selected classifier; the default one if the user's model is gone."""
        return self._models(user_model).get(model, self._pretrained[DEFAULT_MODEL])

    def classify_number_file(self, image: Image.Image | None) -> dict[str, Any]:
        """The digits of a number by the default model, each with its confidence and its box, for the API.

        Raises:
            gr.Error: as `classify_file`.
        """
        number = self._pretrained[DEFAULT_MODEL].predict_number(image) if image else None
        if not number or not number.text:
            _to_mnist(image)  # raises if that is because there is no ink
            return {"text": "", "digits": []}
        return {
            "text": number.text,
            "digits": [
                {"label": str(digit.digit), "confidence": digit.confidence, "box": list(box)}
                for digit, box in zip(number.digits, number.boxes, strict=True)
            ],
        }

    def _models(self, user_model: Classifier | None) -> dict[str, Classifier]:
        return {**self._pretrained, **({USER_MODEL: user_model} if user_model else {})}


def _to_mnist(image: Image.Image | None) -> np.ndarray:
    """An uploaded image as an MNIST image, uint8 (28, 28).

    Raises:
        gr.Error: as `DrawHandlers.classify_file`.
    """
    if image is None:
        raise user_error("There is no image to classify. Choose a file that shows one digit.")
    try:
        return sketch_to_mnist(image)
    except BlankSketchError as error:
        raise user_error(str(error)) from error


def create_draw_tab(pretrained: Mapping[str, Classifier]) -> DrawTab:
    """Lay out the tab inside the current Blocks and connect its events.

    Args:
        pretrained: the classifiers that every user has, by model name.
    """
    handlers = DrawHandlers(pretrained)
    run, leave, user_model = gr.State(None), gr.State(None), gr.State(None)
    drawings = gr.State(LabelledDrawings())
    with gr.Row(elem_id="draw") as row:
        with gr.Column(min_width=320):
            pad = Sketchpad(elem_id="pad")
            DigitBoxes()
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
            table = ModelTable(elem_id="model-table")
            # Invisible components behind the API's /predict and /predict_number.
            image = ImageUpload(label="One digit, with some margin around it", visible=False)
            api_result = gr.Label(label="prediction", visible=False)
            api_number = gr.JSON(label="number", visible=False)
            api_trigger = gr.Button(visible=False)

    classifying_files = asyncio.Semaphore(_MAX_FILES)

    async def predict_sketch(sketch: Sketch | None, *inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A drawing in the event loop: with many users, threads would wait for each other's hold of Python's lock."""
        if isinstance(sketch, UploadedFile):  # takes several times as long
            async with classifying_files:
                return await asyncio.to_thread(handlers.predict_sketch, sketch, *inputs)
        return handlers.predict_sketch(sketch, *inputs)

    prediction = (predict_sketch, [pad, model, show_feature_maps, user_model, run], [panel, maps])
    summary = (handlers.model_table, [model, show_feature_maps, user_model], table)
    gr.on([pad.input, model.change, show_feature_maps.change], *prediction, trigger_mode="always_last", **IN_EVENT_LOOP)
    labelled = feedback.select(
        handlers.add_label, [pad, model, user_model, drawings], [feedback, drawings], **IMMEDIATE
    )
    gr.on([model.change, show_feature_maps.change], *summary, **IMMEDIATE)
    # The page announces the user's new model before `model` has the value that came with it.
    settled = user_model.change(None, js="() => new Promise((resolve) => setTimeout(resolve))", **IMMEDIATE)
    settled.then(*prediction, **IN_EVENT_LOOP)
    settled.then(*summary, **IMMEDIATE)
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
    api_trigger.click(
        handlers.classify_number_file,
        image,
        api_number,
        api_name="predict_number",
        api_description=(
            f"Classify an image file that shows a number of one to {MAX_DIGITS} digits, which do not touch: the number "
            "as 'text', and for each of its 'digits' a label, a confidence and a box, [left, top, right, bottom] in "
            f"pixels, by {DEFAULT_MODEL}. The text is empty if the image does not look like a number."
        ),
    )
    with row, gr.Column(min_width=320), gr.Accordion("Files and test digits", open=False, elem_id="files"):
        create_mnist_digits(handlers.select, model, user_model, feedback)
        loaded = create_drawing_files(handlers.select, model, user_model, drawings, feedback)
    return DrawTab(pad, run, leave, user_model, model, drawings, fine_tuning, (labelled, loaded))
