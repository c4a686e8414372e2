"""MNIST as two tensors, read and where needed fetched by torchvision, and known to be whole."""

import functools
import hashlib
import logging
import math
import os
import struct
import tempfile
import threading
from pathlib import Path

import torch

DATA_ROOT_VARIABLE = "MNIST_ROOT"
DEFAULT_ROOT = Path(__file__).parent.parent / "data"

_DOWNLOAD = 11_594_722  # bytes, of the four compressed files

_FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# MNIST's own files, unpacked: length in bytes and SHA-256. (torchvision's checksums are of the packed ones.) A file of
# another length is somebody's own data set, of which only the length can be checked.
_CHECKSUMS = {
    "train-images-idx3-ubyte": (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "train-labels-idx1-ubyte": (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "t10k-labels-idx1-ubyte": (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}

_log = logging.getLogger(__name__)


class DataError(RuntimeError):
    """MNIST could not be loaded; the message says what was tried and what to do."""


def data_root(root: str | Path | None = None) -> Path:
    """The folder that holds `MNIST/raw`: `root`, else the environment's MNIST_ROOT, else `data/` in the project."""
    return Path(root or os.environ.get(DATA_ROOT_VARIABLE) or DEFAULT_ROOT)


def load_mnist(root: str | Path | None = None, train: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Load one half of MNIST, downloading it where it is missing or damaged.

    Args:
        root: folder that holds `MNIST/raw/*`, as torchvision lays it out; see `data_root` for the default.
        train: the training set (60,000 images), else the test set (10,000).

    Returns:
        Images, uint8 (N, 28, 28), 0 is background and 255 full ink; labels, int64 (N,), 0 to 9.

    Raises:
        DataError: no sound copy is there and none could be fetched.
    """
    from torchvision import datasets  # here, for it takes a quarter of the time in which the page starts

    root = data_root(root)
    damage = _find_corruption(root, train)
    if damage:
        _log.warning("MNIST in %s is damaged: %s. Fetching this half anew.", root, damage)
        try:
            _fetch(root, train)
        except Exception as error:  # see below
            raise DataError(
                _error_message(root, train, ValueError(f"{damage}, and fetching it anew failed"))
            ) from error
    try:
        dataset = datasets.MNIST(root, train=train, download=True)
        images, labels = dataset.data, dataset.targets
    # torchvision lets whatever its parser or the network stumbles over through: from OSError to AssertionError.
    except Exception as error:
        raise DataError(_error_message(root, train, error)) from error
    if images.shape != (len(labels), 28, 28) or len(labels) == 0 or not 0 <= labels.min() <= labels.max() <= 9:
        problem = f"{len(images)} images of {tuple(images.shape[1:])} pixels and {len(labels)} labels do not fit"
        raise DataError(_error_message(root, train, ValueError(problem)))
    return images, labels


_fetching = threading.Lock()


def load_mnist_cached() -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """MNIST's training and test set from the default folder, loaded once for all threads that ask.

    Raises:
        DataError: see `load_mnist`; the next call tries again.
    """
    with _fetching:
        return _both()


@functools.cache
def _both() -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    return load_mnist(train=True), load_mnist(train=False)


def download_progress(root: str | Path | None = None) -> float:
    """How much of MNIST has arrived in the folder where `load_mnist` puts it, 0 to 1."""
    folder = data_root(root) / "MNIST" / "raw"
    if all((folder / name).exists() for names in _FILES.values() for name in names):
        return 1.0
    parts = folder.glob("*.gz")
    return min(1.0, sum(part.stat().st_size for part in parts) / _DOWNLOAD)


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


def _find_corruption(root: Path, train: bool) -> str | None:
    """What is wrong with the files of one half, in words; None where nothing is, or they are missing."""
    for name in _FILES[train]:
        path = root / "MNIST" / "raw" / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        length, sha256 = _CHECKSUMS[name]
        if len(content) == length and hashlib.sha256(content).hexdigest() != sha256:
            return f"{name} has not the checksum of MNIST's"
        # An IDX file: two zero bytes, 8 for uint8, the number of dimensions, and each of them as four bytes.
        dimensions = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
        if not 1 <= dimensions <= 3 or len(content) < 4 + 4 * dimensions:
            return f"{name} does not begin as such a file does"
        needed = 4 + 4 * dimensions + math.prod(struct.unpack_from(f">{dimensions}I", content, 4))
        if len(content) != needed:
            return f"{name} has {len(content):,} bytes, not the {needed:,} that it says itself"
    return None


def _fetch(root: Path, train: bool) -> None:
    """Put a fresh copy of one half of MNIST in the place of what is there, once all of it has arrived."""
    from torchvision import datasets
    from torchvision.datasets.utils import download_and_extract_archive

    folder = root / "MNIST" / "raw"
    with tempfile.TemporaryDirectory(dir=folder) as arrived:
        for packed, md5 in datasets.MNIST.resources:
            if Path(packed).stem not in _FILES[train]:
                continue
            for number, mirror in enumerate(datasets.MNIST.mirrors, start=1):
                try:
                    download_and_extract_archive(mirror + packed, arrived, filename=packed, md5=md5)
                    break
                except (RuntimeError, OSError):
                    if number == len(datasets.MNIST.mirrors):
                        raise
        for name in _FILES[train]:
            os.replace(Path(arrived) / name, folder / name)


def _error_message(root: Path, train: bool, error: Exception) -> str:
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
