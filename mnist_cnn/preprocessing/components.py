"""Connected-component labelling."""

import numpy as np


def label_components(mask: np.ndarray) -> np.ndarray:
    """Label the 4-connected components of a mask.

    Every pixel belongs to one run of its row and one of its column. The pixels of a run take the largest label among
    them, rows and columns in turn, until nothing changes: the number of passes grows with the bends of a component, not
    with its pixels.

    Args:
        mask: bool (H, W).

    Returns:
        int (H, W): 0 outside the mask, 1 to N in its N components.
    """
    runs = [_label_runs(mask)[mask], _label_runs(mask.T).T[mask]]  # (P,) each, for the P pixels in the mask
    labels = np.arange(mask.sum())
    while True:
        before = labels
        for run in runs:
            largest = np.zeros(run.max(initial=0) + 1, int)
            np.maximum.at(largest, run, labels)
            labels = largest[run]
        if np.array_equal(labels, before):
            break
    components = np.zeros(mask.shape, int)
    components[mask] = np.unique(labels, return_inverse=True)[1] + 1
    return components


def _label_runs(mask: np.ndarray) -> np.ndarray:
    """Number the unbroken runs in the rows of a mask (H, W), from 1; outside the mask the values mean nothing."""
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    return starts.cumsum().reshape(mask.shape)
