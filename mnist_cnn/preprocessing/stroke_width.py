"""Stroke width normalisation: ink of any pen, redrawn as by a pen as wide as those of MNIST's writers.

A screen's brush keeps its width however small or large the digit is, so relative to the digit, strokes are a third to
three times as wide as those that models are trained on. The stroke of a pen is all that lies within half its width of
the path of its tip. So moving the edge of the ink inwards or outwards by the same distance everywhere gives the stroke
of another pen along the same path.
"""

import numpy as np
from PIL import Image

from .mnist_format import crop

# Width that strokes get, as a fraction of the digit's longer side; MNIST's own vary around 2.3 pixels of 20.
_TARGET_WIDTH = 2.1 / 20
# Maximal width of a blurred edge, as a fraction of the longer side. The canvas's edges reach 0.019, in tiny digits. Of
# MNIST's own digits, at any magnification, a few in 10,000 have sharper edges.
_MAX_BLUR = 0.02
_MIN_WIDTH = 3.0  # pixels; the edges of finer strokes cannot be moved precisely
_MIN_PATH = 1.2  # length of a stroke's path, in widths; a dot's is about its width, as measured here
_WORKING_SIZE = 120  # pixels; longer side of the ink while its edge is moved, six for each pixel of the result


def normalize_stroke_width(ink: np.ndarray) -> np.ndarray:
    """Give strokes drawn with one pen MNIST's width.

    Args:
        ink: float64 (H, W), cropped; the fraction of each pixel that ink covers, times any factor.

    Returns:
        float64 (h, w), cropped, 0 to 1. `ink` itself if its strokes are too fine or its edges too blurred to be moved,
        as in an image of few pixels; if it is hardly a stroke, such as a dot; and if strokes finer than the others,
        or all of them, would be lost.
    """
    coverage = ink / ink.max()
    # The gradient of the coverage along an edge adds up to the edge's length, however blurred; a stroke has two edges.
    # Across an edge that rises linearly over b pixels, coverage × (1 - coverage) adds up to b / 6.
    edge_length = _total_variation(coverage)
    width = 2 * coverage.sum() / edge_length
    blur = 6 * (coverage * (1 - coverage)).sum() / edge_length
    longer = max(coverage.shape)
    path = longer - width  # longer side of the bounding box of the path
    if blur > _MAX_BLUR * longer or width < _MIN_WIDTH or path < _MIN_PATH * width:
        return ink
    target_width = path * _TARGET_WIDTH / (1 - _TARGET_WIDTH)
    scale = _WORKING_SIZE / longer
    outwards = (target_width - width) / 2 * scale  # how far the edge moves; inwards if negative
    margin = int(np.ceil(max(0.0, outwards))) + 1
    inside = np.pad(_resize(coverage, scale), margin) > 0.5
    if not inside.any():  # many strokes, which are grey together
        return ink
    reach = abs(outwards) + 1
    # How far inside the edge each pixel's centre is; the edge is half a pixel ahead of the nearest centre beyond it.
    # Growing ink needs this only outside the old edge, shrinking ink only inside.
    depth = 0.5 - _distance_to(inside, reach) if outwards > 0 else _distance_to(~inside, reach) - 0.5
    result = np.clip(0.5 + outwards + depth, 0, 1)
    # All ink of one pen is within half its width of the path, which remains. Ink further away is another, lost stroke.
    if outwards < 0 and _distance_to(result > 0.5, width * scale)[inside].max() > width * scale:
        return ink
    return crop(result)


def _total_variation(coverage: np.ndarray) -> float:
    padded = np.pad(coverage, 1)
    dy, dx = padded[1:, :-1] - padded[:-1, :-1], padded[:-1, 1:] - padded[:-1, :-1]
    return float(np.sqrt(dy**2 + dx**2).sum())


def _resize(coverage: np.ndarray, scale: float) -> np.ndarray:
    image = Image.fromarray(coverage.astype(np.float32))
    size = [max(1, round(side * scale)) for side in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _distance_to(mask: np.ndarray, reach: float) -> np.ndarray:
    """Euclidean distance from each pixel's centre to the nearest one in `mask`, exact up to `reach`, larger beyond.

    The squared distance is minimised along the rows and then along the columns (Felzenszwalb and Huttenlocher,
    "Distance transforms of sampled functions", 2012), which need not look further than `reach`.
    """
    steps = int(np.ceil(reach)) + 1
    squared = np.where(mask, 0, 2 * steps**2).astype(np.int32)
    for _ in range(2):
        squared = np.ascontiguousarray(squared.T)
        before = squared.copy()
        for step in range(1, steps + 1):
            further = before + step**2
            np.minimum(squared[:-step], further[step:], out=squared[:-step])
            np.minimum(squared[step:], further[:-step], out=squared[step:])
    return np.sqrt(squared)
