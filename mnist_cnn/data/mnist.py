"""MNIST as tensors: loaded, and downloaded if necessary, by torchvision; verified by checksums."""

import hashlib
import logging
import math
import os
import struct
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import torch

DATA_ROOT_VARIABLE = "MNIST_ROOT"
DEFAULT_ROOT = Path(__file__).parents[2] / "data"

LabelledImages = tuple[torch.Tensor, torch.Tensor]  # uint8 (N, 28, 28), int64 (N,)

_DOWNLOAD_BYTES = 11_594_722  # size of the four compressed files
_MAX_SILENCE_SECONDS = 20.0  # of a mirror
_MAX_DOWNLOAD_SECONDS = 300.0

_FILES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# Length in bytes and SHA-256 of MNIST's uncompressed files; torchvision has the checksums of the compressed ones. A
# file of another length is another data set in the same format, of which only the length can be checked.
_CHECKSUMS = {
    "train-images-idx3-ubyte": (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "train-labels-idx1-ubyte": (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "t10k-labels-idx1-ubyte": (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}

_log = logging.getLogger(__name__)


class DataError(RuntimeError):
    """MNIST could not be loaded; the message says why, and what to do."""


def data_root(root: str | Path | None = None) -> Path:
    """The folder that holds `MNIST/raw`: `root`, else the environment's MNIST_ROOT, else the project's `data`."""
    return Path(root or os.environ.get(DATA_ROOT_VARIABLE) or DEFAULT_ROOT)


def load_mnist(root: str | Path | None = None, train: bool = True) -> LabelledImages:
    """Load MNIST's training or test set. Files that are missing or corrupt are downloaded.

    Args:
        root: folder that holds `MNIST/raw/*`, in torchvision's layout; see `data_root` for the default.
        train: whether to load the training set (60,000 images) or the test set (10,000).

    Returns:
        Images, uint8 (N, 28, 28), 0 is background and 255 full ink; labels, int64 (N,), 0 to 9.

    Raises:
        DataError: the files are missing or corrupt, and the download failed.
    """
    from torchvision import datasets  # here, because it takes a quarter of the app's time to start

    root = data_root(root)
    corruption = _find_corruption(root, train)
    if corruption:
        _log.warning("MNIST in %s is corrupt: %s. Downloading it again.", root, corruption)
    # torchvision loads a set only if the files of both sets are there.
    names = [
        name
        for part, pair in _FILES.items()
        for name in pair
        if (corruption and part == train) or not (root / "MNIST" / "raw" / name).is_file()
    ]
    # torchvision passes on whatever its parser or the network raise, from OSError to AssertionError.
    try:
        if names:
            _download(root, names)
    except Exception as error:
        if corruption:
            raise DataError(_corrupt(root, train, f"{corruption}, and the download failed")) from error
        missing = " and ".join(names)
        raise DataError(
            f"MNIST is not complete in {root / 'MNIST' / 'raw'}, and the download failed: {_cause(error)}. Try again "
            f"with a network connection, or put {missing} (uncompressed) there, or set {DATA_ROOT_VARIABLE} to the "
            "folder that holds MNIST/raw."
        ) from error
    try:
        dataset = datasets.MNIST(root, train=train)
        images, labels = dataset.data, dataset.targets
    except Exception as error:
        raise DataError(_corrupt(root, train, _cause(error))) from error
    if images.shape != (len(labels), 28, 28) or len(labels) == 0 or not 0 <= labels.min() <= labels.max() <= 9:
        problem = f"images of shape {tuple(images.shape)} and {len(labels)} labels do not match, or are not MNIST's"
        raise DataError(_corrupt(root, train, problem))
    return images, labels


_Sets = tuple[LabelledImages, LabelledImages]

_lock = threading.Lock()
_loading: Future[_Sets] | None = None


def load_mnist_shared() -> Future[_Sets]:
    """MNIST's training and test set from the default folder, loaded once for all, in a thread of its own.

    The future raises what `load_mnist` raises; the next call tries again then.
    """
    global _loading
    with _lock:
        if _loading is None or (_loading.done() and _loading.exception()):
            _loading = Future()
            _loading.set_running_or_notify_cancel()  # since one who waits must not cancel it for others
            threading.Thread(target=_load_both, args=[_loading], name="mnist", daemon=True).start()
        return _loading


def _load_both(future: Future[_Sets]) -> None:
    try:
        future.set_result((load_mnist(train=True), load_mnist(train=False)))
    except Exception as error:
        future.set_exception(error)


def download_progress(root: str | Path | None = None) -> float:
    """The fraction of MNIST, 0 to 1, that has been downloaded to the folder where `load_mnist` puts it."""
    folder = data_root(root) / "MNIST" / "raw"
    if all((folder / name).exists() for names in _FILES.values() for name in names):
        return 1.0
    try:
        downloaded = sum(file.stat().st_size for file in folder.rglob("*.gz"))
    except FileNotFoundError:  # the temporary folder was removed while it was searched
        return 1.0
    return min(1.0, downloaded / _DOWNLOAD_BYTES)


def split_validation(
    images: torch.Tensor, labels: torch.Tensor, num_blocks: int = 20, block_size: int = 500
) -> tuple[LabelledImages, LabelledImages]:
    """Hold out validation data: blocks of consecutive images, evenly spread over the training set.

    Each writer's digits are near each other in MNIST's training set. So few writers have digits on both sides of this
    split, as none has in the training and the test set; in a random split, nearly all would. Blocks from all over the
    training set represent all of its writers, who vary, better than one large block at its end.

    Args:
        images: (N, ...).
        labels: (N,).
        num_blocks: number of blocks.
        block_size: images in each block.

    Returns:
        Images and labels to train on, and `num_blocks * block_size` images and labels to validate on, both in order.

    Raises:
        ValueError: nothing is left to train on, or nothing to validate on.
    """
    count = num_blocks * block_size
    if num_blocks < 1 or not 0 < count < len(images):
        raise ValueError(f"Cannot hold out {num_blocks} blocks of {block_size} images: there are {len(images)} in all.")
    starts = torch.arange(num_blocks) * len(images) // num_blocks
    held_out = torch.zeros(len(images), dtype=torch.bool)
    held_out[starts.unsqueeze(1) + torch.arange(block_size)] = True
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])


def _find_corruption(root: Path, train: bool) -> str | None:
    """Describes what is wrong with the files of the training or test set; None if nothing is, or they are missing."""
    for name in _FILES[train]:
        path = root / "MNIST" / "raw" / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        length, sha256 = _CHECKSUMS[name]
        if len(content) == length and hashlib.sha256(content).hexdigest() != sha256:
            return f"checksum mismatch of {name}"
        # The header of an IDX file: two zero bytes, 8 for uint8, the number of dimensions, and four bytes for each.
        dimensions = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
        if not 1 <= dimensions <= 3 or len(content) < 4 + 4 * dimensions:
            return f"{name} has no valid header"
        expected = 4 + 4 * dimensions + math.prod(struct.unpack_from(f">{dimensions}I", content, 4))
        if len(content) != expected:
            return f"{name} has {len(content):,} bytes, but its header says {expected:,}"
    return None


def _download(root: Path, names: Sequence[str]) -> None:
    """Download files to a temporary folder and move them to their place, so that two processes may do so at once."""
    from torchvision import datasets
    from torchvision.datasets.utils import check_integrity, extract_archive

    deadline = time.monotonic() + _MAX_DOWNLOAD_SECONDS
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        for archive, md5 in datasets.MNIST.resources:
            if Path(archive).stem not in names:
                continue
            for number, mirror in enumerate(datasets.MNIST.mirrors, start=1):
                try:
                    path = Path(temporary) / archive
                    _fetch(mirror + archive, path, deadline)
                    if not check_integrity(str(path), md5):
                        raise OSError(f"{mirror + archive} is corrupt")
                    extract_archive(str(path), temporary)
                    break
                except (RuntimeError, OSError):
                    if number == len(datasets.MNIST.mirrors):
                        raise
        for name in names:
            os.replace(Path(temporary) / name, folder / name)


def _fetch(url: str, path: Path, deadline: float) -> None:
    """Download a file. torchvision's own function waits for ever for a server that sends nothing."""
    with urllib.request.urlopen(url, timeout=_MAX_SILENCE_SECONDS) as response, path.open("wb") as file:
        while block := response.read1(2**16):
            file.write(block)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} sends too slowly")


def _cause(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def _corrupt(root: Path, train: bool, cause: str) -> str:
    name = "training" if train else "test"
    return (
        f"MNIST's {name} set in {root / 'MNIST' / 'raw'} cannot be loaded: {cause}. One of "
        f"{' and '.join(_FILES[train])} is corrupt. Delete both and try again with a network connection, or replace "
        "them by intact copies."
    )
