import numpy as np
import pytest

from mnist_cnn.preprocessing import preprocess_with_stages, sketch_to_mnist
from mnist_cnn.preprocessing.mnist_format import center, crop, resize_to_20x20
from tests.support.digits import DIGITS
from tests.support.strokes import render


def test_crop_is_the_bounding_box_of_the_ink():
    ink = np.zeros((9, 11))
    ink[2, 5] = ink[6, 4] = 0.01
    assert crop(ink).shape == (5, 2)
    assert (crop(ink) == ink[2:7, 4:6]).all()


@pytest.mark.parametrize(("shape", "rows", "columns"), [((40, 40), 20, 20), ((60, 15), 20, 5), ((7, 70), 2, 20)])
def test_resized_digit_keeps_its_aspect_ratio_and_is_centred(shape, rows, columns):
    digit = resize_to_20x20(np.full(shape, 0.3))
    assert digit.dtype == np.uint8 and digit.shape == (20, 20)
    top, left = (20 - rows) // 2, (20 - columns) // 2
    expected = np.zeros((20, 20), np.uint8)
    expected[top : top + rows, left : left + columns] = 255
    assert (digit == expected).all()


def test_resizing_averages_areas():
    random = np.random.default_rng(0)
    digit = random.random((60, 60))
    digit[:3, :3] = 1  # the maximum, which becomes 255
    expected = digit.reshape(20, 3, 20, 3).mean(axis=(1, 3)) * 255
    assert np.abs(resize_to_20x20(digit) - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("row", "column", "top", "left"), [(10, 10, 4, 4), (9, 12, 5, 2), (0, 19, 8, 0), (6, 10, 8, 4)]
)
def test_centre_of_mass_moves_to_pixel_14_as_far_as_the_image_reaches(row, column, top, left):
    digit = np.zeros((20, 20), np.uint8)
    digit[row, column] = 255
    image = center(digit)
    assert image.shape == (28, 28)
    assert np.argwhere(image).tolist() == [[top + row, left + column]]


def test_stages_lead_to_the_image():
    sketch = render(DIGITS[3])
    stages = preprocess_with_stages(sketch)
    assert stages.ink.shape == (280, 280)
    assert stages.cropped.dtype == np.float64 and stages.cropped.max() == 1
    assert (stages.resized == resize_to_20x20(stages.cropped)).all()
    assert (stages.image == center(stages.resized)).all()
    assert (stages.image == sketch_to_mnist(sketch)).all()
