"""Handwriting of the tests' own: their ten digits, slanted, rotated and stretched."""

import math

import numpy as np

from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.digits import DIGITS
from tests.support.strokes import render


def handwriting(count, seed):
    """`count` slanted, rotated and stretched digits: images, uint8 (N, 28, 28), and labels, uint8 (N,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = []
    for label in labels:
        angle, slant, stretch = random.uniform(-0.15, 0.15), random.uniform(-0.3, 0.2), random.uniform(0.8, 1.15)
        cos, sin = math.cos(angle), math.sin(angle)
        matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, -slant], [0, 1]])
        strokes = [(np.array(stroke) - 0.5) @ matrix.T + 0.5 for stroke in DIGITS[int(label)]]
        images.append(sketch_to_mnist(render(strokes, side=140, width=random.uniform(6, 12))))
    return np.stack(images), labels.astype(np.uint8)
