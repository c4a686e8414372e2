"""Arrays as small pictures that a page can hold."""

import base64
import io

import numpy as np
from PIL import Image


def png_url(picture: np.ndarray, largest: int | None = None) -> str:
    """A grey picture (H, W) of 0 to 255 as a PNG data URL.

    Args:
        picture: what to show.
        largest: pixels; the picture is made smaller where a side is longer.
    """
    image = Image.fromarray(picture.astype(np.uint8))
    if largest and max(image.size) > largest:
        image.thumbnail((largest, largest), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def tiled(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (N, H, W) of 0 to 255 side by side in rows of `columns`, a dark grey line between them, uint8 (·, ·)."""
    number, height, width = pictures.shape
    rows = -(-number // columns)
    sheet = np.full((rows * columns, height + 1, width + 1), 64, np.uint8)
    sheet[:number, :height, :width] = pictures
    sheet = sheet.reshape(rows, columns, height + 1, width + 1).swapaxes(1, 2)
    return sheet.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]
