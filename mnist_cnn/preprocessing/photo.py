"""Segment the ink in a photo of paper, which may be unevenly lit, noisy, ruled or dusty.

Light multiplies the reflectance of paper and ink alike, so ink is measured by how much darker it is than the paper
around it, as a fraction. The brightness of the paper under the ink is estimated by a morphological closing (a maximum
filter, then a minimum filter; Serra, "Image analysis and mathematical morphology", 1982): it fills whatever is dark and
narrower than the window, as strokes are, and keeps gradients, dark corners and the straight edges of shadows, which
extend beyond the window on one side.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from .components import label_components

_SIDE = 800  # pixels; longer side of the image in which ink is segmented
_COARSE_SIDE = 200  # longer side of the one in which the paper's brightness is estimated
_WINDOW = 0.18  # side of the closing's window, as a fraction of the longer side: wider than any stroke
# Standard deviation of the blur against noise, as a fraction of the longer side; a fine pen's line is six times that.
_BLUR = 0.0015
_MIN_BRIGHTNESS = 1 / 255  # below this a ratio of brightnesses means nothing

# A difference from the background above this is not explained by the noise of even paper.
_MAX_NOISE = 0.05
# A camera's image varies from pixel to pixel, a drawing only at edges: fraction of border pixels unlike the one before.
_MIN_CHANGES = 0.25

# Ink fainter than this fraction of the paper's brightness is not distinguished from the paper's grain.
_MIN_CONTRAST = 0.12
# The strongest ink must exceed this many times the variation of the paper.
_NOISE_FACTOR = 8.0
# Fraction of the image that is taken as the strongest ink: a tenth of a small digit.
_STRONGEST = 0.001
# Contrast, as a fraction of the strongest ink's, up to which a pixel is no ink (as printed rules) and from which it is
# fully covered.
_RAMP_START, _RAMP_END = 0.3, 0.7
# A component with less ink than this fraction of the largest component's is dust.
_DUST = 0.05
# If the longer side of all ink together is less than this fraction of the image's, all of it is dust.
_MIN_SIZE = 0.04
# If the remaining ink is less than this fraction of all that was dark, it is a piece of something else, such as rules.
_MIN_REMAINING = 0.5


def has_uneven_background(border: np.ndarray, noise: float) -> bool:
    """Whether the border of an image is that of a photo of paper whose brightness varies.

    Args:
        border: float (P, C), the pixels along the image's sides in order, 0 to 1.
        noise: largest difference from the border's median colour that is not ink.
    """
    if noise > _MAX_NOISE:
        return True
    # True also where a shadow covers one corner only.
    beyond = np.abs(border - np.median(border, axis=0)).max(axis=1) > noise
    return beyond.mean() > 0.01 and (np.diff(border, axis=0) != 0).any(axis=1).mean() >= _MIN_CHANGES


def segment_ink(pixels: np.ndarray) -> np.ndarray:
    """Estimate the ink coverage of each pixel of a photo, dark ink on light paper or light ink on dark paper.

    Strokes may be up to 18 % as wide as the image is long. Whatever touches a side of the image is removed: a finger,
    the edge of the sheet or a printed rule.

    Args:
        pixels: float (H, W, C), grey or coloured, 0 to 1.

    Returns:
        float64 (h, w) in 0 to 1, all 0 if there is no ink; no side is longer than 800 pixels.
    """
    channels = [_resize(channel.astype(np.float32), _SIDE) for channel in np.moveaxis(pixels, 2, 0)]
    image = _select_channel(channels)
    image = _blur(image, _BLUR * max(image.shape))
    coarse = _close(_resize(image, _COARSE_SIDE))
    paper = np.asarray(Image.fromarray(coarse).resize(image.shape[::-1], Image.Resampling.BILINEAR))
    contrast = 1 - image / paper
    contrast -= np.median(contrast)  # noise makes the closing a little brighter than the paper
    strongest = np.quantile(contrast, 1 - _STRONGEST)
    if strongest <= max(_MIN_CONTRAST, _NOISE_FACTOR * np.median(np.abs(contrast))):
        return np.zeros(contrast.shape)
    coverage = np.clip((contrast / strongest - _RAMP_START) / (_RAMP_END - _RAMP_START), 0, 1).astype(np.float64)
    return np.where(_digit_mask(coverage), coverage, 0.0)


def _select_channel(channels: list[np.ndarray]) -> np.ndarray:
    """The channel in which the ink stands out most, float32 (h, w), inverted if the ink is light on dark.

    Fine detail in the logarithm of brightness is symmetric at the edge of a shadow, but one-sided at ink, which is
    narrow: the sign of its third moment tells dark ink from light, and its size how much the ink stands out.
    """
    skews = []
    for channel in channels:
        logarithm = np.log(np.maximum(_resize(channel, _COARSE_SIDE), _MIN_BRIGHTNESS))
        skews.append(((logarithm - _average(logarithm)) ** 3).mean())
    best = int(np.argmax(np.abs(skews)))
    channel = np.maximum(channels[best], _MIN_BRIGHTNESS)
    return channel if skews[best] < 0 else 1 / channel


def _digit_mask(coverage: np.ndarray) -> np.ndarray:
    """Where the ink (h, w) belongs to a digit, bool (h, w): not to faint marks, dust, or what touches a side."""
    components = label_components(coverage > 0)
    count = components.max() + 1
    amount = np.bincount(components.ravel(), coverage.ravel(), count)
    is_digit = np.bincount(components.ravel(), coverage.ravel() == 1, count) > 0
    for other in (0, components[0], components[-1], components[:, 0], components[:, -1]):
        is_digit[other] = False
    if not is_digit.any():
        return np.zeros(coverage.shape, bool)
    is_digit &= amount >= _DUST * amount[is_digit].max()
    mask = is_digit[components]
    longer = max(np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 for axis in (0, 1))
    is_piece = amount[is_digit].sum() < _MIN_REMAINING * amount.sum()
    return np.zeros(coverage.shape, bool) if is_piece or longer < _MIN_SIZE * max(coverage.shape) else mask


def _resize(image: np.ndarray, side: int) -> np.ndarray:
    """Average a float32 image (H, W) down until no side is longer than `side`."""
    scale = min(1, side / max(image.shape))
    size = [max(1, round(length * scale)) for length in image.shape[::-1]]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; Pillow's own takes no floating-point images."""
    reach = int(np.ceil(2.5 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(image.dtype)
    weights /= weights.sum()
    for axis in (0, 1):
        margins = [(reach, reach) if axis == other else (0, 0) for other in (0, 1)]
        padded, length = np.pad(image, margins, mode="edge"), image.shape[axis]
        image = sum(weight * padded.take(range(shift, shift + length), axis) for shift, weight in enumerate(weights))
    return image


def _close(image: np.ndarray) -> np.ndarray:
    """Morphological closing; without the padding the corners would be filled."""
    reach = _reach(image)
    return _filter(np.min, _filter(np.max, np.pad(image, 2 * reach, mode="edge"), reach), reach)


def _average(image: np.ndarray) -> np.ndarray:
    reach = _reach(image)
    return _filter(np.mean, np.pad(image, reach, mode="edge"), reach)


def _reach(image: np.ndarray) -> int:
    return round(_WINDOW * max(image.shape) / 2)


def _filter(statistic: Callable[..., np.ndarray], padded: np.ndarray, reach: int) -> np.ndarray:
    """A statistic, such as `np.max`, of the square window around each pixel that is `reach` or more from the sides."""
    for axis in (0, 1):
        padded = statistic(sliding_window_view(padded, 2 * reach + 1, axis), axis=-1)
    return padded
