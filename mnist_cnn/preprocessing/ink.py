"""Ink on an even ground: how much of it each pixel of a drawing or an image has."""

import numpy as np
from PIL import Image, ImageOps

from .photo import has_uneven_background, segment_ink

# Ink fainter than this share of full contrast is not told apart from an empty page.
_MIN_CONTRAST = 0.05
# How many times the paper's own unevenness a pixel must differ from the paper to count as ink.
_NOISE_FACTOR = 6.0
# Pixels; a picture file whose longer side is twice that or more is averaged down to less than twice that.
_LARGEST = 800


class BlankSketchError(ValueError):
    """The sketch has no ink on it, so there is no digit to read."""


def to_pixels(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """A sketch as numbers: takes and raises what `preprocess_with_stages` does, but for `BlankSketchError`.

    Returns:
        float64 (H, W, C) in 0 to 1, colours multiplied by their alpha where there is one.
    """
    if isinstance(sketch, Image.Image):
        sketch = ImageOps.exif_transpose(sketch)  # phones store a turned photo with a note to turn it
        if not (sketch.mode in ("L", "1") or sketch.mode.startswith("I;16")):
            sketch = sketch.convert("RGBA")
            # A phone's photo has more pixels than a digit needs: they would take seconds and hundreds of megabytes.
            sketch = sketch.reduce(max(1, max(sketch.size) // _LARGEST))
        sketch = np.asarray(sketch)
    if not isinstance(sketch, np.ndarray) or sketch.dtype.kind not in "buf":
        raise TypeError(f"A sketch is a PIL image or an array of uint8 or of floats, not {_kind(sketch)}.")
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
    """How much ink each pixel of a picture has, exactly 0 where there is none: the first step.

    The background is the median colour of the picture's border. A pixel that an ink of any colour covers by a share
    a is away from it by a times the ink's own distance, whether the paper is opaque or transparent (alpha counts as
    a fourth channel), so the result is the pen's coverage up to a factor. A photo whose paper is not even along the
    border is left to `segment_ink`.

    Args:
        pixels: float64 (H, W, C), 0 to 1, as `to_pixels` gives them.

    Returns:
        float64 (H, W) in 0 to 1; of a photo of uneven paper, (h, w), which is no larger.

    Raises:
        BlankSketchError: nothing is drawn.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (P, C)
    paper = np.median(border, axis=0)  # (C,)
    # Zero for a drawing on a clean canvas; above it for a camera's or a JPEG's noise.
    noise = _NOISE_FACTOR * np.median(np.abs(border - paper).max(axis=1))
    opaque = pixels.shape[2] < 4 or pixels[:, :, 3].min() == 1
    if opaque and has_uneven_background(border, noise):
        ink = segment_ink(pixels[:, :, :3])
        blank = not ink.any()
    else:
        ink = np.abs(pixels - paper).max(axis=2)  # (H, W)
        blank = ink.max() <= max(noise, _MIN_CONTRAST)
        ink = np.where(ink > noise, ink, 0.0)
    if blank:
        raise BlankSketchError("The sketch is blank: nothing stands out from its background. Draw a digit first.")
    return ink


def _kind(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"
