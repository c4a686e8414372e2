"""Splitting numbers, with the pretrained model as the rejector."""

import io

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import (
    BlankSketchError,
    preprocess_with_stages,
    segment_number,
    segmentation,
    sketch_to_mnist,
)
from tests.support.digits import DIGITS
from tests.support.image_files import encode
from tests.support.numbers import number
from tests.support.strokes import place, render

FLAG = [[(0.4, 0.22), (0.38, 0.46), *DIGITS[5][0][3:]], [(0.45, 0.21), (0.68, 0.2)]]  # a 5 in two strokes


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


@pytest.fixture(scope="module")
def read(classifier):
    """Reads a number as text; empty if the image shows no number of several digits."""

    def read(image):
        try:
            stages = preprocess_with_stages(image)
        except BlankSketchError:
            stages = None
        is_digit = stages is not None and classifier.predict_image(stages.image).is_digit
        digits = classifier.segment_number(image, stages, is_digit)
        return "".join(str(classifier.predict_image(digit.image).digit) for digit in digits)

    return read


@pytest.mark.parametrize("text", ["10", "11", "42", "57", "100", "368", "1945", "71077", "902134"])
def test_numbers_are_split_into_their_digits(read, text):
    assert read(render(number(text, height=0.2, gap=0.07), width=8)) == text


def test_gap_may_be_wider_than_the_digits(read):
    assert read(render(number("42", height=0.2, gap=0.28), width=8)) == "42"


@pytest.mark.parametrize(("gap", "num_digits"), [(0.08, 2), (0.04, 0)])
def test_gap_decides_where_everything_looks_like_a_digit(gap, num_digits):
    image = render(number("11", height=0.3, gap=gap), width=8)
    stages = preprocess_with_stages(image)
    digits = segment_number(image, stages, is_digit=False, top2_probability=lambda images: np.full(len(images), 0.999))
    assert len(digits) == num_digits


def test_order_of_the_strokes_does_not_matter(read):
    strokes = [*number("4", 0.3, middle=(0.3, 0.5)), *place(FLAG, 0.3, (0.7, 0.5))]
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(strokes))
        assert read(render([strokes[index] for index in order], width=8)) == "45"


@pytest.mark.parametrize("angle", [-0.1, 0.1])
def test_line_may_rise_or_fall(read, angle):
    strokes = [stroke + np.stack([0 * stroke[:, 0], angle * stroke[:, 0]], 1) for stroke in number("2468", 0.2, 0.07)]
    assert read(render(strokes, width=8)) == "2468"


@pytest.mark.parametrize("digit", DIGITS)
def test_single_digit_is_not_split(read, digit):
    assert read(render(DIGITS[digit])) == ""


SLASHED_ZERO = [*DIGITS[0], [(0.36, 0.74), (0.64, 0.26)]]
BARS = [[(0.33, y), (0.64, y + 0.01)] for y in (0.25, 0.5, 0.75)]  # like Ξ
CROSSED_SEVEN = [*DIGITS[7], [(0.42, 0.52), (0.68, 0.5)]]


@pytest.mark.parametrize(
    "strokes",
    [SLASHED_ZERO, CROSSED_SEVEN, FLAG, BARS, [DIGITS[4][0], [(0.735, 0.3), (0.72, 0.8)]]],
    ids=["slashed 0", "crossed 7", "5 with a flag", "three bars", "4 in two pieces"],
)
def test_strokes_of_one_digit_are_not_taken_for_several(read, strokes):
    assert read(render(strokes)) == ""


def test_digits_one_below_the_other_are_no_number(read):
    strokes = [*place(DIGITS[4], 0.3, (0.5, 0.25)), *place(DIGITS[2], 0.3, (0.5, 0.75))]
    assert read(render(strokes, width=8)) == ""


def test_small_digit_beside_a_large_one_is_no_number(read):
    strokes = [*place(DIGITS[3], 0.7, (0.35, 0.55)), *place(DIGITS[2], 0.2, (0.85, 0.2))]
    assert read(render(strokes, width=8)) == ""


def test_seven_digits_are_too_many(read):
    assert read(render(number("1111111", 0.2, 0.08), width=8)) == ""


def test_many_strokes_are_not_tried_as_digits(read, monkeypatch):
    """Each group that is tried takes a millisecond, and drawings are classified in the event loop."""
    groups = []
    monkeypatch.setattr(segmentation, "preprocess_ink", groups.append)
    bars = np.zeros((280, 280), np.uint8)
    for left in range(10, 170, 10):
        bars[20:260, left : left + 4] = 255
    assert read(bars) == ""
    assert groups == []


def test_touching_digits_are_not_split(read):
    assert read(render(number("238", 0.3, -0.02))) == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "noise"])
def test_numbers_in_image_files_are_split(read, kind):
    page = Image.new("RGB", (600, 600), (235, 230, 220))
    drawing = render(number("4082", 0.16, 0.14), 600, 12, ink=(40, 40, 90))
    page.paste(drawing, mask=drawing)
    if kind == "noise":
        noisy = np.asarray(page) + np.random.default_rng(0).normal(0, 4, (600, 600, 1))
        page = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    assert read(Image.open(io.BytesIO(encode(page, "JPEG" if kind == "JPEG" else "PNG")))) == "4082"


def test_each_digit_is_preprocessed_as_if_it_were_alone(classifier):
    image = render(number("57", 0.4, 0.1), width=12)
    stages = preprocess_with_stages(image)
    left, right = classifier.segment_number(image, stages, is_digit=False)
    alpha = np.asarray(image.getchannel("A"))
    middle = round(280 * (left.box[2] + right.box[0]) / 2)
    for digit, part in ((left, np.s_[:, :middle]), (right, np.s_[:, middle:])):
        alone = np.zeros_like(alpha)
        alone[part] = alpha[part]
        assert (digit.image == sketch_to_mnist(alone)).all()
        assert (digit.ink == alone / 255).all()
