import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.ui.images import png_url, tiled

RANDOM = np.random.default_rng(0)


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,")))))


def test_a_picture_comes_back_as_it_was():
    picture = RANDOM.integers(0, 256, (20, 30)).astype(np.float64)
    assert (pixels(png_url(picture)) == picture).all()
    assert (pixels(png_url(picture, largest=30)) == picture).all()


def test_a_large_picture_is_averaged_down():
    picture = RANDOM.integers(0, 256, (40, 80))
    expected = picture.reshape(10, 4, 20, 4).mean(axis=(1, 3))
    assert pixels(png_url(picture, largest=20)) == pytest.approx(expected, abs=2)  # rounded twice


@pytest.mark.parametrize(("number", "rows"), [(1, 1), (4, 1), (6, 2), (8, 2)])
def test_tiles_keep_each_picture_in_its_place(number, rows):
    pictures = RANDOM.integers(0, 256, (number, 5, 7)).astype(np.uint8)
    sheet = tiled(pictures, columns=4)
    assert sheet.shape == (rows * 6 - 1, 4 * 8 - 1)
    for index, picture in enumerate(pictures):
        top, left = index // 4 * 6, index % 4 * 8
        assert (sheet[top : top + 5, left : left + 7] == picture).all()
        sheet[top : top + 5, left : left + 7] = 64
    assert (sheet == 64).all()
