"""Numbers written with the tests' own digits."""

import numpy as np

from tests.support.digits import DIGITS
from tests.support.strokes import place


def number(text, height=0.3, gap=0.12, middle=(0.5, 0.5)):
    """The strokes of several digits side by side, in units of the canvas's side.

    Args:
        text: the digits.
        height: of each.
        gap: between the strokes of neighbours.
        middle: of the number.
    """
    strokes, left = [], 0.0
    for digit in text:
        placed = place(DIGITS[int(digit)], height, (0, 0))
        low, high = np.concatenate(placed).min(axis=0), np.concatenate(placed).max(axis=0)
        strokes += [np.add(stroke, (left - low[0], 0)) for stroke in placed]
        left += high[0] - low[0] + gap
    return [stroke + middle - [(left - gap) / 2, 0] for stroke in strokes]
