"""Stroke augmentation: MNIST's scanned digits re-rendered like those that people draw on a screen.

MNIST's writers were American and used pencils: nobody crossed a 7 or slashed a 0. Here such strokes are added to the
digits. Then each digit is warped, sheared and rotated, some have their gaps closed as by a thick pen, edges are
sharpened to those of a screen's brush, and the result is fitted into MNIST's format, as preprocessing will fit the
drawings of users.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..constants import IMAGE_SIZE
from .affine import affine_grid, sample
from .drawing import (
    DRAWING_SIZE,
    Uniform,
    bounding_box,
    dilate,
    draw_line,
    fit_to_mnist,
    stroke_width,
    uniform_sampler,
    upsample,
)

_CHUNK = 512  # images per step, which bounds the memory

# Each parameter is drawn uniformly between minus and plus its maximum, unless noted otherwise.
_MAX_DEGREES = 10  # of rotation
_MAX_SHEAR = 8  # degrees
_MAX_SHEAR_OF_1 = 25  # people slant a 1 further, in both directions
_MAX_LOG_ASPECT = 0.2  # logarithm of the factor by which height over width changes
_WARP_STD = 0.5  # pixels, normally distributed displacement of each control point
_CONTROL_POINTS = 5  # along each side
_MAX_RESIZE = 0.05
_MAX_SHIFT = 1.5  # pixels
_CLOSING_PROBABILITY = 0.2
_MAX_CLOSING_RADIUS = 3  # pixels of a drawing, from 1: a pen up to a quarter as wide as the digit
_MARGIN = 1.15  # drawings are first reduced by this factor, so that protruding strokes stay inside
# After a blur, the new edge lies where ink has this fraction of its mean, and rises over a quarter of the mean.
_BLUR_STD = 1.2  # pixels of a drawing
_EDGE_LEVELS = (0.65, 1.0)  # drawn uniformly on a logarithmic scale
_EDGE_STEEPNESS = 4.0

Segments = list[tuple[torch.Tensor, torch.Tensor]]  # straight strokes, each as its starts (N, 2) and ends (N, 2)


@dataclass(frozen=True)
class _Digits:
    """Digits to add strokes to: their ink (N, 28, 28), 0 to 1, bounding box and half the stroke width, (N,) each."""

    ink: torch.Tensor
    top: torch.Tensor
    bottom: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    radius: torch.Tensor

    @classmethod
    def from_ink(cls, ink: torch.Tensor) -> "_Digits":
        return cls(ink, *bounding_box(ink), stroke_width(ink) / 2)

    @property
    def height(self) -> torch.Tensor:
        return self.bottom - self.top

    @property
    def top_point(self) -> torch.Tensor:
        """The centre of the stroke at the digit's top, (N, 2)."""
        return self.centre_at(self.top + self.radius)

    @property
    def bottom_point(self) -> torch.Tensor:
        """The centre of the stroke at the digit's bottom, (N, 2)."""
        return self.centre_at(self.bottom - self.radius)

    def centre_at(self, y: torch.Tensor) -> torch.Tensor:
        """The centre of mass (N, 2) of the ink in the rows at heights y (N,)."""
        rows = self.ink[torch.arange(len(y), device=y.device), y.long().clamp(0, IMAGE_SIZE - 1)]  # (N, 28)
        x = rows @ (torch.arange(IMAGE_SIZE, device=y.device) + 0.5) / rows.sum(1).clamp_min(1e-3)
        return torch.stack([x, y], dim=1)


def _vector(degrees: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Vectors (N, 2) of given directions (N,), anticlockwise from the right, and lengths (N,)."""
    angle = torch.deg2rad(degrees)
    return torch.stack([torch.cos(angle), -torch.sin(angle)], dim=1) * length.unsqueeze(1)


def _line_through(
    point: torch.Tensor, degrees: torch.Tensor, before: torch.Tensor, after: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A stroke through points (N, 2) that starts a length `before` (N,) ahead of them and ends `after` (N,) behind."""
    return point - _vector(degrees, before), point + _vector(degrees, after)


def _slash(digits: _Digits, uniform: Uniform) -> Segments:
    """The slash of a 0, which may end inside it or far outside, and is sometimes flat or leans back."""
    kind = uniform(0, 1)
    degrees = torch.where(kind < 0.1, uniform(-10, 20), torch.where(kind > 0.93, uniform(100, 150), uniform(20, 100)))
    semi_axes = torch.stack([digits.right - digits.left, digits.height], dim=1) / 2
    offset = torch.stack([uniform(-0.2, 0.2), uniform(-0.2, 0.2)], dim=1)
    centre = torch.stack([digits.left, digits.top], dim=1) + semi_axes * (1 + offset)
    # From the centre of the ellipse in the bounding box to its edge.
    length = 1 / (_vector(degrees, torch.ones_like(degrees)) / semi_axes).norm(dim=1)
    return [_line_through(centre, degrees, length * uniform(0.6, 2.1), length * uniform(0.6, 2.1))]


def _crossbar(digits: _Digits, uniform: Uniform) -> Segments:
    """The bar through the stem of a 7."""
    crossing = digits.centre_at(digits.top + digits.height * uniform(0.38, 0.6))
    degrees = uniform(-15, 30)
    before, after = digits.height * uniform(0.12, 0.35), digits.height * uniform(0.12, 0.35)
    return [_line_through(crossing, degrees, before, after)]


def _serif(digits: _Digits, uniform: Uniform) -> Segments:
    """The stroke down from the left end of a 7's top."""
    rows = torch.arange(IMAGE_SIZE, device=digits.ink.device) + 0.5
    upper = digits.ink * (rows < (digits.top + 0.35 * digits.height).unsqueeze(1)).unsqueeze(2)  # (N, 28, 28)
    left = (upper.amax(1) > 0.4).float().argmax(1)  # (N,)
    column = upper[torch.arange(len(left), device=left.device), :, left]  # (N, 28)
    corner = torch.stack([left + digits.radius, column @ rows / column.sum(1).clamp_min(1e-3)], dim=1)
    return [(corner, corner + _vector(uniform(250, 290), digits.height * uniform(0.12, 0.35)))]


def _flag(digits: _Digits, uniform: Uniform) -> Segments:
    """The upstroke to the top of a 1: the steeper, the longer it may be, sometimes as tall as the stem."""
    degrees = uniform(180, 255)
    length = digits.height * uniform(0.15, 0.6) * (0.5 + (degrees - 180) / 75)
    tall = digits.height * uniform(0.6, 1.05) / torch.sin(torch.deg2rad(degrees - 180)).clamp_min(0.5)
    length = torch.where((degrees > 215) & (uniform(0, 1) < 0.35), tall, length)
    return [(digits.top_point, digits.top_point + _vector(degrees, length))]


def _foot(digits: _Digits, uniform: Uniform) -> Segments:
    """The horizontal line under a 1."""
    degrees = uniform(-12, 12)
    before, after = digits.height * uniform(0.1, 0.45), digits.height * uniform(0.1, 0.45)
    return [_line_through(digits.bottom_point, degrees, before, after)]


def _flag_and_foot(digits: _Digits, uniform: Uniform) -> Segments:
    return _flag(digits, uniform) + _foot(digits, uniform)


def _exit_stroke(digits: _Digits, uniform: Uniform) -> Segments:
    """The stroke from the bottom of a 1 to the right, towards a next digit."""
    end = digits.bottom_point + _vector(uniform(-5, 60), digits.height * uniform(0.1, 0.35))
    return [(digits.bottom_point, end)]


def _hook(digits: _Digits, uniform: Uniform) -> Segments:
    """The tail of a 9, to the left and then up."""
    degrees = uniform(180, 220)
    corner = digits.bottom_point + _vector(degrees, digits.height * uniform(0.12, 0.4))
    end = corner + _vector(degrees - uniform(30, 100), digits.height * uniform(0, 0.25))
    return [(digits.bottom_point, corner), (corner, end)]


# The strokes that are added to each digit, with their probabilities. A digit gets one style at most.
STYLES: dict[int, list[tuple[float, Callable[[_Digits, Uniform], Segments]]]] = {
    0: [(0.3, _slash)],
    1: [(0.3, _flag), (0.1, _foot), (0.1, _flag_and_foot), (0.1, _exit_stroke)],
    7: [(0.2, _crossbar), (0.08, _serif)],
    9: [(0.25, _hook)],
}


def augment_strokes(
    images: torch.Tensor, labels: torch.Tensor, probability: float, generator: torch.Generator
) -> torch.Tensor:
    """Re-render images at random, each with its own random parameters.

    Args:
        images: uint8 (N, 28, 28), background 0.
        labels: int64 (N,); digits that are not in `STYLES`, and other labels, get no strokes but all the rest.
        probability: that an image is re-rendered, 0 to 1. A model that also sees unchanged images stays accurate on
            MNIST's own digits.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (N, 28, 28); `images` itself if none is re-rendered.
    """
    if probability == 0:
        return images
    chosen = torch.rand(len(images), generator=generator, device=images.device) < probability
    if not chosen.any():
        return images
    result = images.clone()
    chunks = zip(images[chosen].split(_CHUNK), labels[chosen].split(_CHUNK), strict=True)
    result[chosen] = torch.cat([_rerender(*chunk, generator) for chunk in chunks])
    return result


def _rerender(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    uniform = uniform_sampler(len(images), generator)
    drawings = upsample(images)  # (N, 56, 56)
    _add_strokes(drawings, images, labels, generator)
    shear = torch.where(labels == 1, uniform(-_MAX_SHEAR_OF_1, _MAX_SHEAR_OF_1), uniform(-_MAX_SHEAR, _MAX_SHEAR))
    drawings = _warp(drawings, uniform(-_MAX_DEGREES, _MAX_DEGREES), shear, generator)
    # A radius of 1, 2 or 3 with equal probabilities where gaps are closed, else 0.
    radius = (uniform(0, 1) / _CLOSING_PROBABILITY * _MAX_CLOSING_RADIUS).ceil().long()
    drawings = _close_gaps(drawings, radius.where(radius <= _MAX_CLOSING_RADIUS, 0))
    drawings = _sharpen(drawings, torch.exp(uniform(*map(math.log, _EDGE_LEVELS))))
    size = uniform(1 - _MAX_RESIZE, 1 + _MAX_RESIZE)
    shift = torch.stack([uniform(-_MAX_SHIFT, _MAX_SHIFT), uniform(-_MAX_SHIFT, _MAX_SHIFT)], dim=1)
    return fit_to_mnist(drawings, size, shift)


def _add_strokes(
    drawings: torch.Tensor, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
) -> None:
    """Add the strokes of `STYLES` to drawings (N, 56, 56) of images (N, 28, 28), in place."""
    draw = torch.rand(len(labels), generator=generator, device=labels.device)
    for digit, styles in STYLES.items():
        low = 0.0
        for probability, style in styles:
            high = low + probability
            chosen = ((labels == digit) & (draw >= low) & (draw < high)).nonzero().squeeze(1)
            digits = _Digits.from_ink(images[chosen].float() / 255)
            for start, end in style(digits, uniform_sampler(len(chosen), generator)):
                drawings[chosen] = torch.maximum(drawings[chosen], draw_line(start, end, digits.radius))
            low = high


def _warp(
    drawings: torch.Tensor, degrees: torch.Tensor, shear: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Rotate and shear drawings (N, 56, 56) by given degrees (N,), and stretch and warp them at random."""
    count, device = len(drawings), drawings.device
    aspect = uniform_sampler(count, generator)(-_MAX_LOG_ASPECT, _MAX_LOG_ASPECT)
    scale = torch.exp(torch.stack([-aspect, aspect], dim=1) / 2) / _MARGIN
    grid = affine_grid(DRAWING_SIZE, degrees, torch.zeros_like(scale), scale, shear)  # (N, 56, 56, 2)
    control_points = torch.randn(count * 2, _CONTROL_POINTS**2, generator=generator, device=device)
    displacement = (control_points * (_WARP_STD * 2 / IMAGE_SIZE)) @ _bicubic_matrix(device)  # (2 N, 56 * 56)
    displacement = displacement.view(count, 2, DRAWING_SIZE, DRAWING_SIZE).permute(0, 2, 3, 1)
    return sample(drawings, grid + displacement)


def _close_gaps(drawings: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Morphological closing of drawings (N, 56, 56), each with its own radius (N,) in pixels of a drawing; 0 for none.

    Preprocessing makes wide strokes narrow again, but what they have filled stays filled, such as the loops of a small
    8 drawn with a thick pen.
    """
    steps = [(step, (radius > step).nonzero().squeeze(1)) for step in range(int(radius.max()))]
    for step, chosen in steps:
        drawings[chosen] = dilate(drawings[chosen], step)
    for step, chosen in reversed(steps):
        drawings[chosen] = 1 - dilate(1 - drawings[chosen], step)
    return drawings


def _sharpen(drawings: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Give drawings (N, 56, 56) smooth outlines with sharp edges; the lower the levels (N,), the wider the strokes."""
    blur = _blur_matrix(drawings.device)
    blurred = blur @ drawings @ blur
    mean = (blurred**2).sum((1, 2)) / blurred.sum((1, 2)).clamp_min(1e-3)  # of the ink, weighted by itself
    relative = blurred / mean.clamp_min(0.05)[:, None, None]
    return ((relative - level[:, None, None]) * _EDGE_STEEPNESS + 0.5).clamp_(0, 1)


@functools.cache
def _bicubic_matrix(device: torch.device) -> torch.Tensor:
    """Matrix (25, 56 * 56) that interpolates bicubically between control points.

    Multiplying by it takes a sixth of the time of `F.interpolate`, which saves 5 % of an epoch with augmentation.
    """
    unit = torch.eye(_CONTROL_POINTS**2, device=device).view(-1, 1, _CONTROL_POINTS, _CONTROL_POINTS)
    return F.interpolate(unit, (DRAWING_SIZE, DRAWING_SIZE), mode="bicubic", align_corners=True).flatten(1)


@functools.cache
def _blur_matrix(device: torch.device) -> torch.Tensor:
    """Matrix (56, 56) of a Gaussian blur along one axis, background outside.

    Multiplying by it takes a seventh of the time of torchvision's `gaussian_blur`, which saves 9 % of an epoch with
    augmentation.
    """
    positions = torch.arange(DRAWING_SIZE, device=device).float()
    distance = (positions.unsqueeze(1) - positions).abs()
    weights = torch.exp(-(distance**2) / (2 * _BLUR_STD**2)) * (distance <= 4)
    return weights / weights.sum(1).max()
