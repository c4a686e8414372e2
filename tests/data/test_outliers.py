import pytest
import torch

from mnist_cnn.data.drawing import bounding_box
from mnist_cnn.data.outliers import KINDS, NON_DIGIT, make_outliers
from tests.support.handwriting import handwriting


@pytest.fixture(scope="module")
def digits():
    images, labels = handwriting(100, seed=0)
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def test_makes_as_many_as_asked_for_and_the_seed_decides(digits):
    first, again, other = (make_outliers(*digits, 700, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8 and first.shape == (700, 28, 28)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_fit_mnists_frame_and_are_never_blank(digits):
    count = make_outliers(*digits, 1000, torch.Generator().manual_seed(2)).float() / 255
    assert (count.amax((1, 2)) == 1).all()
    top, bottom, left, right = bounding_box(count)
    longer = torch.maximum(bottom - top, right - left)
    # Those whose mass is far from their middle may reach over the edge.
    assert longer.median() == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_every_kind_varies(kind, digits):
    images, labels = digits
    pairs = torch.randint(len(images), (40, 2), generator=torch.Generator().manual_seed(0))
    ink = KINDS[kind][1](images[pairs], labels[pairs], torch.Generator().manual_seed(1))
    assert ink.shape == (40, 56, 56)
    assert ink.min() >= 0 and ink.amax((1, 2)).min() > 0.9 and ink.max() <= 1
    assert len(ink.round(decimals=2).flatten(1).unique(dim=0)) >= 39


def test_shares_add_up_and_the_label_is_no_digits():
    assert sum(share for share, _ in KINDS) == pytest.approx(1)
    assert NON_DIGIT not in range(10)


def test_a_mirrored_or_turned_digit_is_never_shown_upright(digits):
    turned = next(make for _, make in KINDS if make.__name__ == "_turned")
    images, labels = digits
    symmetric = torch.isin(labels, torch.tensor([0, 8])).nonzero().squeeze(1)
    pairs = torch.stack([symmetric, symmetric.flip(0)], dim=1)
    ink = turned(images[pairs], labels[pairs], torch.Generator().manual_seed(0))
    alone = torch.nn.functional.interpolate(images[symmetric][:, None] / 255, size=(56, 56), mode="bilinear")[:, 0]
    # A 0 or an 8 stays one however it is turned, so another digit lies across it.
    assert (ink.sum((1, 2)) > 1.1 * alone.sum((1, 2))).all()
