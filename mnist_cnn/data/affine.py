"""Random affine changes of whole batches of MNIST images."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class AffineRanges:
    """Ranges that each image's own random affine change is drawn from, uniformly.

    Attributes:
        degrees: rotation, up to this many degrees either way.
        translate: shift along each axis, up to this share of the image's side either way.
        scale: size, up to this share larger or smaller.
        shear: slant of the vertical strokes, up to this many degrees either way.
    """

    degrees: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0


NO_AFFINE = AffineRanges()


def random_affine(images: torch.Tensor, ranges: AffineRanges, generator: torch.Generator) -> torch.Tensor:
    """Change every image at random, each in its own way.

    Args:
        images: uint8 (N, 28, 28), background 0.
        ranges: how strong the changes may be.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (N, 28, 28); `images` itself where `ranges` changes nothing.
    """
    if ranges == NO_AFFINE:
        return images

    def draw(limit: float) -> torch.Tensor:
        uniform = torch.rand(len(images), generator=generator, device=images.device)
        return (2 * uniform - 1) * limit  # (N,)

    side = images.shape[-1]
    return affine(
        images,
        degrees=draw(ranges.degrees),
        shift=torch.stack([draw(ranges.translate), draw(ranges.translate)], dim=1) * side,
        scale=1 + draw(ranges.scale),
        shear=draw(ranges.shear),
    )


def affine(
    images: torch.Tensor, degrees: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor, shear: torch.Tensor
) -> torch.Tensor:
    """Slant, enlarge, turn and then shift each image about its centre, with bilinear sampling and black outside.

    The same map as `torchvision.transforms.functional.affine(image, angle, translate, scale, [shear, 0])`, for a
    whole batch with other parameters for each image.

    Args:
        images: uint8 (N, H, W) with H = W.
        degrees: (N,) clockwise rotation.
        shift: (N, 2) in pixels, right and down.
        scale: (N,) factor, 1 keeps the size.
        shear: (N,) slant in degrees, positive leans the top of the image to the right.

    Returns:
        uint8 (N, H, W).
    """
    turn, slant = torch.deg2rad(degrees), torch.tan(torch.deg2rad(shear))
    cos, sin = torch.cos(turn) / scale, torch.sin(turn) / scale
    # grid_sample wants the way back, from a place in the result to its place in the source: R(-turn) / scale, then
    # the inverse slant, after the shift is taken off. Its coordinates run from -1 to 1 across the image.
    top = torch.stack([cos - slant * sin, sin + slant * cos], dim=1)  # (N, 2)
    bottom = torch.stack([-sin, cos], dim=1)  # (N, 2)
    linear = torch.stack([top, bottom], dim=1)  # (N, 2, 2)
    offset = -linear @ (shift * (2 / images.shape[-1])).unsqueeze(2)  # (N, 2, 1)
    grid = F.affine_grid(torch.cat([linear, offset], dim=2), [len(images), 1, *images.shape[1:]], align_corners=False)
    moved = F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False)  # (N, 1, H, W)
    return moved.squeeze(1).round_().to(torch.uint8)
