import numpy as np
import pytest

from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.mnist_format import crop
from mnist_cnn.preprocessing.stroke_width import _distance_to, normalize_stroke_width
from tests.support.digits import DIGITS
from tests.support.strokes import place, render


def coverage(strokes, **options):
    return np.asarray(render(strokes, **options))[..., 3] / 255


@pytest.mark.parametrize("width", [5, 10, 20, 40])
def test_stroke_of_any_pen_gets_mnists_width(width):
    ink = crop(coverage([[(0.5, 0.15), (0.5, 0.85)]], side=400, width=width))
    result = normalize_stroke_width(ink)
    assert result.max() == 1
    # In pixels of 20, across the middle of a vertical stroke. A little more than the target of 2.1, since the stroke's
    # round ends have edges too.
    assert 2.1 <= result[len(result) // 2].sum() / len(result) * 20 <= 2.4


@pytest.mark.parametrize("digit", DIGITS)
def test_images_of_a_digit_are_alike_for_all_pens(digit):
    images = [sketch_to_mnist(render(place(DIGITS[digit]), width=width)).astype(float) for width in (8, 16, 24, 34)]
    for image in images:
        # The centre of mass may round to another pixel.
        shifted = [np.roll(image, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert min(np.abs(other - images[1]).sum() for other in shifted) < 0.22 * images[1].sum()


def test_fine_strokes_dots_and_blurred_ink_are_unchanged():
    fine = crop(coverage([[(0.2, 0.2), (0.8, 0.8)]], side=280, width=2))
    dot = crop(coverage([[(0.5, 0.5)]], width=60))
    random = np.random.default_rng(0)
    blurred = random.random((7, 7)).repeat(10, axis=0).repeat(10, axis=1)  # few large grey pixels, as a magnified digit
    y, x = np.mgrid[:400, :400]
    stripes = ((x - y) % 5 < 2).astype(float).repeat(5, axis=0).repeat(5, axis=1)
    for ink in (fine, dot, blurred, stripes):
        assert normalize_stroke_width(ink) is ink


def test_fine_stroke_beside_much_wider_ones_is_not_lost():
    wide = coverage([[(0.3, 0.3), (0.3, 0.7)], [(0.5, 0.3), (0.5, 0.7)]], width=50)
    fine = coverage([[(0.6, 0.3), (0.9, 0.7)]], width=5)
    both = crop(np.maximum(wide, fine))
    assert normalize_stroke_width(both) is both


def test_faint_ink_is_treated_like_full_ink():
    ink = crop(coverage(DIGITS[5], width=30))
    np.testing.assert_allclose(normalize_stroke_width(ink * 0.3), normalize_stroke_width(ink), atol=1e-6)


@pytest.mark.parametrize("reach", [5.5, 40])
def test_distances_match_brute_force(reach):
    mask = np.random.default_rng(1).random((23, 31)) < 0.03
    pixels, nearest = np.indices(mask.shape).reshape(2, -1).T, np.argwhere(mask)
    expected = np.sqrt(((pixels[:, None] - nearest) ** 2).sum(axis=2)).min(axis=1).reshape(mask.shape)
    result = _distance_to(mask, reach)
    near = expected <= reach
    assert near.any() and near.all() == (reach == 40)
    np.testing.assert_allclose(result[near], expected[near])
    assert (result[~near] > reach).all()
