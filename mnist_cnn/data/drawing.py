"""Batches of drawings, in ink from 0 to 1 and fine enough to draw on: what redrawing and scribbling share.

Places and lengths are in pixels of MNIST's 28×28, x to the right and y down, whatever the canvas's own resolution.
"""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from ..constants import DIGIT_SIZE, IMAGE_SIZE

SIDE = 56  # pixels of a canvas: two for each of MNIST's
_FINENESS = SIDE // IMAGE_SIZE
_FAINTEST = 0.05  # ink that counts for a drawing's box

Uniform = Callable[[float, float], torch.Tensor]  # a random number for each drawing, (N,), within a range


def uniform_numbers(count: int, generator: torch.Generator) -> Uniform:
    """A source of random numbers, one for each of `count` drawings at a call, on the generator's device."""
    return lambda low, high: low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def upsample(images: torch.Tensor) -> torch.Tensor:
    """Images, uint8 (N, 28, 28), as canvases, float32 (N, 56, 56)."""
    ink = images.unsqueeze(1).float() / 255
    return F.interpolate(ink, size=(SIDE, SIDE), mode="bilinear", align_corners=False).squeeze(1)


def draw_line(start: torch.Tensor, end: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Canvases, float32 (N, 56, 56), each with one straight stroke with round ends.

    Args:
        start, end: (N, 2), x and y.
        radius: (N,), half the pen's width.
    """
    x, y = _centres(start.device), _centres(start.device).unsqueeze(1)  # (56,), (56, 1)
    dx, dy = ((end - start)[:, axis, None, None] for axis in (0, 1))  # (N, 1, 1)
    x, y = x - start[:, 0, None, None], y - start[:, 1, None, None]  # (N, 1, 56), (N, 56, 1)
    # The nearest point of the line is this share of the way from its start to its end.
    share = ((x * dx + y * dy) / (dx * dx + dy * dy).clamp_min(1e-6)).clamp_(0, 1)  # (N, 56, 56)
    distance = torch.hypot(x - share * dx, y - share * dy)
    return ((radius[:, None, None] - distance) * _FINENESS + 0.5).clamp_(0, 1)


def bounding_box(ink: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Top, bottom, left and right edges, (N,) each, of the box that holds all ink of drawings (N, S, S)."""
    pixel = IMAGE_SIZE / ink.shape[-1]

    def edges(across: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = (ink.amax(across) > _FAINTEST).float()  # (N, S)
        return found.argmax(1) * pixel, (ink.shape[-1] - found.flip(1).argmax(1)) * pixel

    return *edges(2), *edges(1)


def stroke_width(ink: torch.Tensor) -> torch.Tensor:
    """Mean width, (N,), of the strokes of drawings (N, S, S): their area over half the length of their edges."""
    padded = F.pad(ink, (1, 1, 1, 1))
    down, right = padded[:, 1:, :-1] - padded[:, :-1, :-1], padded[:, :-1, 1:] - padded[:, :-1, :-1]
    edges = torch.hypot(down, right).sum((1, 2)).clamp_min(1e-3)
    return 2 * ink.sum((1, 2)) / edges * (IMAGE_SIZE / ink.shape[-1])


def fit_to_mnist(ink: torch.Tensor, size: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Give drawings the size and place of MNIST's digits, as preprocessing does, and make images of them.

    Args:
        ink: (N, 56, 56).
        size: (N,), of the longer side as a share of MNIST's 20 pixels.
        shift: (N, 2), how far from MNIST's place the centre of mass goes.

    Returns:
        uint8 (N, 28, 28), the strongest ink being 255.
    """
    top, bottom, left, right = bounding_box(ink)
    longer = torch.maximum(bottom - top, right - left).clamp_min(DIGIT_SIZE / 5)
    step = (longer / (DIGIT_SIZE * size)).unsqueeze(1)  # (N, 1), pixels of the source for one of the result
    centres = _centres(ink.device)  # (56,)
    mass = ink.sum((1, 2)).clamp_min(1e-3)
    axes = []
    for axis, across in enumerate((1, 2)):
        middle = (ink.sum(across) @ centres / mass).unsqueeze(1)  # (N, 1)
        # Preprocessing brings the centre of mass to pixel 14, whose own centre is half a pixel further.
        target = IMAGE_SIZE / 2 + 0.5 + shift[:, axis, None]  # (N, 1)
        axes.append(((centres - target) * step + middle) * (2 / IMAGE_SIZE) - 1)  # (N, 56), for grid_sample
    x, y = axes[0].unsqueeze(1).expand(-1, SIDE, -1), axes[1].unsqueeze(2).expand(-1, -1, SIDE)
    moved = F.grid_sample(ink.unsqueeze(1), torch.stack([x, y], dim=3), align_corners=False)
    images = F.avg_pool2d(moved, _FINENESS).squeeze(1)  # (N, 28, 28)
    return (images * (255 / images.amax((1, 2), keepdim=True).clamp_min(0.1))).round_().to(torch.uint8)


def _centres(device: torch.device) -> torch.Tensor:
    """Places of the pixels' centres along a side of a canvas, (56,)."""
    return (torch.arange(SIDE, device=device) + 0.5) / _FINENESS
