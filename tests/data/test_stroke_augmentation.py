import math

import numpy as np
import pytest
import torch

from mnist_cnn.data.drawing import bounding_box, stroke_width
from mnist_cnn.data.stroke_augmentation import STYLES, augment_strokes
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.handwriting import handwriting
from tests.support.strokes import render

NO_STYLE = 5  # a digit to which no strokes are added
RING = [[(0.5 + 0.2 * math.sin(angle / 8), 0.5 - 0.25 * math.cos(angle / 8)) for angle in range(51)]]
SEVEN = [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]]
STICK = [[(0.5, 0.2), (0.5, 0.8)]]
NINE = [
    [(0.5 + 0.15 * math.cos(angle / 8), 0.35 - 0.15 * math.sin(angle / 8)) for angle in range(51)],
    [(0.65, 0.35), (0.62, 0.8)],
]


@pytest.fixture(scope="module")
def digits():
    images, labels = handwriting(300, seed=0)
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def augmented(strokes, label, count=400):
    """One drawing, re-rendered many times as the digit `label`: float32 (N, 28, 28), 0 to 1."""
    image = torch.from_numpy(sketch_to_mnist(render(strokes)))
    images = augment_strokes(image.expand(count, 28, 28), torch.full((count,), label), 1.0, generator(5))
    return images.float() / 255


def test_result_depends_on_the_seed_alone(digits):
    first, again, other = (augment_strokes(*digits, 1.0, generator(seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8 and first.shape == (300, 28, 28)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_images_are_rerendered_with_the_given_probability(digits):
    images, labels = digits
    before = images.clone()
    result = augment_strokes(images, labels, 0.4, generator())
    assert torch.equal(images, before)
    changed = (result != images).flatten(1).any(1).float().mean()
    assert 0.3 < changed < 0.5
    assert augment_strokes(images, labels, 0.0, generator()) is images


def test_augmented_digits_stay_in_mnists_format(digits):
    result = augment_strokes(*digits, 1.0, generator()).float() / 255
    assert (result.amax((1, 2)) == 1).all()
    top, bottom, left, right = bounding_box(result)
    longer = torch.maximum(bottom - top, right - left)
    assert longer.min() >= 18 and longer.max() <= 23
    positions = torch.arange(28.0)
    for dim in (1, 2):
        centre = (result.sum(dim) @ positions) / result.sum((1, 2))
        assert ((centre - 14).abs() <= 1.6).all()
    assert 1.5 < stroke_width(result).median() < 3.5


def test_some_zeros_are_slashed():
    def filled(images):
        return (images[:, 12:17, 12:17].mean((1, 2)) > 0.3).float().mean()

    assert filled(augmented(RING, NO_STYLE)) < 0.02
    assert 0.2 < filled(augmented(RING, 0)) < 0.4


@pytest.mark.parametrize(
    ("strokes", "label", "rows", "probability"),
    [
        pytest.param(SEVEN, 7, slice(12, 18), 0.2, id="crossbar"),
        pytest.param(STICK, 1, slice(18, 26), 0.2, id="foot"),
        pytest.param(STICK, 1, slice(3, 14), 0.2, id="flag"),
        pytest.param(NINE, 9, slice(20, 26), 0.15, id="hook"),
    ],
)
def test_style_is_added_to_its_digit(strokes, label, rows, probability):
    def widest(images):  # number of inked pixels in the fullest of the rows
        return (images[:, rows] > 0.5).sum(2).amax(1).float()

    usual = widest(augmented(strokes, NO_STYLE)).quantile(0.98)
    wider = (widest(augmented(strokes, label)) > usual).float().mean()
    assert 0.02 + 0.4 * probability < wider < 0.02 + 2.5 * probability


def test_narrow_gaps_are_closed_in_some_drawings():
    def closed(width):  # fraction of rings of this width without a gap in the middle row
        ring = [[(0.5 + width / 2 * math.sin(angle / 8), 0.5 - 0.25 * math.cos(angle / 8)) for angle in range(51)]]
        rows = augmented(ring, NO_STYLE)[:, 14].numpy()
        inked = [np.flatnonzero(row > 0.5) for row in rows]
        gaps = [row[columns[0] : columns[-1]].min() for row, columns in zip(rows, inked, strict=True)]
        return np.mean(np.array(gaps) > 0.5)

    assert closed(0.35) < 0.01
    assert 0.04 < closed(0.13) < 0.3


def test_styles_have_probabilities_and_belong_to_digits():
    for digit, styles in STYLES.items():
        assert 0 <= digit <= 9
        assert 0 < sum(probability for probability, _ in styles) < 1


def test_a_few_images_are_re_rendered_whatever_gaps_are_closed():
    images, labels = (torch.from_numpy(array) for array in handwriting(10, seed=0))
    generator = torch.Generator().manual_seed(0)
    for count in [1, 2, 3] * 10:
        assert augment_strokes(images[:count], labels[:count].long(), 1.0, generator).shape == (count, 28, 28)
