"""Extract the ink of a drawing or an image on an even background."""

import numpy as np
from PIL import Image, ImageOps

from .photo import has_uneven_background, segment_ink

# Ink fainter than this fraction of full contrast is not distinguished from a blank page.
_MIN_CONTRAST = 0.05
# A pixel is ink if it differs from the background by more than this many times the noise of the background.
_NOISE_FACTOR = 6.0
# Pixels; an image whose longer side is at least twice this is averaged down to less than twice this.
_MAX_SIDE = 800


class BlankSketchError(ValueError):
    """The image has no ink, so there is no digit to recognise."""


def to_pixels(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """Convert a drawing or an image to an array of floats.

    Args:
        sketch: as for `preprocess_with_stages`.

    Returns:
        float64 (H, W, C) in 0 to 1; with an alpha channel, the colours are premultiplied.

    Raises:
        TypeError, ValueError: as `preprocess_with_stages`.
    """
    if isinstance(sketch, Image.Image):
        sketch = ImageOps.exif_transpose(sketch)  # phones store the orientation beside the pixels
        if not (sketch.mode in ("L", "1") or sketch.mode.startswith("I;16")):
            sketch = sketch.convert("RGBA")
            # A phone's photo has more pixels than a digit needs; they would cost seconds and hundreds of megabytes.
            sketch = sketch.reduce(max(1, max(sketch.size) // _MAX_SIDE))
        sketch = np.asarray(sketch)
    if not isinstance(sketch, np.ndarray) or sketch.dtype.kind not in "buf":
        raise TypeError(f"A sketch is a PIL image or an array of uint8 or of floats, not {_describe(sketch)}.")
    if sketch.ndim == 2:
        sketch = sketch[:, :, None]
    if sketch.ndim != 3 or sketch.shape[2] not in (1, 3, 4) or 0 in sketch.shape:
        raise ValueError(f"A sketch has the shape (H, W), (H, W, 3) or (H, W, 4), not {sketch.shape}.")
    if sketch.dtype.kind == "f" and not np.isfinite(sketch).all():
        raise ValueError("The sketch holds values that are not finite numbers (NaN or infinity).")
    if sketch.dtype.kind == "f" and not 0 <= sketch.min() <= sketch.max() <= 255:
        raise ValueError("The sketch holds values outside 0 to 1 and outside 0 to 255. Scale them to one of the two.")

    if sketch.dtype.kind == "u":
        full_scale = float(np.iinfo(sketch.dtype).max)
    elif sketch.dtype.kind == "f" and sketch.max() > 1:
        full_scale = 255.0
    else:
        full_scale = 1.0
    pixels = sketch.astype(np.float64) / full_scale  # (H, W, C)
    if pixels.shape[2] == 4:
        pixels[:, :, :3] *= pixels[:, :, 3:]
    return pixels


def extract_ink(pixels: np.ndarray) -> np.ndarray:
    """Estimate the ink coverage of each pixel, exactly 0 on the background.

    The background colour is the median of the image's border. A pixel covered by ink of any colour to a fraction a
    differs from it by a times the ink's own difference, whether the background is opaque or transparent (alpha counts
    as a fourth channel), so the result is the coverage up to a factor. A photo of paper whose brightness varies along
    the border is left to `segment_ink`.

    Args:
        pixels: float64 (H, W, C), 0 to 1, from `to_pixels`.

    Returns:
        float64 (H, W) in 0 to 1; for a photo of uneven paper (h, w), which is no larger.

    Raises:
        BlankSketchError: there is no ink.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (P, C)
    background = np.median(border, axis=0)  # (C,)
    # 0 for a drawing on a clean canvas, above it for a camera's or a JPEG's noise.
    noise = _NOISE_FACTOR * np.median(np.abs(border - background).max(axis=1))
    opaque = pixels.shape[2] < 4 or pixels[:, :, 3].min() == 1
    if opaque and has_uneven_background(border, noise):
        ink = segment_ink(pixels[:, :, :3])
        blank = not ink.any()
    else:
        ink = np.abs(pixels - background).max(axis=2)  # (H, W)
        blank = ink.max() <= max(noise, _MIN_CONTRAST)
        ink = np.where(ink > noise, ink, 0.0)
    if blank:
        raise BlankSketchError("The sketch is blank: nothing stands out from its background. Draw a digit first.")
    return ink


def _describe(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"
