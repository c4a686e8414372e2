import numpy as np
import pytest

from mnist_cnn.preprocessing.components import label_components


def flood_fill(mask):
    """Label the components by flood fill, as a reference."""
    components, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if components[start]:
            continue
        count += 1
        stack = [start]
        while stack:
            y, x = stack.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not components[y, x]:
                components[y, x] = count
                stack += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return components


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.6, 0.9, 1.0])
def test_labels_match_a_flood_fill(fraction):
    mask = np.random.default_rng(0).random((23, 31)) < fraction
    components, expected = label_components(mask), flood_fill(mask)
    pairs = set(zip(components.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len({label for label, _ in pairs}) == len({label for _, label in pairs})
    assert (0, 0) in pairs or fraction == 1
    assert components.max() == expected.max()


def test_winding_line_takes_few_steps(monkeypatch):
    """A drawing of diagonals to and fro has ten thousand bends, and drawings are classified in the event loop."""

    def counted(*arrays):
        calls.append(1)
        return array_equal(*arrays)

    calls, array_equal = [], np.array_equal
    monkeypatch.setattr(np, "array_equal", counted)
    y, x = np.mgrid[:280, :280]
    line, position = np.divmod(x - y, 4)
    is_end = (x + y < 50 + 4 * (line % 2)) | (x + y > 500 + 4 * (line % 2))
    mask = (position < 2) | (is_end & (x + y < 60) & (line % 2 == 0)) | (is_end & (x + y > 490) & (line % 2 == 1))
    label_components(mask)
    assert len(calls) < 100


def test_spiral_is_one_component():
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
