"""Pen trajectories: files of them, and what the page's canvas makes of them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

_SUPERSAMPLE = 3

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


def render(strokes: Strokes, side: int = 280, width: float = 16, ink: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """Draw strokes, in units of the side, as the page's canvas does: straight lines with round ends and joints.

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
        points = [(x * scale, y * scale) for x, y in stroke]
        draw.line(points, fill=255, width=round(2 * radius))
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    image = Image.new("RGBA", (side, side), ink)
    image.putalpha(alpha.resize((side, side), Image.Resampling.BOX))
    return image
