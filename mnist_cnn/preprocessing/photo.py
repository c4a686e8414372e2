"""Ink on paper that may be unevenly lit.

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

MAX_SIDE = 800  # pixels; longer side of the image in which ink is found
_COARSE_SIDE = 200  # longer side of the one in which the paper's brightness is estimated
_WINDOW = 0.18  # side of the closing's window, as a fraction of the longer side: wider than any stroke
# Standard deviation of the blur against noise, as a fraction of the longer side; a fine pen's line is six times that.
_BLUR = 0.0015
_MIN_BRIGHTNESS = 1 / 255  # below this a ratio of brightnesses means nothing
_MIN_SKEWNESS = 0.3  # of detail that contains ink; pens have 0.4 to 4, lamps and shadows on blank sheets up to 0.25

_TINY_SIDE = 64  # pixels; longer side of the image in which shaded areas are found
# Contrast of shade as a fraction of the strongest: from the first on it could pass for ink, and below the second it is
# too light to be the ink itself.
_MIN_SHADE, _MAX_SHADE = 0.15, 0.6
_MIN_AREA, _MIN_AT_SIDES = 0.02, 0.1  # fractions of the image and of its sides that are shaded


def has_uneven_background(contrast: np.ndarray, level: float) -> bool:
    """Whether an image has shaded areas: wider than strokes, and lighter than ink or along the sides of the image.

    Args:
        contrast: float32 (H, W), how much each pixel differs from the colour that most of the background has.
        level: the contrast of the strongest ink.
    """
    tiny = resize(contrast, _TINY_SIDE)
    # Most steps are those of noise.
    noise = 3 * float(np.median(np.abs(np.diff(tiny, axis=int(np.argmax(tiny.shape))))))
    reach = round(_WINDOW / 2 * max(tiny.shape))
    shade = tiny > max(noise, _MIN_SHADE * level)
    # Morphological opening: only what contains the whole window remains.
    shade = _filter(np.max, np.pad(_filter(np.min, np.pad(shade, reach, mode="edge"), reach), reach), reach)
    is_light = (shade & (tiny < _MAX_SHADE * level)).mean() > _MIN_AREA
    sides = np.concatenate([shade[0], shade[-1], shade[:, 0], shade[:, -1]])
    return bool(is_light or (shade.mean() > _MIN_AREA and sides.mean() > _MIN_AT_SIDES))


def paper_contrast(pixels: np.ndarray) -> np.ndarray:
    """How much darker each pixel of a photo is than the paper around it, or lighter if the ink is light on dark.

    Args:
        pixels: float (H, W, C), grey or coloured, 0 to 1.

    Returns:
        float32 (h, w), around 0 on paper and up to 1; 0 everywhere if there is no ink. No side is longer than 800
        pixels.
    """
    image = _select_channel([resize(channel.astype(np.float32), MAX_SIDE) for channel in np.moveaxis(pixels, 2, 0)])
    image = _blur(image, _BLUR * max(image.shape))
    coarse = _close(resize(image, _COARSE_SIDE))
    paper = np.asarray(Image.fromarray(coarse).resize(image.shape[::-1], Image.Resampling.BILINEAR))
    contrast: np.ndarray = 1 - image / paper
    return contrast - np.median(contrast)  # noise makes the closing a little brighter than the paper


def _select_channel(channels: list[np.ndarray]) -> np.ndarray:
    """The channel in which the ink stands out most, float32 (h, w), inverted if the ink is light on dark.

    Fine detail in the logarithm of brightness is symmetric at the edge of a shadow, but one-sided at ink, which is
    narrow: the sign of its third moment tells dark ink from light, and its size how much the ink stands out. If no
    channel has much skewness, there is no ink, and the result is 1 everywhere.
    """
    moments, skewness = [], []
    for channel in channels:
        logarithm = np.log(np.maximum(resize(channel, _COARSE_SIDE), _MIN_BRIGHTNESS))
        detail = logarithm - _average(logarithm)
        moments.append(float((detail**3).mean()))
        skewness.append(abs(moments[-1]) / max(1e-9, float(detail.std()) ** 3))
    if max(skewness) < _MIN_SKEWNESS:
        return np.ones_like(channels[0])
    best = int(np.argmax(np.abs(moments)))
    channel = np.maximum(channels[best], _MIN_BRIGHTNESS)
    return channel if moments[best] < 0 else 1 / channel


def resize(image: np.ndarray, side: int) -> np.ndarray:
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
