"""What a model sees of an MNIST image, in training and inference alike: `normalize`."""

import torch

from ..constants import IMAGE_SIZE, MNIST_MEAN, MNIST_STD
from .moments import moment_normalize
from .slant import deslant


def normalize(images: torch.Tensor, spread: tuple[float, float] | None = None) -> torch.Tensor:
    """Turn grey levels into network input: without slant, and standardised with MNIST's training statistics.

    Args:
        images: uint8 (N, 28, 28), 0 is background and 255 full ink.
        spread: the network's `TARGET_STD`: standard deviations of ink, down and across, in pixels, that images are brought
            to; None leaves digits as large as they are.

    Returns:
        float32 (N, 1, 28, 28), `(grey / 255 - MNIST_MEAN) / MNIST_STD` of the deslanted images, on their device.

    Raises:
        TypeError: `images` is not a uint8 tensor.
        ValueError: `images` has another shape.
    """
    if not isinstance(images, torch.Tensor) or images.dtype != torch.uint8:
        raise TypeError(f"normalize takes a uint8 tensor of grey levels 0 to 255, not {_kind(images)}.")
    if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(f"normalize takes images of shape (N, 28, 28), not {tuple(images.shape)}.")
    shown = deslant(images)  # (N, 28, 28)
    if spread is not None:
        shown = moment_normalize(shown, spread)
    return shown.unsqueeze(1).float().div_(255).sub_(MNIST_MEAN).div_(MNIST_STD)  # (N, 1, 28, 28)


def denormalize(inputs: torch.Tensor) -> torch.Tensor:
    """The images, uint8 (N, 28, 28), that `normalize` standardised to `inputs`, float32 (N, 1, 28, 28)."""
    return ((inputs * MNIST_STD + MNIST_MEAN) * 255).round().to(torch.uint8).squeeze(1)  # (N, 28, 28)


def _kind(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"
