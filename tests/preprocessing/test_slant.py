import numpy as np
import pytest
import torch
from PIL import Image

from mnist_cnn.preprocessing.slant import deslant


def strokes(lean: float, thickness: float = 2.0) -> np.ndarray:
    """A soft stroke from the top to the bottom, whose places are `lean` pixels further left for each pixel down."""
    y, x = np.mgrid[:28, :28].astype(float)
    distance = np.abs(x - 13.5 + lean * (y - 13.5))
    ink = np.clip(thickness - distance, 0, 1) * ((y > 4) & (y < 23))
    return np.rint(255 * ink).astype(np.uint8)


def slope(image: np.ndarray) -> float:
    """How far the ink moves sideways for each pixel down, by least squares."""
    y, x = np.nonzero(image)
    return np.polyfit(y, x, 1, w=np.sqrt(image[y, x].astype(float)))[0]


def by_pillow(image: np.ndarray) -> np.ndarray:
    """The same by another way: the slope as above, the shear by Pillow."""
    y, x = np.nonzero(image)
    middle = np.average(y, weights=image[y, x])
    # Pillow asks for the source of each place, counting from pixels' corners.
    a = slope(image)
    matrix = (1, a, -a * (middle + 0.5), 0, 1, 0)
    picture = Image.fromarray(image.astype(np.float32))
    return np.asarray(picture.transform((28, 28), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("lean", [-0.8, -0.3, 0.0, 0.15, 0.6])
def test_leaning_strokes_stand(lean):
    image = strokes(lean)
    sheared = deslant(torch.from_numpy(image[None]))[0].numpy()
    assert abs(slope(image) + lean) < 0.02
    assert abs(slope(sheared)) < 0.02
    assert sheared.mean() == pytest.approx(image.mean(), rel=0.02)


def test_is_pillows_shear():
    random = np.random.default_rng(0)
    images = np.stack([strokes(lean, random.uniform(1.5, 4)) for lean in random.uniform(-0.6, 0.6, 300)])
    # Something beside the stroke, so that digits are not symmetric; off the border, which Pillow samples otherwise.
    images[:, 8:14, 8:12] = np.maximum(images[:, 8:14, 8:12], random.integers(0, 255, (300, 6, 4)).astype(np.uint8))
    sheared = deslant(torch.from_numpy(images)).numpy()
    for image, result in zip(images, sheared, strict=True):
        assert np.abs(result - by_pillow(image)).max() <= 1.5


def test_upright_ink_and_none_stay_as_they_are():
    images = torch.from_numpy(np.stack([strokes(0.0), np.zeros((28, 28), np.uint8)]))
    assert deslant(images).equal(images)


def test_goes_no_further_than_45_degrees():
    flat = np.zeros((28, 28), np.uint8)
    flat[12:14, 4:14] = flat[14:16, 14:24] = 255  # a dash that drops a little: half a pixel or more a row would not do
    row = deslant(torch.from_numpy(flat[None]))[0, 12].numpy().astype(float)
    assert row @ np.arange(28) / row.sum() == pytest.approx(8.5 + 1.5, abs=0.1)


def test_does_not_bring_in_what_is_not_there():
    image = strokes(-1.0)
    image[:, :2] = 0
    image[20:23, 0] = 255
    sheared = deslant(torch.from_numpy(image[None]))
    assert sheared.float().sum() <= image.sum() + 28  # at most what rounding adds


def test_takes_batches_of_any_length():
    images = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    assert deslant(images)[200:].equal(deslant(images[200:]))
    assert deslant(images[:0]).shape == (0, 28, 28)
