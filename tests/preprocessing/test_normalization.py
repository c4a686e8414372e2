import numpy as np
import pytest
import torch
from PIL import Image

from mnist_cnn.preprocessing import denormalize, normalize
from mnist_cnn.preprocessing.normalization import deslant, moment_normalize

TARGET_STD = 3.8, 3.2


def slanted_stroke(slant: float, thickness: float = 2.0) -> np.ndarray:
    """A blurred stroke from top to bottom that moves `slant` pixels to the left per pixel down: uint8 (28, 28)."""
    y, x = np.mgrid[:28, :28].astype(float)
    distance = np.abs(x - 13.5 + slant * (y - 13.5))
    ink = np.clip(thickness - distance, 0, 1) * ((y > 4) & (y < 23))
    return np.rint(255 * ink).astype(np.uint8)


def ellipse(height: float, width: float, y: float = 14.0, x: float = 14.0) -> np.ndarray:
    """A blurred ellipse with semi-axes `height` and `width`, in pixels, about (x, y): uint8 (28, 28)."""
    rows, columns = np.mgrid[:28, :28].astype(float)
    ink = np.clip(4 - 4 * np.hypot((rows - y) / height, (columns - x) / width), 0, 1)
    return np.rint(255 * ink).astype(np.uint8)


def slope(image: np.ndarray) -> float:
    """How far the ink moves sideways per pixel down, by least squares."""
    y, x = np.nonzero(image)
    return np.polyfit(y, x, 1, w=np.sqrt(image[y, x].astype(float)))[0]


def moments(image: np.ndarray) -> tuple[float, float, float, float]:
    """Mean and standard deviation of the ink's position: vertical and horizontal mean, then both deviations."""
    axes = np.indices(image.shape)
    means = [np.average(axis, weights=image) for axis in axes]
    variances = [np.average((axis - mean) ** 2, weights=image) for axis, mean in zip(axes, means, strict=True)]
    return *means, *np.sqrt(variances)


def transform_with_pillow(image: np.ndarray, matrix: tuple[float, ...]) -> np.ndarray:
    """`image` under an affine map from the result's coordinates to the source's, which count from pixels' corners."""
    picture = Image.fromarray(image.astype(np.float32))
    return np.asarray(picture.transform((28, 28), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def deslanted(image: np.ndarray) -> np.ndarray:
    return deslant(torch.from_numpy(image[None]))[0].numpy()


def moment_normalized(image: np.ndarray) -> np.ndarray:
    return moment_normalize(torch.from_numpy(image[None]), TARGET_STD)[0].numpy()


@pytest.mark.parametrize("slant", [-0.8, -0.3, 0.0, 0.15, 0.6])
def test_deslanted_stroke_is_upright(slant):
    image = slanted_stroke(slant)
    result = deslanted(image)
    assert abs(slope(image) + slant) < 0.02
    assert abs(slope(result)) < 0.02
    assert result.mean() == pytest.approx(image.mean(), rel=0.02)


def test_deslant_matches_pillows_shear():
    random = np.random.default_rng(0)
    images = np.stack([slanted_stroke(slant, random.uniform(1.5, 4)) for slant in random.uniform(-0.6, 0.6, 300)])
    # An asymmetric blot beside the stroke; away from the border, which Pillow samples differently.
    images[:, 8:14, 8:12] = np.maximum(images[:, 8:14, 8:12], random.integers(0, 255, (300, 6, 4)).astype(np.uint8))
    for image, result in zip(images, deslant(torch.from_numpy(images)).numpy(), strict=True):
        a, mean_y = slope(image), moments(image)[0]
        expected = transform_with_pillow(image, (1, a, -a * (mean_y + 0.5), 0, 1, 0))
        assert np.abs(result - expected).max() <= 1.5


def test_deslant_leaves_upright_and_blank_images_unchanged():
    images = torch.from_numpy(np.stack([slanted_stroke(0.0), np.zeros((28, 28), np.uint8)]))
    assert deslant(images).equal(images)


def test_deslant_shears_by_45_degrees_at_most():
    image = np.zeros((28, 28), np.uint8)
    image[12:14, 4:14] = image[14:16, 14:24] = 255  # a nearly horizontal dash: its slope is far above 1
    row = deslanted(image)[12].astype(float)
    assert row @ np.arange(28) / row.sum() == pytest.approx(8.5 + 1.5, abs=0.1)


def test_deslant_adds_no_ink_at_the_border():
    image = slanted_stroke(-1.0)
    image[:, :2] = 0
    image[20:23, 0] = 255
    assert deslanted(image).astype(int).sum() <= image.sum() + 28  # at most what rounding adds


@pytest.mark.parametrize("axes", [(11, 8), (9, 10), (7, 7), (10, 5.5)])
def test_moment_normalized_ink_is_centred_with_the_target_deviations(axes):
    image = ellipse(*axes, y=13.0, x=15.0)
    assert moments(moment_normalized(image)) == pytest.approx((13.5, 13.5, *TARGET_STD), abs=0.15)


def test_moment_normalize_matches_pillows_scaling():
    random = np.random.default_rng(0)
    image = ellipse(10, 8)
    image[8:20, 8:20] = random.integers(0, 256, (12, 12))
    mean_y, mean_x, std_y, std_x = moments(image)
    y_step, x_step = std_y / TARGET_STD[0], std_x / TARGET_STD[1]  # pixels of the source per pixel of the result
    expected = transform_with_pillow(
        image, (x_step, 0, mean_x + 0.5 - 14 * x_step, 0, y_step, mean_y + 0.5 - 14 * y_step)
    )
    assert np.abs(moment_normalized(image) - expected).max() <= 1


def test_moment_normalize_keeps_narrow_ink_narrower():
    stick, dash = (moments(moment_normalized(ellipse(*axes)))[2:] for axes in ((10, 2), (2, 10)))
    assert stick[1] < 2 < stick[0]
    assert dash[0] < 2 < dash[1]


def test_moment_normalize_accepts_blank_images_and_single_pixels():
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[1, 20, 3] = 200
    blank, pixel = moment_normalize(images, TARGET_STD)
    assert not blank.any()
    assert pixel.any()


@pytest.mark.parametrize("target_std", [None, TARGET_STD])
def test_normalized_image_does_not_depend_on_its_batch(target_std):
    images = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    assert normalize(images, target_std)[200:].equal(normalize(images[200:], target_std))
    assert normalize(images[:0], target_std).shape == (0, 1, 28, 28)


def test_denormalize_returns_the_deslanted_and_resized_images():
    images = torch.from_numpy(np.stack([slanted_stroke(0.3), ellipse(9, 6)]))
    assert denormalize(normalize(images)).equal(deslant(images))
    assert denormalize(normalize(images, TARGET_STD)).equal(moment_normalize(deslant(images), TARGET_STD))
