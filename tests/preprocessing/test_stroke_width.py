import numpy as np
import pytest

from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.stroke_width import normalize_stroke_width
from tests.support.digits import DIGITS
from tests.support.strokes import place, render


def ink_of(strokes, **how):
    alpha = np.asarray(render(strokes, **how))[..., 3] / 255
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("width", [5, 10, 20, 40])
def test_a_stroke_gets_mnists_width_whatever_pen_drew_it(width):
    evened = normalize_stroke_width(ink_of([[(0.5, 0.15), (0.5, 0.85)]], side=400, width=width))
    assert evened.max() == 1
    # In pixels of 20, measured across the middle of an upright stroke. It is a little more than the 2.1 aimed at: a
    # stroke's round ends have edges too.
    assert 2.1 <= evened[len(evened) // 2].sum() / len(evened) * 20 <= 2.4


@pytest.mark.parametrize("digit", DIGITS)
def test_digits_look_alike_whatever_pen_drew_them(digit):
    images = [sketch_to_mnist(render(place(DIGITS[digit]), width=width)).astype(float) for width in (8, 16, 24, 34)]
    for image in images:
        # The centre of mass may round to another pixel.
        shifted = [np.roll(image, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        assert min(np.abs(other - images[1]).sum() for other in shifted) < 0.22 * images[1].sum()


def test_ink_that_cannot_be_evened_stays_as_it_is():
    fine = ink_of([[(0.2, 0.2), (0.8, 0.8)]], side=280, width=2)
    dot = ink_of([[(0.5, 0.5)]], width=60)
    random = np.random.default_rng(0)
    soft = random.random((7, 7)).repeat(10, axis=0).repeat(10, axis=1)  # few large pixels of grey, as MNIST enlarged
    for ink in (fine, dot, soft):
        assert normalize_stroke_width(ink) is ink


def test_no_stroke_is_lost_beside_much_wider_ones():
    wide = np.asarray(render([[(0.3, 0.3), (0.3, 0.7)], [(0.5, 0.3), (0.5, 0.7)]], width=50))[..., 3] / 255
    fine = np.asarray(render([[(0.6, 0.3), (0.9, 0.7)]], width=5))[..., 3] / 255
    both = np.maximum(wide, fine)
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    both = both[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert normalize_stroke_width(both) is both


def test_faint_ink_is_evened_as_full_ink_is():
    ink = ink_of(DIGITS[5], width=30)
    np.testing.assert_allclose(normalize_stroke_width(ink * 0.3), normalize_stroke_width(ink), atol=1e-6)


def test_distances_are_those_of_all_pairs():
    mask = np.random.default_rng(1).random((23, 31)) < 0.03
    everywhere, there = np.indices(mask.shape).reshape(2, -1).T, np.argwhere(mask)
    expected = np.sqrt(((everywhere[:, None] - there) ** 2).sum(axis=2)).min(axis=1).reshape(mask.shape)
    reach = 5.5
    found = pen._distance(mask, reach)
    near = expected <= reach
    assert near.any() and not near.all()
    np.testing.assert_allclose(found[near], expected[near])
    assert (found[~near] > reach).all()
