import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.ui.images import png_url, tile

RANDOM = np.random.default_rng(0)


def decode(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))))


def test_small_image_is_encoded_without_loss():
    image = RANDOM.integers(0, 256, (20, 30)).astype(np.float64)
    assert (decode(png_url(image)) == image).all()
    assert (decode(png_url(image, max_side=30)) == image).all()
    assert (decode(png_url(image, as_alpha=True)) == np.stack([np.full_like(image, 255), image], axis=-1)).all()


def test_large_image_is_averaged_down():
    image = RANDOM.integers(0, 256, (40, 80))
    expected = image.reshape(10, 4, 20, 4).mean(axis=(1, 3))
    assert decode(png_url(image, max_side=20)) == pytest.approx(expected, abs=2)  # rounded twice


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (4, 1), (6, 2), (8, 2)])
def test_tiles_are_placed_row_by_row(count, rows):
    images = RANDOM.integers(0, 256, (count, 5, 7)).astype(np.uint8)
    sheet = tile(images, columns=4)
    assert sheet.shape == (rows * 6 - 1, 4 * 8 - 1)
    for index, image in enumerate(images):
        top, left = index // 4 * 6, index % 4 * 8
        assert (sheet[top : top + 5, left : left + 7] == image).all()
        sheet[top : top + 5, left : left + 7] = 64
    assert (sheet == 64).all()
