"""Small data sets in the files that MNIST comes in."""

import struct
from pathlib import Path

import numpy as np


def write_idx(path, array):
    """Write a uint8 array in the IDX format that MNIST comes in."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist(root, train, test):
    """Write (images, labels) pairs where torchvision looks for MNIST under `root`."""
    folder = Path(root) / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix, (images, labels) in (("train", train), ("t10k", test)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)


def write_tiled_mnist(root, train, test, copies):
    """The same, with the training set several times over. Returns `root`."""
    images, labels = train
    write_mnist(root, (np.tile(images, (copies, 1, 1)), np.tile(labels, copies)), test)
    return root
