"""Connected components of the ink, and which of them belong to the digit."""

import numpy as np

_GRID = 200  # pixels; components are measured in an image whose longer side is at most this
# A rule covers at least this fraction of a row or column, and is at most as wide as this fraction of the image.
_MIN_RULE_LENGTH, _MAX_RULE_WIDTH = 0.8, 0.03
# Weight of the ink of what touches a side of the image, as a frame or a finger does and few digits do.
_WEIGHT_AT_SIDE = 0.25
_MAX_GAP = 0.6  # between strokes of a digit, as a fraction of the longer side of the main component
# In a line of digits: gap between neighbours, and height between a stroke and the main component, as such fractions.
_MAX_GAP_IN_LINE, _MAX_OFFSET = 1.5, 0.3
_MAX_EXTENT_IN_LINE = 2.0  # of a component that touches a side of the image, as a multiple of the main one's
_MIN_AMOUNT = 0.05  # of the ink of a stroke, as a fraction of the main component's; less is a speck
# Without noise, a component is a speck if its shorter side or its level is less than this fraction of the main
# component's: MNIST's own digits have specks of a pixel of 20, with 6 % of the level.
_MIN_SIZE, _MIN_LEVEL = 0.045, 0.055
# Length of the ink's outline as a multiple of its longer side: digits reach 9, a hatched one 20, squared paper 48.
_MAX_OUTLINE = 24


def label_components(mask: np.ndarray) -> np.ndarray:
    """Label the 4-connected components of a mask.

    Neighbouring runs of pixels in rows are joined to trees, and neighbouring trees to larger ones, until none has a
    neighbour: a round joins most trees, so that a few rounds suffice for any shape.

    Args:
        mask: bool (H, W).

    Returns:
        int (H, W): 0 outside the mask, 1 to N in its N components.
    """
    runs = _starts(mask).cumsum().reshape(mask.shape) - 1  # the run of each pixel, numbered by rows
    is_joined = _starts(mask[:-1] & mask[1:])  # a pixel for each pair of runs that touch
    upper, lower = runs[:-1][is_joined], runs[1:][is_joined]  # (P,), runs and then the roots of their trees
    parents = np.arange(runs.max(initial=-1) + 1)  # of each run; roots are their own
    while len(upper):
        np.maximum.at(parents, np.minimum(upper, lower), np.maximum(upper, lower))
        while not np.array_equal(roots := parents[parents], parents):
            parents = roots
        upper, lower = parents[upper], parents[lower]
        is_apart = upper != lower
        upper, lower = upper[is_apart], lower[is_apart]
    components = np.zeros(mask.shape, int)
    components[mask] = np.unique(parents, return_inverse=True)[1][runs[mask]] + 1
    return components


def _starts(mask: np.ndarray) -> np.ndarray:
    """The first pixels of the unbroken runs in the rows of a mask (H, W), as a mask."""
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    return starts


def find_rules(mask: np.ndarray) -> np.ndarray:
    """Straight lines that cross nearly the whole image, but for where other ink crosses them.

    Args:
        mask: bool (H, W), where there is ink.

    Returns:
        bool (H, W).
    """
    rules = np.zeros(mask.shape, bool)
    for lines, found in ((mask, rules), (mask.T, rules.T)):
        if lines.any(axis=0).mean() < _MIN_RULE_LENGTH:
            continue  # no row can be full
        is_full = lines.mean(axis=1) >= _MIN_RULE_LENGTH
        rest = np.pad(lines & ~is_full[:, None], ((1, 1), (0, 0)))
        edges = np.flatnonzero(np.diff(np.pad(is_full, 1).astype(int)))  # of the runs of full rows
        for first, end in edges.reshape(-1, 2):
            if end - first <= _MAX_RULE_WIDTH * len(lines):
                found[first:end] = lines[first:end] & ~(rest[first] & rest[end + 1])
    return rules


def select_digit(ink: np.ndarray, has_noise: bool, is_number: bool = False) -> np.ndarray:
    """Select the ink that belongs to the digit: the component with most ink, and other strokes near it.

    Args:
        ink: float (H, W), 0 where there is none.
        has_noise: whether the image has noise, so that small components are specks.
        is_number: whether to select a line of digits, so that strokes need only be near others of the line.

    Returns:
        bool (H, W); all False if the ink is no digit.
    """
    coarse, scale = shrink(ink, _GRID)
    return enlarge(_select(coarse, has_noise, is_number), scale, ink.shape) & (ink > 0)


def shrink(ink: np.ndarray, side: int) -> tuple[np.ndarray, int]:
    """The maxima of blocks of ink (H, W) by which no side is longer than `side`, and the side of a block."""
    scale = -(-max(ink.shape) // side)
    height, width = (-(-length // scale) for length in ink.shape)
    coarse = np.zeros((height * scale, width * scale))
    coarse[: ink.shape[0], : ink.shape[1]] = ink
    coarse = np.maximum.reduce([coarse[row::scale] for row in range(scale)])
    return np.maximum.reduce([coarse[:, column::scale] for column in range(scale)]), scale


def enlarge(coarse: np.ndarray, scale: int, shape: tuple[int, ...]) -> np.ndarray:
    """Repeat each pixel of what `shrink` gave scale×scale times, and cut the result to the shape (H, W)."""
    return coarse.repeat(scale, axis=1).repeat(scale, axis=0)[: shape[0], : shape[1]]


def label_strokes(mask: np.ndarray) -> np.ndarray:
    """`label_components`, with gaps of a pixel bridged, also diagonal ones."""
    padded = np.pad(mask, ((1, 0), (1, 0)))
    return label_components(padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1]) * mask


def _select(ink: np.ndarray, has_noise: bool, is_number: bool) -> np.ndarray:
    """`select_digit` of a small image."""
    mask = ink > 0
    labels = label_strokes(mask)
    count = labels.max()
    if count == 0 or (count == 1 and not has_noise):
        return mask
    inside, positions = labels[mask] - 1, np.argwhere(mask)  # (P,) and (P, 2)
    amount = np.bincount(inside, ink[mask], count)
    level, low, high = np.zeros(count), np.full((count, 2), max(ink.shape)), np.zeros((count, 2), int)
    np.maximum.at(level, inside, ink[mask])
    np.minimum.at(low, inside, positions)
    np.maximum.at(high, inside, positions)
    extent = (high - low).max(axis=1) + 1
    touches_side = (low == 0).any(axis=1) | (high == np.array(ink.shape) - 1).any(axis=1)
    main = int(np.argmax(amount * np.where(touches_side, _WEIGHT_AT_SIDE, 1)))
    is_stroke = amount >= _MIN_AMOUNT * amount[main]
    if is_number:
        is_near = _find_line(low, high, main, is_stroke)
    else:
        gap = np.maximum(low - high[main], low[main] - high).max(axis=1)  # between the bounding boxes
        is_near = gap <= _MAX_GAP * extent[main]
    if has_noise or is_number:
        is_stroke &= is_near
    if not has_noise:
        is_large = (high - low).min(axis=1) + 1 >= _MIN_SIZE * extent[main]
        is_stroke |= is_near & is_large & (level >= _MIN_LEVEL * level[main])
    max_extent = _MAX_EXTENT_IN_LINE * extent[main] if is_number else extent[main]
    chosen = is_stroke & ~(touches_side & (extent > max_extent))
    chosen[main] = True
    digit = np.append(False, chosen)[labels]
    if has_noise:
        outline = np.count_nonzero(np.diff(np.pad(digit, 1), axis=0)) + np.count_nonzero(np.diff(np.pad(digit, 1)))
        longer = (high[chosen].max(axis=0) - low[chosen].min(axis=0)).max() + 1
        digit &= outline <= _MAX_OUTLINE * longer
    return digit


def _find_line(low: np.ndarray, high: np.ndarray, main: int, is_stroke: np.ndarray) -> np.ndarray:
    """Which components (N,) are on a line with the main one, each near the next; `low` and `high` are (N, 2)."""
    extent = (high[main] - low[main]).max() + 1
    gap = np.maximum(low - high[main], low[main] - high)  # (N, 2)
    is_level = gap[:, 0] <= _MAX_OFFSET * extent
    left, right = low[main, 1], high[main, 1]
    while True:
        reach = _MAX_GAP_IN_LINE * extent
        is_near: np.ndarray = is_level & (low[:, 1] <= right + reach) & (high[:, 1] >= left - reach)
        strokes = is_near & is_stroke
        if low[strokes, 1].min() >= left and high[strokes, 1].max() <= right:
            return is_near
        left, right = low[strokes, 1].min(), high[strokes, 1].max()
