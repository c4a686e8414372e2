"""MNIST as two tensors, read and where needed fetched by torchvision."""

import os
from pathlib import Path

import torch
from torchvision import datasets

DATA_ROOT_VARIABLE = "MNIST_ROOT"
DEFAULT_ROOT = Path(__file__).parent.parent / "data"

_FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class DataError(RuntimeError):
    """MNIST could not be loaded; the message says what was tried and what to do."""


def data_root(root: str | Path | None = None) -> Path:
    """The folder that holds `MNIST/raw`: `root`, else the environment's MNIST_ROOT, else `data/` in the project."""
    return Path(root or os.environ.get(DATA_ROOT_VARIABLE) or DEFAULT_ROOT)


def load_mnist(root: str | Path | None = None, train: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Load one half of MNIST, downloading it where it is missing.

    Args:
        root: folder that holds `MNIST/raw/*`, as torchvision lays it out; see `data_root` for the default.
        train: the training set (60,000 images), else the test set (10,000).

    Returns:
        Images, uint8 (N, 28, 28), 0 is background and 255 full ink; labels, int64 (N,), 0 to 9.

    Raises:
        DataError: no copy is there and none could be fetched, or a file is damaged.
    """
    root = data_root(root)
    try:
        dataset = datasets.MNIST(root, train=train, download=True)
        images, labels = dataset.data, dataset.targets
    # torchvision lets whatever its parser or the network stumbles over through: from OSError to AssertionError.
    except Exception as error:
        raise DataError(_advice(root, train, error)) from error
    if images.shape != (len(labels), 28, 28) or len(labels) == 0 or not 0 <= labels.min() <= labels.max() <= 9:
        problem = f"{len(images)} images of {tuple(images.shape[1:])} pixels and {len(labels)} labels do not fit"
        raise DataError(_advice(root, train, ValueError(problem)))
    return images, labels


def split_validation(
    images: torch.Tensor, labels: torch.Tensor, count: int = 10_000
) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """Set the last images of the training set aside to choose settings with.

    A writer's digits stand near each other in MNIST's training set, so a cut, unlike a random choice, leaves hardly a
    writer on both sides: as between the training and the test set.

    Args:
        images: (N, ...).
        labels: (N,).
        count: how many to set aside, less than N.

    Returns:
        Images and labels (N - count) to train on, and images and labels (count) to validate on.

    Raises:
        ValueError: `count` leaves nothing to train on or nothing to validate on.
    """
    if not 0 < count < len(images):
        raise ValueError(f"Of {len(images)} images between 1 and {len(images) - 1} can be set aside, not {count}.")
    return (images[:-count], labels[:-count]), (images[-count:], labels[-count:])


def _advice(root: Path, train: bool, error: Exception) -> str:
    folder = root / "MNIST" / "raw"
    files = _FILES[train]
    present = [name for name in files if (folder / name).exists()]
    half = "training" if train else "test"
    cause = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    if len(present) == len(files):
        return (
            f"MNIST's {half} set in {folder} cannot be read: {cause}. One of {' and '.join(files)} is damaged or "
            "not what its name says. Delete both and try again with a network, or put good copies there."
        )
    return (
        f"MNIST's {half} set is not in {folder}, and fetching it failed: {cause}. Try again with a network, or put "
        f"{' and '.join(files)} (uncompressed) and the other half's two files there, or set {DATA_ROOT_VARIABLE} to "
        "the folder that holds MNIST/raw."
    )
