import numpy as np
import pytest

from mnist_cnn.preprocessing.components import label_components


def flooded(mask):
    """The parts once more, by flooding them one after the other."""
    parts, number = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if parts[start]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not parts[y, x]:
                parts[y, x] = number
                waiting += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return parts


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.6, 0.9, 1.0])
def test_parts_are_those_that_a_flood_finds(share):
    mask = np.random.default_rng(0).random((23, 31)) < share
    parts, expected = label_components(mask), flooded(mask)
    pairs = set(zip(parts.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})
    assert (0, 0) in pairs or share == 1
    assert parts.max() == expected.max()


def test_a_spiral_is_one_part():
    mask = np.zeros((9, 9), bool)
    y, x, (dy, dx) = 0, -1, (0, 1)
    for length in (9, 8, 8, 6, 6, 4, 4, 2, 2):
        for _ in range(length):
            y, x = y + dy, x + dx
            mask[y, x] = True
        dy, dx = dx, -dy
    assert label_components(mask).max() == 1
    mask[4, 4] = False
    mask[0, 4] = False
    assert label_components(mask).max() == 2
