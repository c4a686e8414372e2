"""From an MNIST image to a model's input: deslanted, for some models resized, and standardised.

`normalize` is used in training and inference alike, so a model sees the same for an image in both.
"""

import torch
from torch.nn import functional as F

from ..constants import IMAGE_SIZE, MNIST_MEAN, MNIST_STD

_MAX_SLOPE = 1.0  # pixels to the side per pixel down: ink that leans by more than 45° is hardly meant to be upright
# Limits of the scale along each axis in `moment_normalize`, so that a 1 stays narrower than a 0 and a dash flatter.
_MIN_SCALE, _MAX_SCALE = 0.7, 1.6
_MIN_STD = 0.5  # pixels; ink with a smaller standard deviation is a thin line or a dot


def normalize(images: torch.Tensor, target_std: tuple[float, float] | None = None) -> torch.Tensor:
    """Turn grey levels into model inputs: deslant, resize if asked to, and standardise with MNIST's statistics.

    Args:
        images: uint8 (N, 28, 28), 0 is background and 255 full ink.
        target_std: the model's `TARGET_STD`, the vertical and horizontal standard deviation in pixels to which
            `moment_normalize` brings the ink; None keeps the size of the digits.

    Returns:
        float32 (N, 1, 28, 28) on the device of `images`: `(grey / 255 - MNIST_MEAN) / MNIST_STD` of the aligned images.

    Raises:
        TypeError: `images` is not a uint8 tensor.
        ValueError: `images` has another shape.
    """
    if not isinstance(images, torch.Tensor) or images.dtype != torch.uint8:
        dtype = getattr(images, "dtype", None)
        kind = type(images).__name__ if dtype is None else f"{type(images).__name__} of {dtype}"
        raise TypeError(f"normalize takes a uint8 tensor of grey levels 0 to 255, not {kind}.")
    if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(f"normalize takes images of shape (N, 28, 28), not {tuple(images.shape)}.")
    aligned = deslant(images)  # (N, 28, 28)
    if target_std is not None:
        aligned = moment_normalize(aligned, target_std)
    return aligned.unsqueeze(1).float().div_(255).sub_(MNIST_MEAN).div_(MNIST_STD)  # (N, 1, 28, 28)


def denormalize(inputs: torch.Tensor) -> torch.Tensor:
    """Undo the standardisation of model inputs, float32 (N, 1, 28, 28): uint8 (N, 28, 28)."""
    return ((inputs * MNIST_STD + MNIST_MEAN) * 255).round().to(torch.uint8).squeeze(1)


def deslant(images: torch.Tensor) -> torch.Tensor:
    """Shear each image about its centre of mass until the ink's rows and columns are uncorrelated.

    So that models need not learn each digit once per slant (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998, section III-C). All ink counts: a 4, with its ink at the upper left and the lower right, looks
    as if it leaned to the right afterwards, but every 4 does so alike.

    Args:
        images: uint8 (N, H, W), background 0.

    Returns:
        uint8 (N, H, W), on the device of `images`. Blank images stay blank; ink sheared out of an image is lost.
    """
    ink = images.float()  # (N, H, W)
    height, width = images.shape[1:]
    y, x = (torch.arange(size, dtype=torch.float32, device=images.device) for size in (height, width))
    row_mass = ink.sum(2)  # (N, H)
    mean_y = (row_mass @ y).unsqueeze(1) / row_mass.sum(1, keepdim=True).clamp_min(1)  # (N, 1)
    dy = y - mean_y  # (N, H)
    covariance = (dy * (ink @ x)).sum(1, keepdim=True)  # (N, 1), times the mass, as is the variance
    variance = (row_mass * dy.square()).sum(1, keepdim=True)  # (N, 1)
    slope = (covariance / variance.clamp_min(1e-6)).clamp_(-_MAX_SLOPE, _MAX_SLOPE)
    # Linear interpolation along the rows: pixel x of the result lies between pixels x + floor(shift) and the next one.
    # `F.grid_sample` would take four times as long, another 5 % of a training epoch.
    shift = slope * dy  # (N, H)
    floor = shift.floor()
    padding = 2  # columns of background on either side stand for all that lies outside
    columns = torch.arange(padding, padding + width + 1, device=images.device) + floor.long().unsqueeze(2)
    columns.clamp_(0, width + 2 * padding - 1)  # (N, H, W + 1)
    pixels = F.pad(ink, (padding, padding)).gather(2, columns)
    sheared = torch.lerp(pixels[:, :, :-1], pixels[:, :, 1:], (shift - floor).unsqueeze(2))  # (N, H, W)
    return sheared.round_().to(torch.uint8)


def moment_normalize(images: torch.Tensor, target_std: tuple[float, float]) -> torch.Tensor:
    """Scale each image along both axes, and centre it, so that the ink of all has the same standard deviations.

    Moment normalisation (Casey, "Moment normalization of handprinted characters", 1970) without the shear, which
    `deslant` does. The standard deviation measures a digit's size better than its bounding box, which a single
    protruding stroke enlarges.

    Args:
        images: uint8 (N, H, W), background 0.
        target_std: vertical and horizontal standard deviation of the ink, in pixels.

    Returns:
        uint8 (N, H, W), on the device of `images`. Blank images stay blank; ink moved out of an image is lost.
    """
    ink = images.float()  # (N, H, W)
    mass = ink.sum((1, 2)).clamp_min(1).unsqueeze(1)  # (N, 1)
    rows = _resampling_matrices(ink.sum(2) / mass, target_std[0])  # (N, H, H)
    columns = _resampling_matrices(ink.sum(1) / mass, target_std[1])  # (N, W, W)
    return (rows @ ink @ columns.mT).round_().to(torch.uint8)


def _resampling_matrices(profiles: torch.Tensor, target_std: float) -> torch.Tensor:
    """Matrices (N, L, L) that scale and centre images along one axis, on which their ink is distributed as `profiles`.

    They interpolate linearly between the two nearest pixels, which keeps strokes sharp where digits become smaller.

    Args:
        profiles: float32 (N, L), each with the sum 1, or 0 if the image is blank.
        target_std: standard deviation of the scaled profile, in pixels.
    """
    length = profiles.shape[1]
    positions = torch.arange(length, dtype=torch.float32, device=profiles.device)
    mean = (profiles @ positions).unsqueeze(1)  # (N, 1)
    std = (profiles * (positions - mean).square()).sum(1, keepdim=True).sqrt()  # (N, 1)
    scale = (target_std / std.clamp_min(_MIN_STD)).clamp(_MIN_SCALE, _MAX_SCALE)  # (N, 1)
    sources = mean + (positions - (length - 1) / 2) / scale  # (N, L), where each new pixel lies among the old ones
    return (1 - (sources.unsqueeze(2) - positions).abs()).clamp_min_(0)  # (N, L, L)
