"""Pen trajectories: files of them, and what the page's canvas makes of them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

_SUPERSAMPLE = 3
_CURVE_PIECES = 6  # straight pieces of a curve between two points

Strokes = Sequence[Sequence[tuple[float, float]]]


def load_strokes(path: str | Path) -> list[dict]:
    """Samples of a gzipped file with one JSON object a line; those that carry a `flag` are broken and left out.

    Each has at least `label` and `strokes`, a list of pen-downs that are lists of [x, y], x to the right and y down, in
    any unit; `donor`, where it is there, says who gave it.
    """
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        samples = [json.loads(line) for line in lines]
    return [sample for sample in samples if "flag" not in sample]


def place(strokes: Strokes, size: float = 0.6, middle: tuple[float, float] = (0.5, 0.5)) -> list[np.ndarray]:
    """Strokes in units of the canvas's side; the longer side of their bounding box is `size`, its centre `middle`."""
    points = np.concatenate([np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max(1e-9, (high - low).max())
    return [(np.asarray(stroke, float).reshape(-1, 2) - (low + high) / 2) * scale + middle for stroke in strokes]


def smooth(stroke: Sequence[tuple[float, float]]) -> np.ndarray:
    """Vertices (N, 2) of cubic Bézier curves through a stroke's points, as sketchpad.js draws them.

    At a point the curve runs parallel to the line between its neighbours; where the stroke turns by more than 60°, it
    has a corner.
    """
    points = np.asarray(stroke, float)
    if len(points) == 1:
        return points
    chords = np.diff(points, axis=0)
    lengths = np.hypot(*chords.T)[:, np.newaxis]
    along = points[2:] - points[:-2]
    is_corner = (chords[:-1] * chords[1:]).sum(axis=1, keepdims=True) <= 0.5 * lengths[:-1] * lengths[1:]
    along /= np.maximum(np.hypot(*along.T)[:, np.newaxis], 1e-12)
    leave, arrive = chords.copy(), chords.copy()
    leave[1:] = np.where(is_corner, chords[1:], along * lengths[1:])
    arrive[:-1] = np.where(is_corner, chords[:-1], along * lengths[:-1])
    start, end = points[:-1, np.newaxis], points[1:, np.newaxis]
    first, second = start + leave[:, np.newaxis] / 3, end - arrive[:, np.newaxis] / 3
    t = np.linspace(0, 1, _CURVE_PIECES + 1)[1:, np.newaxis]
    curves = (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3 * end
    return np.concatenate([points[:1], curves.reshape(-1, 2)])


def render(strokes: Strokes, side: int = 280, width: float = 16, ink: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """Draw strokes, in units of the side, as the page's canvas does: smooth curves with round ends and corners.

    Args:
        strokes: a list of lists of (x, y) from 0 to 1.
        side: of the image, in pixels.
        width: of the pen, in pixels.
        ink: its colour.

    Returns:
        RGBA image, the ink's coverage in its alpha channel.
    """
    scale = side * _SUPERSAMPLE
    alpha = Image.new("L", (scale, scale), 0)
    draw = ImageDraw.Draw(alpha)
    radius = width * _SUPERSAMPLE / 2
    for stroke in strokes:
        points = [tuple(point) for point in (smooth(stroke) * scale).tolist()]
        draw.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    image = Image.new("RGBA", (side, side), ink)
    image.putalpha(alpha.resize((side, side), Image.Resampling.BOX))
    return image
