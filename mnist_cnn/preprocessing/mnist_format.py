"""MNIST's format: the cropped digit at 20×20 pixels, its centre of mass in the middle of 28×28.

This repeats how MNIST itself was made from scanned forms (LeCun et al., "Gradient-based learning applied to document
recognition", 1998, section III-A, and the reconstruction by Yadav and Bottou, "Cold case: the lost MNIST digits",
2019).
"""

import numpy as np

from ..constants import DIGIT_SIZE, IMAGE_SIZE


def crop(ink: np.ndarray) -> np.ndarray:
    """The smallest box (h, w) that holds all ink (H, W), of which there is some."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def resize_to_20x20(digit: np.ndarray) -> np.ndarray:
    """Pad a cropped digit to a square, average its area down and stretch its grey levels.

    Args:
        digit: float64 (h, w), not negative; some of it is ink.

    Returns:
        uint8 (20, 20), the strongest ink being 255.
    """
    height, width = digit.shape
    cell = max(height, width) / DIGIT_SIZE  # side of an output pixel, in pixels of the sketch
    resized = _averaging(height, cell) @ digit @ _averaging(width, cell).T
    return np.rint(resized * (255 / resized.max())).astype(np.uint8)


def _averaging(length: int, cell: float) -> np.ndarray:
    """Matrix (20, length) that averages `length` pixels into 20 cells of side `cell`, the rest being padding.

    The padding in front is a whole number of cells: the first pixel starts on a cell's edge, so what was sharp on
    the grid stays sharp.
    """
    front = (DIGIT_SIZE - int(np.ceil(length / cell - 1e-9))) // 2
    edges = (np.arange(DIGIT_SIZE + 1) - front) * cell  # of the cells, in pixels of the sketch
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) / cell


def center(digit: np.ndarray) -> np.ndarray:
    """Paste a digit into an image at the whole-pixel offset that brings its centre of mass nearest to pixel 14.

    A picture of even size has no middle pixel; that MNIST took the 15th of 28 is what its own digits show.

    Args:
        digit: uint8 (20, 20), not all 0.

    Returns:
        uint8 (28, 28), the rest 0.
    """
    mass = digit.sum()
    positions = np.arange(DIGIT_SIZE)
    offsets = np.rint(IMAGE_SIZE // 2 - np.array([digit.sum(axis=1) @ positions, digit.sum(axis=0) @ positions]) / mass)
    top, left = np.clip(offsets.astype(int), 0, IMAGE_SIZE - DIGIT_SIZE)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + DIGIT_SIZE, left : left + DIGIT_SIZE] = digit
    return image
