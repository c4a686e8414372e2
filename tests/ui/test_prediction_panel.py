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

STEPS = preprocess_with_stages(render(DIGITS[4]))
SEEN = STEPS.image[:, ::-1].copy()


def opinion(probabilities, name="net-25k"):
    probabilities = np.array(probabilities, np.float32)
    digit = int(probabilities.argmax())
    class_activation_maps = np.arange(490, dtype=np.float32).reshape(10, 7, 7) / 10
    prediction = Prediction(
        digit, float(probabilities[digit]), probabilities, STEPS.image, SEEN, class_activation_maps, True
    )
    return ModelResult(name, 12_345, 0.9912, prediction, 1.26)


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))))


def test_shows_the_winner_and_the_bars():
    value = prediction_value(STEPS, [opinion([0, 0.004, 0, 0, 0.995, 0, 0, 0, 0, 0.001])], chosen=0)
    assert (value["state"], value["digit"], value["words"]) == ("read", "4", "Certainly a 4.")
    assert [bar["digit"] for bar in value["bars"]] == list(range(10))
    assert [bar["percent"] for bar in value["bars"]][:5] == ["0.0", "0.4", "0.0", "0.0", "99.5"]
    assert [bar["digit"] for bar in value["bars"] if bar["rank"] == "winner"] == [4]


def test_shows_the_steps_from_the_drawing_to_what_the_network_saw():
    value = prediction_value(STEPS, [opinion([0.1] * 10)], chosen=0)
    assert (pixels(value["image"]) == SEEN).all()
    *_, resized, image, seen = (pixels(step["image"]) for step in value["steps"])
    assert (resized == STEPS.resized).all()
    assert (image == STEPS.image).all()
    assert (seen == SEEN).all()
    assert all(max(pixels(step["image"]).shape) <= 56 for step in value["steps"])


def test_the_evidence_averages_to_the_logits():
    prediction = load_classifier().predict(render(DIGITS[4]))
    value = prediction_value(STEPS, [ModelResult("net-25k", 1, None, prediction, 1.0)], chosen=0)
    logits = np.array(value["evidence"]).mean(axis=1)
    assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(prediction.probabilities, abs=2e-3)


def test_compares_the_networks():
    sure, unsure = [0] * 7 + [0.995, 0.005, 0], [0, 0.45, 0, 0, 0, 0, 0, 0.55, 0, 0]
    value = prediction_value(STEPS, [opinion(sure), opinion(unsure, "net-8k")], chosen=1)
    assert value["words"] == "Not sure: 7 or 1?"
    assert value["networks"] == [
        {
            "name": "net-25k",
            "parameters": "12,345",
            "accuracy": "99.12% on MNIST",
            "words": "Certainly a 7.",
            "milliseconds": "1.3",
            "rank": "other",
        },
        {
            "name": "net-8k",
            "parameters": "12,345",
            "accuracy": "99.12% on MNIST",
            "words": "Not sure: 7 or 1?",
            "milliseconds": "1.3",
            "rank": "chosen",
        },
    ]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.995, "Certainly a 7."), (0.95, "Very likely a 7."), (0.8, "Probably a 7."), (0.55, "Not sure: 7 or 1?")],
)
def test_says_how_sure_it_is(share, words):
    assert prediction_value(STEPS, [opinion([0, 1 - share, 0, 0, 0, 0, 0, share, 0, 0])], chosen=0)["words"] == words


def test_eight_has_another_article():
    assert prediction_value(STEPS, [opinion([0] * 8 + [1, 0])], chosen=0)["words"] == "Certainly an 8."


def test_says_so_where_there_is_something_else():
    unsure = opinion([0.1] * 10)
    other = dataclasses.replace(unsure, prediction=dataclasses.replace(unsure.prediction, is_digit=False))
    value = prediction_value(STEPS, [other, opinion([1] + [0] * 9)], chosen=0)
    assert (value["digit"], value["words"]) == ("?", "That does not look like a digit.")
    assert [network["words"] for network in value["networks"]] == ["No digit.", "Certainly a 0."]
    assert {bar["rank"] for bar in value["bars"]} == {"other"}
    assert [bar["percent"] for bar in value["bars"]] == ["10.0"] * 10


def test_names_no_digit_where_there_is_none():
    assert EMPTY_PREDICTION["digit"] == ""
    assert "Draw a digit" in EMPTY_PREDICTION["words"]
    assert {bar["rank"] for bar in EMPTY_PREDICTION["bars"]} == {"other"}
    assert {bar["percent"] for bar in EMPTY_PREDICTION["bars"]} == {"0.0"}
    assert np.abs(EMPTY_PREDICTION["evidence"]).max() == 0
