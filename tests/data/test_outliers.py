import pytest
import torch

from mnist_cnn.data.drawing import bounding_box
from mnist_cnn.data.outliers import KINDS, NON_DIGIT, make_outliers
from tests.support.handwriting import handwriting


@pytest.fixture(scope="module")
def digits():
    images, labels = handwriting(100, seed=0)
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def test_outliers_have_the_requested_count_and_depend_on_the_seed_alone(digits):
    first, again, other = (make_outliers(*digits, 700, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8 and first.shape == (700, 28, 28)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_outliers_fit_mnists_format_and_are_never_blank(digits):
    outliers = make_outliers(*digits, 1000, torch.Generator().manual_seed(2)).float() / 255
    assert (outliers.amax((1, 2)) == 1).all()
    top, bottom, left, right = bounding_box(outliers)
    longer = torch.maximum(bottom - top, right - left)
    # Drawings with a centre of mass far from the centre of their bounding box may be cut off.
    assert longer.median() == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_drawings_of_a_kind_differ(kind, digits):
    images, labels = digits
    pairs = torch.randint(len(images), (40, 2), generator=torch.Generator().manual_seed(0))
    drawings = KINDS[kind][1](images[pairs], labels[pairs], torch.Generator().manual_seed(1))
    assert drawings.shape == (40, 56, 56)
    assert drawings.min() >= 0 and drawings.amax((1, 2)).min() > 0.9 and drawings.max() <= 1
    assert len(drawings.round(decimals=2).flatten(1).unique(dim=0)) >= 39


def test_probabilities_sum_to_1_and_the_label_is_no_digits():
    assert sum(probability for probability, _ in KINDS) == pytest.approx(1)
    assert NON_DIGIT not in range(10)


def test_rotated_0_and_8_are_overlaid_with_another_digit(digits):
    make = next(make for _, make in KINDS if make.__name__ == "_rotated_or_mirrored")
    images, labels = digits
    symmetric = torch.isin(labels, torch.tensor([0, 8])).nonzero().squeeze(1)
    pairs = torch.stack([symmetric, symmetric.flip(0)], dim=1)
    drawings = make(images[pairs], labels[pairs], torch.Generator().manual_seed(0))
    alone = torch.nn.functional.interpolate(images[symmetric][:, None] / 255, size=(56, 56), mode="bilinear")[:, 0]
    # Neither rotation nor a mirror makes a non-digit of them.
    assert (drawings.sum((1, 2)) > 1.1 * alone.sum((1, 2))).all()
