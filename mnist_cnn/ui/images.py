"""Arrays as small images that a page can hold."""

import base64
import io

import numpy as np
from PIL import Image


def png_url(pixels: np.ndarray, max_side: int | None = None, as_alpha: bool = False) -> str:
    """A greyscale image as a PNG data URL.

    Args:
        pixels: (H, W), 0 to 255.
        max_side: in pixels; a larger image is scaled down.
        as_alpha: whether the image is white, and the pixels are its alpha channel.
    """
    image = Image.fromarray(pixels.astype(np.uint8))
    if max_side and max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.BOX)
    if as_alpha:
        image = Image.merge("LA", (Image.new("L", image.size, 255), image))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Arrange images in rows of `columns`, with a dark grey line between them.

    Args:
        images: (N, H, W), 0 to 255.
        columns: images per row; the last row may have fewer.

    Returns:
        uint8 (rows · (H + 1) - 1, columns · (W + 1) - 1).
    """
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height + 1, width + 1), 64, np.uint8)
    sheet[:count, :height, :width] = images
    sheet = sheet.reshape(rows, columns, height + 1, width + 1).swapaxes(1, 2)
    return sheet.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]
