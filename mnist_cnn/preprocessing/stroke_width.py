"""Ink of any pen, made as wide as the pens that MNIST was written with.

A screen's brush stays as wide as it is, however small or large the digit: relative to the digit its strokes are a
third to three times as wide as those the networks learnt. A pen's stroke is all that lies within half its width of the
path of its tip, so moving the ink's edge inwards or outwards everywhere by the same distance gives the stroke of
another pen along the same path.
"""

import numpy as np
from PIL import Image

# Width of the evened strokes, as a share of the digit's longer side; MNIST's own vary around 2.3 pixels of 20.
_WIDTH = 2.1 / 20
# Only where edges are sharper than this share of the longer side. The pad's are up to 0.019, where digits are tiny; of
# MNIST's own digits, whatever they are enlarged to, a few in 10,000 are below.
_MOST_BLUR = 0.02
_NARROWEST = 3.0  # pixels; the edges of finer strokes cannot be moved with any precision
_SHORTEST = 1.2  # path that makes a stroke, in widths; a dot's is about its width as measured here
_SIDE = 120  # pixels; the longer side of the ink while its edge is moved: a few for each of the 20


def normalize_stroke_width(ink: np.ndarray) -> np.ndarray:
    """Make strokes drawn with one pen as wide as MNIST's.

    Args:
        ink: float64 (H, W), cropped, how much ink each pixel has, 0 to 1 times any factor.

    Returns:
        float64 (h, w), cropped, 0 to 1. `ink` itself where its strokes are too narrow or their edges too soft to be
        moved, as in a picture of few pixels; where there is hardly a stroke, as in a dot; and where finer strokes than
        the others would be lost.
    """
    cover = ink / ink.max()
    # Along an edge the cover's gradient adds up to the edge's length, whatever its blur; a stroke has two edges. Across
    # an edge that rises evenly over b pixels, cover × (1 - cover) adds up to b / 6.
    edge = _total_variation(cover)
    width = 2 * cover.sum() / edge
    blur = 6 * (cover * (1 - cover)).sum() / edge
    longer = max(cover.shape)
    path = longer - width  # the longer side of what the pen's tip ran over
    if blur > _MOST_BLUR * longer or width < _NARROWEST or path < _SHORTEST * width:
        return ink
    wanted = path * _WIDTH / (1 - _WIDTH)
    scale = _SIDE / longer
    outwards = (wanted - width) / 2 * scale
    margin = int(np.ceil(max(0.0, outwards))) + 1
    cover = np.pad(_resized(cover, scale), margin)
    inside = cover > 0.5
    reach = abs(outwards) + 1
    # The edge runs half a pixel before the nearest pixel's centre on its other side.
    depth = np.where(inside, _distance(~inside, reach) - 0.5, 0.5 - _distance(inside, reach))
    evened = np.clip(0.5 + outwards + depth, 0, 1)
    # All ink of one pen is within half its width of the path, which stays.
    if outwards < 0 and _distance(evened > 0.5, width * scale)[inside].max() > width * scale:
        return ink
    rows, columns = np.flatnonzero(evened.any(axis=1)), np.flatnonzero(evened.any(axis=0))
    return evened[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _total_variation(cover: np.ndarray) -> float:
    padded = np.pad(cover, 1)
    down, right = padded[1:, :-1] - padded[:-1, :-1], padded[:-1, 1:] - padded[:-1, :-1]
    return float(np.sqrt(down**2 + right**2).sum())


def _resized(cover: np.ndarray, scale: float) -> np.ndarray:
    picture = Image.fromarray(cover.astype(np.float32))
    size = [max(1, round(side * scale)) for side in picture.size]
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def _distance(mask: np.ndarray, reach: float) -> np.ndarray:
    """Euclidean distance from each pixel's centre to the nearest one in `mask`, exact up to `reach`, larger beyond.

    First along the rows, then the nearest over the columns (Felzenszwalb and Huttenlocher, "Distance transforms of
    sampled functions", 2012), which need not look further than `reach`.
    """
    steps = int(np.ceil(reach)) + 1
    far = len(mask) + mask.shape[1] + steps
    positions = np.arange(mask.shape[1], dtype=np.int32)
    left = np.maximum.accumulate(np.where(mask, positions, -far), axis=1)
    right = np.minimum.accumulate(np.where(mask, positions, 2 * far)[:, ::-1], axis=1)[:, ::-1]
    squared = np.minimum(np.minimum(positions - left, right - positions), steps) ** 2
    nearest = squared.copy()
    for d in range(1, steps + 1):
        np.minimum(nearest[:-d], squared[d:] + d * d, out=nearest[:-d])
        np.minimum(nearest[d:], squared[:-d] + d * d, out=nearest[d:])
    return np.sqrt(nearest)
