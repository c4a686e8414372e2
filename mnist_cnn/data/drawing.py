"""Batches of drawings at twice MNIST's resolution, for stroke augmentation and outliers.

A drawing is float32 (56, 56), the fraction of each pixel that ink covers. Positions and lengths are in pixels of
MNIST's 28×28 images, x to the right and y down, whatever the resolution.

Bounding box, stroke width, MNIST's format, blur and morphological closing exist twice: here and in
`stroke_augmentation` in PyTorch, for batches on any device, with different parameters for each drawing; and in
`preprocessing` in NumPy, for one image of any size. Neither can serve both purposes. A user's drawing must become the
image that MNIST's authors would have made of it, by area averages and whole-pixel offsets, while augmentation scales
and shifts continuously; and a batch takes 1.6 times as long one image at a time.
"""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from ..constants import DIGIT_SIZE, IMAGE_SIZE
from .affine import affine_grid, sample

DRAWING_SIZE = 56  # side of a drawing, in its own pixels
_SCALE = DRAWING_SIZE // IMAGE_SIZE
_MIN_INK = 0.05  # coverage from which a pixel belongs to the bounding box

Uniform = Callable[[float, float], torch.Tensor]  # takes a range, returns a random number for each drawing, (N,)


def uniform_sampler(count: int, generator: torch.Generator) -> Uniform:
    """A function that draws `count` random numbers, one for each drawing, on the generator's device."""
    return lambda low, high: low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def upsample(images: torch.Tensor) -> torch.Tensor:
    """Images, uint8 (N, 28, 28), as drawings, float32 (N, 56, 56)."""
    ink = images.unsqueeze(1).float() / 255
    return F.interpolate(ink, size=(DRAWING_SIZE, DRAWING_SIZE), mode="bilinear", align_corners=False).squeeze(1)


def draw_line(start: torch.Tensor, end: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Drawings, float32 (N, 56, 56), of one straight stroke with round ends each.

    Args:
        start, end: (N, 2), x and y.
        radius: (N,), half the width of the stroke.
    """
    x, y = _pixel_centres(start.device), _pixel_centres(start.device).unsqueeze(1)  # (56,), (56, 1)
    dx, dy = ((end - start)[:, axis, None, None] for axis in (0, 1))  # (N, 1, 1)
    x, y = x - start[:, 0, None, None], y - start[:, 1, None, None]  # (N, 1, 56), (N, 56, 1)
    # The nearest point of the line is at this fraction of its length.
    fraction = ((x * dx + y * dy) / (dx * dx + dy * dy).clamp_min(1e-6)).clamp_(0, 1)  # (N, 56, 56)
    distance = torch.hypot(x - fraction * dx, y - fraction * dy)
    return ((radius[:, None, None] - distance) * _SCALE + 0.5).clamp_(0, 1)


def bounding_box(ink: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Top, bottom, left and right edges, (N,) each, of the ink of drawings or images in 0 to 1, (N, S, S)."""
    size = ink.shape[-1]
    pixel = IMAGE_SIZE / size

    def edges(dim: int) -> tuple[torch.Tensor, torch.Tensor]:
        has_ink = (ink.amax(dim) > _MIN_INK).float()  # (N, S)
        return has_ink.argmax(1) * pixel, (size - has_ink.flip(1).argmax(1)) * pixel

    return *edges(2), *edges(1)


def stroke_width(ink: torch.Tensor) -> torch.Tensor:
    """Mean stroke width, (N,), of drawings or images in 0 to 1, (N, S, S): area over half the length of the edges."""
    padded = F.pad(ink, (1, 1, 1, 1))
    dy, dx = padded[:, 1:, :-1] - padded[:, :-1, :-1], padded[:, :-1, 1:] - padded[:, :-1, :-1]
    edge_length = torch.hypot(dy, dx).sum((1, 2)).clamp_min(1e-3)  # the total variation
    return 2 * ink.sum((1, 2)) / edge_length * (IMAGE_SIZE / ink.shape[-1])


def dilate(fields: torch.Tensor, step: int) -> torch.Tensor:
    """Dilation of drawings, or other fields (N, S, S), by a pixel: the largest values within it.

    Even steps use a cross of five pixels and odd steps a square of nine, so that dots become octagons.
    """
    if step % 2:
        return F.max_pool2d(fields, 3, stride=1, padding=1)
    return torch.maximum(F.max_pool2d(fields, (3, 1), 1, (1, 0)), F.max_pool2d(fields, (1, 3), 1, (0, 1)))


def fit_to_mnist(drawings: torch.Tensor, size: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Scale and centre drawings as preprocessing does, and reduce them to MNIST's resolution.

    Args:
        drawings: (N, 56, 56).
        size: (N,), longer side of the digit, as a fraction of MNIST's 20 pixels.
        shift: (N, 2), displacement of the centre of mass from where MNIST has it.

    Returns:
        uint8 (N, 28, 28), the strongest ink is 255.
    """
    top, bottom, left, right = bounding_box(drawings)
    longer = torch.maximum(bottom - top, right - left).clamp_min(DIGIT_SIZE / 5)
    scale = (DIGIT_SIZE * size / longer).unsqueeze(1).expand(-1, 2)  # (N, 2)
    centres = _pixel_centres(drawings.device)  # (56,)
    moment = torch.stack([drawings.sum(1) @ centres, drawings.sum(2) @ centres], dim=1)  # (N, 2)
    centre_of_mass = moment / drawings.sum((1, 2)).clamp_min(1e-3).unsqueeze(1)
    # MNIST has the centre of mass at pixel 14, whose own centre is half a pixel beyond the centre of the image.
    translate = (0.5 + shift - scale * (centre_of_mass - IMAGE_SIZE / 2)) / IMAGE_SIZE
    zero = torch.zeros_like(size)
    fitted = sample(drawings, affine_grid(DRAWING_SIZE, degrees=zero, translate=translate, scale=scale, shear=zero))
    images = F.avg_pool2d(fitted.unsqueeze(1), _SCALE).squeeze(1)  # (N, 28, 28)
    return (images * (255 / images.amax((1, 2), keepdim=True).clamp_min(0.1))).round_().to(torch.uint8)


def _pixel_centres(device: torch.device) -> torch.Tensor:
    """Positions of the pixels' centres along a side of a drawing, (56,)."""
    return (torch.arange(DRAWING_SIZE, device=device) + 0.5) / _SCALE
