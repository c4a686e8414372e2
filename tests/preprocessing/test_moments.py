import numpy as np
import pytest
import torch
from PIL import Image

from mnist_cnn.preprocessing.moments import moment_normalize

TARGET_STD = 3.8, 3.2


def ellipse(height: float, width: float, top: float = 14.0, left: float = 14.0) -> np.ndarray:
    """A soft ellipse with half axes `height` and `width`, in pixels: uint8 (28, 28)."""
    y, x = np.mgrid[:28, :28].astype(float)
    ink = np.clip(4 - 4 * np.hypot((y - top) / height, (x - left) / width), 0, 1)
    return np.rint(255 * ink).astype(np.uint8)


def moments(image: np.ndarray) -> np.ndarray:
    """Middle and standard deviation of the ink, down and then across."""
    mean = [np.average(axis, weights=image) for axis in np.indices(image.shape)]
    variance = [
        np.average((axis - at) ** 2, weights=image) for axis, at in zip(np.indices(image.shape), mean, strict=True)
    ]
    return np.array([*mean, *np.sqrt(variance)])


def spread(image: np.ndarray) -> np.ndarray:
    return moment_normalize(torch.from_numpy(image[None]), TARGET_STD)[0].numpy()


@pytest.mark.parametrize("axes", [(11, 8), (9, 10), (7, 7), (10, 5.5)])
def test_all_ink_is_spread_alike_about_the_middle(axes):
    image = ellipse(*axes, top=13.0, left=15.0)
    assert moments(spread(image)) == pytest.approx([13.5, 13.5, *TARGET_STD], abs=0.15)


def test_is_pillows_scaling():
    random = np.random.default_rng(0)
    image = ellipse(10, 8)
    image[8:20, 8:20] = random.integers(0, 256, (12, 12))
    top, left, down, across = moments(image)
    high, wide = down / TARGET_STD[0], across / TARGET_STD[1]  # old pixels to a new one
    # Pillow asks for the source of each place, counting from pixels' corners.
    matrix = (wide, 0, left + 0.5 - 14 * wide, 0, high, top + 0.5 - 14 * high)
    picture = Image.fromarray(image.astype(np.float32))
    expected = np.asarray(picture.transform((28, 28), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
    assert np.abs(spread(image) - expected).max() <= 1


def test_narrow_ink_stays_narrower():
    thin, dash = moments(spread(ellipse(10, 2)))[2:], moments(spread(ellipse(2, 10)))[2:]
    assert thin[1] < 2 < thin[0]
    assert dash[0] < 2 < dash[1]


def test_empty_images_stay_empty_and_a_single_pixel_is_no_trouble():
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[1, 20, 3] = 200
    result = moment_normalize(images, TARGET_STD)
    assert not result[0].any()
    assert result[1].any()


def test_takes_batches_of_any_length():
    images = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    assert moment_normalize(images, TARGET_STD)[200:].equal(moment_normalize(images[200:], TARGET_STD))
    assert moment_normalize(images[:0], TARGET_STD).shape == (0, 28, 28)
