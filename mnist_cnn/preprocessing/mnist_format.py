"""MNIST's format: the cropped digit in 20×20 pixels, and its centre of mass in the centre of 28×28.

The steps are those by which MNIST was made from scanned forms (LeCun et al., "Gradient-based learning applied to
document recognition", 1998, section III-A, and the reconstruction by Yadav and Bottou, "Cold case: the lost MNIST
digits", 2019).
"""

import numpy as np

from ..constants import DIGIT_SIZE, IMAGE_SIZE


def crop(ink: np.ndarray) -> np.ndarray:
    """The bounding box (h, w) of the ink (H, W), which must not be all 0."""
    left, top, right, bottom = bounding_box(ink)
    return ink[top:bottom, left:right]


def bounding_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, the latter two exclusive, of what is not 0 in an image (H, W) that is not all 0."""
    mask = ink != 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def resize_to_20x20(digit: np.ndarray) -> np.ndarray:
    """Pad a cropped digit to a square, resize it by area averaging, and scale its grey levels to a maximum of 255.

    Args:
        digit: float64 (h, w), not negative, not all 0.

    Returns:
        uint8 (20, 20).
    """
    height, width = digit.shape
    cell = max(height, width) / DIGIT_SIZE  # side of a pixel of the result, in pixels of the digit
    resized = _averaging_matrix(height, cell) @ digit @ _averaging_matrix(width, cell).T
    return np.rint(resized * (255 / resized.max())).astype(np.uint8)


def _averaging_matrix(length: int, cell: float) -> np.ndarray:
    """Matrix (20, length) that averages `length` pixels in 20 cells of side `cell`, with padding on both ends.

    The padding in front is a whole number of cells, so the first pixel starts at the edge of a cell and what is sharp
    on the grid stays sharp.
    """
    front = (DIGIT_SIZE - int(np.ceil(length / cell - 1e-9))) // 2
    edges = (np.arange(DIGIT_SIZE + 1) - front) * cell  # of the cells, in pixels of the digit
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) / cell


def center(digit: np.ndarray) -> np.ndarray:
    """Paste a digit into an image, at the whole-pixel offset that brings its centre of mass nearest to pixel 14.

    In an image of even size two pixels are equally central; MNIST's digits show that MNIST takes the 15th of 28.

    Args:
        digit: uint8 (20, 20), not all 0.

    Returns:
        uint8 (28, 28), 0 around the digit.
    """
    mass = digit.sum()
    positions = np.arange(DIGIT_SIZE)
    centre_of_mass = np.array([digit.sum(axis=1) @ positions, digit.sum(axis=0) @ positions]) / mass
    offsets = np.rint(IMAGE_SIZE // 2 - centre_of_mass).astype(int)
    top, left = np.clip(offsets, 0, IMAGE_SIZE - DIGIT_SIZE)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + DIGIT_SIZE, left : left + DIGIT_SIZE] = digit
    return image
