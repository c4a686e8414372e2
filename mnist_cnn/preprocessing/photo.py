"""Ink on paper that a camera saw: unevenly lit, noisy, perhaps ruled or dusty.

Light multiplies what paper and ink reflect, so ink is told by how much darker it is than the paper around it, as a
share. How bright paper would be under the ink is found by closing (greatest in a window, then least; Serra, "Image
analysis and mathematical morphology", 1982): it fills all that is dark and narrower than the window, as strokes are,
and keeps lamp light, dark corners and the straight edge of a shadow as they are, since those go on to one side.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from .components import label_components

_SIDE = 800  # pixels; the longer side of the picture in which ink is looked for
_COARSE_SIDE = 200  # of the one in which paper is
_WINDOW = 0.18  # of closing, as a share of the longer side: wider than any pen's stroke
# Deviation of the blur against noise, as a share of the longer side; a fine pen's line is six times that.
_BLUR = 0.0015
_BLACK = 1 / 255  # brightness below which there is nothing to compare

# What noise could reach over, were this the noise of even paper, is no noise.
_MOST_NOISE = 0.05
# A camera's picture changes from pixel to pixel; what a computer drew does so at edges alone.
_FEWEST_CHANGES = 0.25

# Ink fainter than this share of the paper's brightness is not told apart from its grain.
_MIN_CONTRAST = 0.12
# How many times the paper's unevenness the strongest ink must be.
_NOISE_FACTOR = 8.0
# The share of the picture that has the strongest ink, at least: a tenth of a small digit.
_STRONGEST = 0.001
# What has less than the first of the strongest ink's contrast is none, as printed rules; from the second on, all is.
_NONE, _FULL = 0.3, 0.7
# A part of the ink smaller than this share of the largest is dust.
_DUST = 0.05
# So is all of it together where it is smaller than this share of the picture's longer side.
_SMALLEST = 0.04
# Where what is left is less than this share of all that was dark, it is a piece of that: of rules on an empty sheet.
_LEAST_LEFT = 0.5


def has_uneven_background(border: np.ndarray, noise: float) -> bool:
    """Whether a picture's border is that of a photo whose paper is not of one brightness.

    Args:
        border: float (P, C), the pixels along the picture's sides, one after the other, 0 to 1.
        noise: how far from the border's median colour a pixel may be without being ink.
    """
    if noise > _MOST_NOISE:
        return True
    # As where a shadow falls over one corner alone.
    beyond = np.abs(border - np.median(border, axis=0)).max(axis=1) > noise
    return beyond.mean() > 0.01 and (np.diff(border, axis=0) != 0).any(axis=1).mean() >= _FEWEST_CHANGES


def segment_ink(pixels: np.ndarray) -> np.ndarray:
    """How much of each pixel of a photo is covered by ink, dark on light paper or light on dark.

    Strokes may be up to 18 % as wide as the picture is long. What runs off the picture is not taken for a digit: it is
    a finger, the sheet's edge, or a printed rule.

    Args:
        pixels: float (H, W, C), grey or coloured, 0 to 1.

    Returns:
        float64 (h, w) in 0 to 1, all 0 where there is no ink; no side is longer than 800 pixels.
    """
    channels = [_resized(channel.astype(np.float32), _SIDE) for channel in np.moveaxis(pixels, 2, 0)]
    picture = _dark_ink(channels)
    picture = _blurred(picture, _BLUR * max(picture.shape))
    coarse = _closed(_resized(picture, _COARSE_SIDE))
    paper = np.asarray(Image.fromarray(coarse).resize(picture.shape[::-1], Image.Resampling.BILINEAR))
    contrast = 1 - picture / paper
    contrast -= np.median(contrast)  # noise makes the closing a little brighter than the paper
    strongest = np.quantile(contrast, 1 - _STRONGEST)
    if strongest <= max(_MIN_CONTRAST, _NOISE_FACTOR * np.median(np.abs(contrast))):
        return np.zeros(contrast.shape)
    cover = np.clip((contrast / strongest - _NONE) / (_FULL - _NONE), 0, 1).astype(np.float64)
    return np.where(_written(cover), cover, 0.0)


def _dark_ink(channels: list[np.ndarray]) -> np.ndarray:
    """The channel in which the ink stands out most, float32 (h, w), turned over where the ink is light on dark.

    Fine detail in the logarithm of brightness is as strong to either side along the edge of a shadow, but ink, which is
    narrow, is to one side of its paper: the mean of the third power tells on which, and in which colour most.
    """
    skews = []
    for channel in channels:
        logarithm = np.log(np.maximum(_resized(channel, _COARSE_SIDE), _BLACK))
        skews.append(((logarithm - _averaged(logarithm)) ** 3).mean())
    best = int(np.argmax(np.abs(skews)))
    channel = np.maximum(channels[best], _BLACK)
    return channel if skews[best] < 0 else 1 / channel


def _written(cover: np.ndarray) -> np.ndarray:
    """Where the ink (h, w) is that of a digit, bool (h, w): not faint, not dust, not something that runs off."""
    parts = label_components(cover > 0)
    number = parts.max() + 1
    amount = np.bincount(parts.ravel(), cover.ravel(), number)
    digit = np.bincount(parts.ravel(), cover.ravel() == 1, number) > 0
    for rest in (0, parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        digit[rest] = False
    if not digit.any():
        return np.zeros(cover.shape, bool)
    digit &= amount >= _DUST * amount[digit].max()
    written = digit[parts]
    longer = max(np.ptp(np.flatnonzero(written.any(axis=across))) + 1 for across in (0, 1))
    is_piece = amount[digit].sum() < _LEAST_LEFT * amount.sum()
    return np.zeros(cover.shape, bool) if is_piece or longer < _SMALLEST * max(cover.shape) else written


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture, float32 (H, W), made smaller by averaging until no side is longer than `side`."""
    image = Image.fromarray(picture)
    scale = min(1, side / max(image.size))
    return np.asarray(image.resize([max(1, round(length * scale)) for length in image.size], Image.Resampling.BOX))


def _blurred(picture: np.ndarray, deviation: float) -> np.ndarray:
    """Pillow's own blur takes no floating point."""
    reach = int(np.ceil(2.5 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(picture.dtype)
    weights /= weights.sum()
    for axis in (0, 1):
        margins = [(reach, reach) if axis == padded else (0, 0) for padded in (0, 1)]
        padded, length = np.pad(picture, margins, mode="edge"), picture.shape[axis]
        picture = sum(weight * padded.take(range(shift, shift + length), axis) for shift, weight in enumerate(weights))
    return picture


def _closed(picture: np.ndarray) -> np.ndarray:
    """Greatest in the window, then least. Were there nothing beyond the sides, corners would be filled."""
    reach = _reach(picture)
    return _in_windows(np.min, _in_windows(np.max, np.pad(picture, 2 * reach, mode="edge"), reach), reach)


def _averaged(picture: np.ndarray) -> np.ndarray:
    reach = _reach(picture)
    return _in_windows(np.mean, np.pad(picture, reach, mode="edge"), reach)


def _reach(picture: np.ndarray) -> int:
    return round(_WINDOW * max(picture.shape) / 2)


def _in_windows(statistic: Callable[..., np.ndarray], padded: np.ndarray, reach: int) -> np.ndarray:
    """A statistic, such as `np.max`, of the square window around each pixel that is `reach` or more from the sides."""
    for axis in (0, 1):
        padded = statistic(sliding_window_view(padded, 2 * reach + 1, axis), axis=-1)
    return padded
