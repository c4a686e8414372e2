import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import Prediction, load_classifier
from mnist_cnn.preprocessing import preprocess_with_stages
from mnist_cnn.ui.components.prediction_panel.prediction_panel import EMPTY_PREDICTION, ModelResult, prediction_value
from tests.support.digits import DIGITS
from tests.support.handwriting import render

STAGES = preprocess_with_stages(render(DIGITS[4]))
MODEL_INPUT = STAGES.image[:, ::-1].copy()


def result(probabilities, name="net-25k"):
    probabilities = np.array(probabilities, np.float32)
    digit = int(probabilities.argmax())
    class_activation_maps = np.arange(490, dtype=np.float32).reshape(10, 7, 7) / 10
    prediction = Prediction(
        digit, float(probabilities[digit]), probabilities, STAGES.image, MODEL_INPUT, class_activation_maps, True
    )
    return ModelResult(name, 12_345, 0.9912, prediction, 1.26)


def value_of(*results):
    """The value for several results, of which the first is selected."""
    return prediction_value(STAGES, {each.name: each for each in results}, results[0].name)


def decode(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))))


def test_panel_shows_predicted_digit_and_probabilities():
    value = value_of(result([0, 0.004, 0, 0, 0.995, 0, 0, 0, 0, 0.001]))
    assert (value["state"], value["digit"], value["message"]) == ("predicted", "4", "Almost certainly a 4.")
    assert [bar["digit"] for bar in value["bars"]] == list(range(10))
    assert [bar["percent"] for bar in value["bars"]][:5] == ["0.0", "0.4", "0.0", "0.0", "99.5"]
    assert [bar["digit"] for bar in value["bars"] if bar["rank"] == "predicted"] == [4]


def test_rejected_image_file_gets_a_hint_to_crop_it():
    rejected = result([0.1] * 10)
    rejected = dataclasses.replace(rejected, prediction=dataclasses.replace(rejected.prediction, is_digit=False))
    hint = " If the image shows other things, drag a box around one digit to crop it."
    for is_file in (False, True):
        message = prediction_value(STAGES, {"net-25k": rejected}, "net-25k", is_file)["message"]
        assert message.endswith(hint) == is_file
    assert hint not in prediction_value(STAGES, {"net-25k": result([0.1] * 10)}, "net-25k", is_file=True)["message"]


def test_panel_shows_stages_from_drawing_to_model_input():
    value = value_of(result([0.1] * 10))
    assert (decode(value["model_input"]) == MODEL_INPUT).all()
    *_, resized, image, model_input = (decode(stage["image"]) for stage in value["stages"])
    assert (resized == STAGES.resized).all()
    assert (image == STAGES.image).all()
    assert (model_input == MODEL_INPUT).all()
    assert all(max(decode(stage["image"]).shape) <= 56 for stage in value["stages"])
    names = [stage["name"] for stage in value["stages"]]
    assert names == ["Drawing", "Cropped", "Resized to 20×20", "Centred", "Model input"]


def test_class_activation_maps_average_to_the_logits():
    prediction = load_classifier().predict(render(DIGITS[4]))
    value = value_of(ModelResult("net-25k", 1, None, prediction, 1.0))
    logits = np.array(value["class_activation_maps"]).mean(axis=1)
    assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(prediction.probabilities, abs=2e-3)


def test_table_compares_the_models():
    certain, unsure = [0] * 7 + [0.995, 0.005, 0], [0, 0.45, 0, 0, 0, 0, 0, 0.55, 0, 0]
    value = prediction_value(
        STAGES, {"net-25k": result(certain), "net-8k": result(unsure, "net-8k")}, selected="net-8k"
    )
    assert value["message"] == "Not sure: 7 or 1?"
    assert value["models"] == [
        {
            "name": "net-25k",
            "parameters": "12,345",
            "accuracy": "99.12% on MNIST",
            "prediction": "Almost certainly a 7.",
            "milliseconds": "1.3",
            "rank": "other",
        },
        {
            "name": "net-8k",
            "parameters": "12,345",
            "accuracy": "99.12% on MNIST",
            "prediction": "Not sure: 7 or 1?",
            "milliseconds": "1.3",
            "rank": "selected",
        },
    ]


@pytest.mark.parametrize(
    ("confidence", "message"),
    [
        (0.995, "Almost certainly a 7."),
        (0.95, "Very likely a 7."),
        (0.8, "Probably a 7."),
        (0.55, "Not sure: 7 or 1?"),
    ],
)
def test_message_depends_on_confidence(confidence, message):
    assert value_of(result([0, 1 - confidence, 0, 0, 0, 0, 0, confidence, 0, 0]))["message"] == message


def test_eight_has_another_article():
    assert value_of(result([0] * 8 + [1, 0]))["message"] == "Almost certainly an 8."


def test_rejected_drawing_has_no_predicted_digit():
    unsure = result([0.1] * 3 + [0.19] + [0.1] * 5 + [0.01])
    rejected = dataclasses.replace(unsure, prediction=dataclasses.replace(unsure.prediction, is_digit=False))
    value = value_of(rejected, result([1] + [0] * 9, "net-8k"))
    assert (value["digit"], value["explained_digit"]) == ("?", 3)
    assert value["message"] == "Not recognised as a digit. Closest: 3."
    assert [model["prediction"] for model in value["models"]] == ["Not a digit. Closest: 3.", "Almost certainly a 0."]
    assert {bar["rank"] for bar in value["bars"]} == {"other"}
    assert value["bars"][3]["percent"] == "19.0"


def test_rejected_drawing_that_runs_off_the_image_is_told_so():
    prediction = dataclasses.replace(result([0.1] * 10).prediction, is_digit=False)
    results = {"net-25k": dataclasses.replace(result([0.1] * 10), prediction=prediction)}
    ink = np.zeros((60, 60))
    ink[20:, 20:30] = 1
    stages = dataclasses.replace(STAGES, ink=ink)
    assert prediction_value(stages, results, "net-25k")["message"] == (
        "Not recognised as a digit. Closest: 0. The ink runs off the image: leave some margin around the digit."
    )


def test_empty_panel_has_no_digit_and_no_probabilities():
    assert EMPTY_PREDICTION["digit"] == ""
    assert "Draw a digit" in EMPTY_PREDICTION["message"]
    assert {bar["rank"] for bar in EMPTY_PREDICTION["bars"]} == {"other"}
    assert {bar["percent"] for bar in EMPTY_PREDICTION["bars"]} == {"0.0"}
    assert np.abs(EMPTY_PREDICTION["class_activation_maps"]).max() == 0
