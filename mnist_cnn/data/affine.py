"""Random affine transformations of batches of images, with different parameters for each image."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class AffineRanges:
    """Ranges of the parameters, which are drawn uniformly and independently for each image.

    Attributes:
        degrees: maximal rotation in either direction.
        translate: maximal shift along each axis in either direction, as a fraction of the image's side.
        scale: maximal enlargement or reduction, as a fraction of the size.
        shear: maximal slant of vertical lines in either direction, in degrees.
    """

    degrees: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0


NO_AFFINE = AffineRanges()


def random_affine(images: torch.Tensor, ranges: AffineRanges, generator: torch.Generator) -> torch.Tensor:
    """Transform every image with its own random parameters.

    Args:
        images: uint8 (N, 28, 28), background 0.
        ranges: ranges of the parameters.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (N, 28, 28); `images` itself if all ranges are 0.
    """
    if ranges == NO_AFFINE:
        return images

    def draw(limit: float) -> torch.Tensor:
        uniform = torch.rand(len(images), generator=generator, device=images.device)
        return (2 * uniform - 1) * limit  # (N,)

    return affine(
        images,
        degrees=draw(ranges.degrees),
        translate=torch.stack([draw(ranges.translate), draw(ranges.translate)], dim=1),
        scale=1 + draw(ranges.scale),
        shear=draw(ranges.shear),
    )


def affine(
    images: torch.Tensor, degrees: torch.Tensor, translate: torch.Tensor, scale: torch.Tensor, shear: torch.Tensor
) -> torch.Tensor:
    """Transform images with bilinear interpolation and black outside, each with its own parameters.

    The same as `torchvision.transforms.functional.affine(image, angle, translate, scale, [shear, 0])`, which takes one
    set of parameters for a whole batch.

    Args:
        images: uint8 (N, S, S).
        degrees: (N,) clockwise rotation.
        translate: (N, 2) shift to the right and down, as a fraction of the side.
        scale: (N,) factor, 1 keeps the size.
        shear: (N,) slant in degrees; positive values lean the top of the image to the right.

    Returns:
        uint8 (N, S, S).
    """
    grid = affine_grid(images.shape[-1], degrees, translate, scale.unsqueeze(1).expand(-1, 2), shear)
    return sample(images.float(), grid).round_().to(torch.uint8)


def affine_grid(
    size: int, degrees: torch.Tensor, translate: torch.Tensor, scale: torch.Tensor, shear: torch.Tensor
) -> torch.Tensor:
    """Grids for `sample` that scale, shear, rotate and then shift images about their centre.

    Args:
        size: side of the images, in pixels.
        degrees, translate, shear: as in `affine`.
        scale: (N, 2) horizontal and vertical factors.

    Returns:
        float32 (N, size, size, 2), where in the source each pixel of the result lies: x and y from -1 to 1.
    """
    # From the result to the source: shift, rotation, shear and scale are undone in this order. (`F.affine_grid` would
    # need the inverse matrix, and take 1.7 times as long.)
    positions = (2 * torch.arange(size, device=degrees.device) + 1) / size - 1  # of the pixels' centres, (size,)
    x = (positions - 2 * translate[:, :1]).unsqueeze(1)  # (N, 1, size)
    y = (positions - 2 * translate[:, 1:]).unsqueeze(2)  # (N, size, 1)
    angle, slant = torch.deg2rad(degrees)[:, None, None], torch.tan(torch.deg2rad(shear))[:, None, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = cos * x + sin * y, cos * y - sin * x  # (N, size, size)
    return torch.stack([(x + slant * y) / scale[:, :1, None], y / scale[:, 1:, None]], dim=3)


def sample(images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Images, float32 (N, S, S), sampled bilinearly at a grid (N, S, S, 2); 0 outside."""
    return F.grid_sample(images.unsqueeze(1), grid, align_corners=False).squeeze(1)
