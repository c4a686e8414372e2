import dataclasses

import numpy as np
import pytest

from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import preprocess_with_stages
from mnist_cnn.ui.components.prediction_panel.number_value import number_value
from mnist_cnn.ui.components.prediction_panel.prediction_panel import ModelResult, prediction_value
from tests.support.digits import DIGITS
from tests.support.image_files import decode
from tests.support.numbers import number
from tests.support.strokes import render

DRAWING = render(number("42", 0.4, 0.1), width=12)


def result(stages, confidence=None, is_digit=True):
    """The result of net-25k, with another confidence if one is given."""
    prediction = dataclasses.replace(load_classifier().predict_image(stages.image), is_digit=is_digit)
    if confidence:
        prediction = dataclasses.replace(prediction, confidence=confidence)
    return {"net-25k": ModelResult("net-25k", 23_930, 0.99, prediction, 1.25)}


@pytest.fixture(scope="module")
def stages():
    return load_classifier().segment_number(DRAWING, preprocess_with_stages(DRAWING), is_digit=False)


def test_number_shows_each_digit_as_if_it_were_alone(stages):
    digits = [(digit, result(digit)) for digit in stages]
    value = number_value(digits, "net-25k")
    assert (value["digit"], value["message"]) == ("42", "Almost certainly 42.")
    assert [model["prediction"] for model in value["models"]] == ["Almost certainly 42."]
    assert [model["milliseconds"] for model in value["models"]] == ["2.5"]
    for (digit, results), shown in zip(digits, value["number"], strict=True):
        alone = prediction_value(digit, results, "net-25k")
        assert all(shown[key] == alone[key] for key in alone if key not in ("models", "ink"))
        assert shown["confidence"] == f"{results['net-25k'].prediction.confidence:.1%}"
    boxes = np.array([digit["box"] for digit in value["number"]])
    ink = np.argwhere(np.asarray(DRAWING)[:, :, 3])[:, ::-1] / 280
    assert boxes[:, :2].min(axis=0) == pytest.approx(ink.min(axis=0))
    assert boxes[:, 2:].max(axis=0) == pytest.approx(ink.max(axis=0) + 1 / 280)
    assert value["aspect"] == 1


def test_number_in_a_file_has_the_ink_of_all_digits(stages):
    value = number_value([(digit, result(digit)) for digit in stages], "net-25k", is_file=True)
    ink = np.asarray(decode(value["ink"]).getchannel("A"))
    assert (ink == np.asarray(DRAWING.getchannel("A"))).all()


def test_single_digit_is_shown_as_before():
    stages = preprocess_with_stages(render(DIGITS[3]))
    results = result(stages)
    assert number_value([(stages, results)], "net-25k") == prediction_value(stages, results, "net-25k")


@pytest.mark.parametrize(
    ("confidence", "is_digit", "message"),
    [
        (0.95, True, "Very likely 42."),
        (0.7, True, "Probably 42."),
        (0.5, True, "Not sure: 42."),
        (0.5, False, "Not all recognised as digits: 4?."),
    ],
)
def test_message_is_that_of_the_least_certain_digit(stages, confidence, is_digit, message):
    left, right = stages
    digits = [(left, result(left)), (right, result(right, confidence, is_digit))]
    assert number_value(digits, "net-25k")["message"] == message
