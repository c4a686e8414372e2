"""The connected parts of a picture."""

import numpy as np


def label_components(mask: np.ndarray) -> np.ndarray:
    """Number the parts of a mask whose pixels hang together by their sides.

    Every pixel belongs to one run of its row and one of its column. A run's pixels take the largest number among them,
    rows and columns in turn, until nothing changes: it takes as many turns as a part has bends, not as it has pixels.

    Args:
        mask: bool (H, W).

    Returns:
        int (H, W), 0 outside the mask, 1 to N in its N parts.
    """
    runs = [_runs(mask)[mask], _runs(mask.T).T[mask]]  # (P,) each, of the P pixels in the mask
    numbers = np.arange(mask.sum())
    while True:
        before = numbers
        for run in runs:
            largest = np.zeros(run.max(initial=0) + 1, int)
            np.maximum.at(largest, run, numbers)
            numbers = largest[run]
        if np.array_equal(numbers, before):
            break
    parts = np.zeros(mask.shape, int)
    parts[mask] = np.unique(numbers, return_inverse=True)[1] + 1
    return parts


def _runs(mask: np.ndarray) -> np.ndarray:
    """Number the unbroken runs in the rows of a mask (H, W), from 1; what is outside has no meaning."""
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    return starts.cumsum().reshape(mask.shape)
