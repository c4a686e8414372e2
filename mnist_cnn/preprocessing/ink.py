"""Extract the ink of a drawing or an image: how much of each pixel the pen covers.

The steps are the same for every source: estimate the background and how much each pixel differs from it; remove ruled
lines; select the components that belong to the digit; and map contrast to coverage by a ramp up to the level of the
digit's own ink, so that a pencil, a felt pen and a brush give the same.

Drawings and MNIST's digits have no noise: their contrast is the coverage, up to a factor, and is kept as it is. In a
file from a camera, a scanner or a JPEG encoder, contrast far below the level of the ink is noise.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from .components import find_rules, select_digit
from .photo import MAX_SIDE, has_uneven_background, paper_contrast, resize

_MIN_CONTRAST = 0.05  # fraction of full contrast; fainter ink is not distinguished from a blank page
_MIN_CONTRAST_ON_PAPER = 0.12  # the same for unevenly lit paper, as a fraction of its brightness
_MIN_VISIBLE = 0.015  # what differs less from the background is not even called faint
# The strongest ink must exceed this many times the deviation of the background.
_NOISE_FACTOR = 8.0
# Fraction of the image that is taken as the strongest ink: half of that of a small digit's fine stroke.
_STRONGEST = 0.0005
_WEAK = 0.3  # contrast below this fraction of the strongest is noise, or the edge of ink
# An image is noisy if at least this many weak pixels, and this fraction of them, are local maxima, or if more than this
# fraction of the image is weak. Contrast falls steadily at the edge of ink.
_MIN_MAXIMA, _MIN_MAXIMA_FRACTION, _MAX_WEAK = 20, 0.1, 0.2
_ABOVE_NOISE = (
    0.4  # contrast as a fraction of the strongest, from which a pixel is ink while the ink's level is unknown
)
# Contrast as a fraction of the level of the ink, from which a pixel of a noisy image is covered, and fully covered.
# The strokes of small digits are hardly wider than a pixel, so they are lighter than the ink itself.
_RAMP, _SMALL_RAMP = (0.35, 0.65), (0.3, 0.55)
# If the digit has less than this fraction of all ink, it is a piece of something else.
_MIN_FRACTION = 0.5
_SAME_COLOR = 0.04  # difference up to which colours count as the same
_MIN_PAGE = 0.4  # a colour that covers this fraction of the image is the background's, even within a frame
_ENLARGED = 120  # pixels; small digits with noise are enlarged to this longer side, so that their edges become sharp
_MAX_FILE_SIDE = 800  # pixels; an image file is averaged down until no side is twice as long

_BLANK = "The image is blank: nothing stands out from its background. Draw or photograph one digit."
_FAINT = "The ink is too faint to be told from its background. Use a darker pen, or more light."
_NO_DIGIT = "The image shows lines or a texture, but no digit that stands out. Show one digit on plain paper."


class BlankSketchError(ValueError):
    """The image has no ink that could be a digit; the message says why, and what to do."""


@dataclass(frozen=True)
class Contrast:
    """How much the pixels of an image differ from its background.

    Attributes:
        values: float (H, W), 0 to 1, without ruled lines; smaller than a large photo.
        level: contrast of the strongest ink, whatever a few pixels have.
        has_noise: whether the image comes from a camera, a scanner or a JPEG encoder, not from a drawing program.
    """

    values: np.ndarray
    level: float
    has_noise: bool

    def above_noise(self) -> np.ndarray:
        """Where the image has ink, or what might be ink: bool (H, W)."""
        is_above: np.ndarray = self.values > (_ABOVE_NOISE * self.level if self.has_noise else 0)
        return is_above


def to_pixels(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """Convert a drawing or an image to an array of floats.

    Args:
        sketch: as for `preprocess_with_stages`.

    Returns:
        float64 (H, W, C) in 0 to 1; with an alpha channel, the colours are premultiplied. Channels that say nothing
        new are left out: alpha of an opaque image, black under alpha, and two of three equal colours.

    Raises:
        TypeError, ValueError: as `preprocess_with_stages`.
    """
    if isinstance(sketch, Image.Image):
        sketch = ImageOps.exif_transpose(sketch)  # phones store the orientation beside the pixels
        if not (sketch.mode in ("L", "1") or sketch.mode.startswith("I;16")):
            sketch = sketch.convert("RGBA")
            # A phone's photo has more pixels than a digit needs; they would cost seconds and hundreds of megabytes.
            sketch = sketch.reduce(max(1, max(sketch.size) // _MAX_FILE_SIDE))
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
    if sketch.shape[2] == 4:
        if not sketch[:, :, :3].any() and sketch[:, :, 3].any():
            sketch = sketch[:, :, 3:]
        elif (sketch[:, :, 3] == full_scale).all():
            sketch = sketch[:, :, :3]
    if sketch.shape[2] == 3 and (sketch[:, :, 1:] == sketch[:, :, :1]).all():
        sketch = sketch[:, :, :1]
    pixels = sketch.astype(np.float64) / full_scale  # (H, W, C)
    if pixels.shape[2] == 4:
        pixels[:, :, :3] *= pixels[:, :, 3:]
    return pixels


def extract_ink(pixels: np.ndarray) -> np.ndarray:
    """Estimate the ink coverage of each pixel, exactly 0 where there is none.

    A pixel covered by ink of any colour to a fraction a differs from the background by a times the ink's own
    difference, whether the background is opaque or transparent (alpha counts as a fourth channel).

    Args:
        pixels: float64 (H, W, C), 0 to 1, from `to_pixels`.

    Returns:
        float64 (H, W) in 0 to 1, up to a factor if the image has no noise. If it has (h, w), which is no larger than
        800 pixels, and larger than the image if the digit is small.

    Raises:
        BlankSketchError: there is no ink that could be a digit.
    """
    return cover(measure_contrast(pixels))


def measure_contrast(pixels: np.ndarray) -> Contrast:
    """Measure the contrast of an image's ink to its background, the part of `extract_ink` that all ink has in common.

    Args:
        pixels: float64 (H, W, C), 0 to 1, from `to_pixels`.

    Raises:
        BlankSketchError: nothing stands out from the background.
    """
    contrast = np.abs(pixels - _estimate_background(pixels)).max(axis=2)  # (H, W)
    if _has_noise(contrast):
        return _measure_noisy_contrast(contrast, pixels)
    _check_contrast(contrast.max(), 0.0, _MIN_CONTRAST)
    rules = find_rules(contrast > 0)
    if rules.any() and contrast[~rules].any():
        contrast = np.where(rules, 0, contrast)
    return Contrast(contrast, contrast.max(), has_noise=False)


def cover(contrast: Contrast, is_number: bool = False) -> np.ndarray:
    """Select the ink that belongs to the digit, and map its contrast to the coverage that `extract_ink` returns.

    Args:
        contrast: of the image.
        is_number: whether to select the ink of several digits side by side.

    Raises:
        BlankSketchError: there is no ink that could be a digit.
    """
    if contrast.has_noise:
        return _cover_noisy(contrast, is_number)
    return np.where(select_digit(contrast.values, False, is_number), contrast.values, 0.0)


def _estimate_background(pixels: np.ndarray) -> np.ndarray:
    """The colour (C,) along the sides, unless they are a frame around a page of another colour."""
    step = -(-max(pixels.shape) // 200)
    sample = pixels[::step, ::step].reshape(-1, pixels.shape[2])  # (P, C)
    color = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0)
    is_background = _is_color(sample, color)
    if is_background.mean() < 0.5:
        bins = np.rint(sample * 31) @ 32 ** np.arange(sample.shape[1])  # (P,), equal for similar colours
        values, counts = np.unique(bins, return_counts=True)
        frequent = np.median(sample[bins == values[counts.argmax()]], axis=0)
        color = frequent if _is_color(sample, frequent).mean() > _MIN_PAGE else color
        is_background = _is_color(sample, color)
    if 2 * np.count_nonzero((sample == color).all(axis=1)) > np.count_nonzero(is_background):
        return color  # the median, as that of a drawing nearly always is
    # The sides of an off-white page may be white.
    return np.median(sample[is_background], axis=0) if is_background.any() else color


def _is_color(sample: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Whether pixels (P, C) have about a colour (C,), bool (P,)."""
    is_color: np.ndarray = np.abs(sample - color).max(axis=1) < _SAME_COLOR
    return is_color


def _has_noise(contrast: np.ndarray) -> bool:
    """Whether an image comes from a camera, a scanner or a JPEG encoder, not from a drawing program."""
    width = contrast.shape[1] + 2
    pixels = np.pad(contrast, 1).ravel()
    weak = np.flatnonzero((pixels > 0) & (pixels < _WEAK * _strongest(contrast)))  # few in a drawing
    if len(weak) > _MAX_WEAK * contrast.size:
        return True
    level = pixels[weak]
    is_maximum = (level > pixels[weak - 1]) & (level > pixels[weak + 1])
    is_maximum |= (level > pixels[weak - width]) & (level > pixels[weak + width])
    return bool(np.count_nonzero(is_maximum) >= max(_MIN_MAXIMA, _MIN_MAXIMA_FRACTION * len(weak)))


def _strongest(contrast: np.ndarray) -> float:
    """Contrast that the strongest ink has, whatever a few pixels have."""
    rank = max(3, int(_STRONGEST * contrast.size))
    positive = contrast[contrast > 0]
    return float(np.partition(positive, -rank)[-rank]) if len(positive) >= rank else 0.0


def _check_contrast(strongest: float, noise: float, min_contrast: float) -> None:
    """Raise `BlankSketchError` unless the strongest contrast exceeds both."""
    if strongest <= max(noise, _MIN_VISIBLE):
        raise BlankSketchError(_BLANK)
    if strongest <= min_contrast:
        raise BlankSketchError(_FAINT)


def _measure_noisy_contrast(contrast: np.ndarray, pixels: np.ndarray) -> Contrast:
    """`measure_contrast` of an image with noise, whose contrast (H, W) to an even background is known."""
    contrast, min_contrast = resize(contrast.astype(np.float32), MAX_SIDE), _MIN_CONTRAST
    is_transparent = pixels.shape[2] == 4
    if not is_transparent and has_uneven_background(contrast, _strongest(contrast)):
        contrast, min_contrast = paper_contrast(pixels), _MIN_CONTRAST_ON_PAPER
    # Twice the first quartile is about the median, but still that of the background if ink covers half of the image.
    noise = _NOISE_FACTOR * 2 * float(np.quantile(np.abs(contrast), 0.25))
    for _ in range(4):  # rules may be darker than the ink, and others fainter than these
        level = _strongest(contrast)
        _check_contrast(level, noise, min_contrast)
        rules = find_rules(contrast > _ABOVE_NOISE * level)
        if not rules.any():
            break
        contrast = np.where(_dilate(rules), 0, contrast)
    return Contrast(contrast, level, has_noise=True)


def _cover_noisy(measured: Contrast, is_number: bool) -> np.ndarray:
    """`cover` of an image with noise."""
    contrast = measured.values  # (H, W)
    digit = select_digit(np.where(measured.above_noise(), contrast, 0), True, is_number)
    level = float(np.median(contrast[digit])) if digit.any() else measured.level
    sides = [np.ptp(positions) + 1 for positions in np.nonzero(digit)] if digit.any() else [1]
    extent = sides[0] if is_number else max(sides)  # of one digit
    scale = max(1, min(-(-_ENLARGED // extent), MAX_SIDE // max(contrast.shape)))
    start, end = _RAMP if scale == 1 else _SMALL_RAMP
    ink = np.where(contrast > start * level, contrast, 0)
    digit = select_digit(ink, True, is_number)
    if not digit.any() or ink[digit].sum() < _MIN_FRACTION * ink.sum():
        raise BlankSketchError(_NO_DIGIT)
    contrast = np.where(_dilate(digit), contrast, 0)
    size = [length * scale for length in contrast.shape[::-1]]
    contrast = np.asarray(Image.fromarray(contrast).resize(size, Image.Resampling.BICUBIC))
    return np.clip((contrast.astype(np.float64) / level - start) / (end - start), 0, 1)


def _dilate(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) and the pixels next to it."""
    for axis in (0, 1):
        padded = np.pad(mask, [(1, 1) if axis == other else (0, 0) for other in (0, 1)])
        length = mask.shape[axis]
        mask = np.logical_or.reduce([padded.take(range(shift, shift + length), axis) for shift in range(3)])
    return mask


def _describe(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"
