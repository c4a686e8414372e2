"""Draws strokes as the page's canvas does, with PIL, for tests that need drawings without a browser."""

import math

import numpy as np
from digits import DIGITS
from PIL import Image, ImageDraw

from mnist_cnn.preprocessing import sketch_to_mnist

_SUPERSAMPLE = 3


def render(strokes, side=280, width=16, ink=(0, 0, 0)):
    """RGBA picture of strokes whose points are in units of the side: round ends and joints, on transparent paper."""
    scale = side * _SUPERSAMPLE
    alpha = Image.new("L", (scale, scale), 0)
    draw = ImageDraw.Draw(alpha)
    radius = width * _SUPERSAMPLE / 2
    for stroke in strokes:
        points = [(x * scale, y * scale) for x, y in stroke]
        draw.line(points, fill=255, width=round(2 * radius), joint="curve")
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    picture = Image.new("RGBA", (side, side), ink)
    picture.putalpha(alpha.resize((side, side), Image.Resampling.BOX))
    return picture


def handwriting(count, seed):
    """`count` slanted, turned and stretched digits: images, uint8 (N, 28, 28), and labels, uint8 (N,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = []
    for label in labels:
        turn, slant, stretch = random.uniform(-0.15, 0.15), random.uniform(-0.3, 0.2), random.uniform(0.8, 1.15)
        cos, sin = math.cos(turn), math.sin(turn)
        matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, -slant], [0, 1]])
        strokes = [(np.array(stroke) - 0.5) @ matrix.T + 0.5 for stroke in DIGITS[int(label)]]
        images.append(sketch_to_mnist(render(strokes, side=140, width=random.uniform(6, 12))))
    return np.stack(images), labels.astype(np.uint8)
