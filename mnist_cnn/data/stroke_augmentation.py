"""MNIST's scanned digits made like those that people draw on a screen.

MNIST's writers were American and used a pencil: nobody crossed a 7 or slashed a 0. Here such strokes are drawn onto
the digits; then the whole is bent, slanted and turned, drawn over with ink that has a screen brush's sharp edge, and
fitted into MNIST's frame again, as preprocessing will fit what visitors draw.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..constants import IMAGE_SIZE
from .drawing import SIDE, Uniform, bounding_box, draw_line, fit_to_mnist, stroke_width, uniform_numbers, upsample

_PART = 512  # drawings at a time: few enough for the processor's caches

# Ranges of the random changes, each even around none.
_DEGREES = 10  # of rotation
_SHEAR = 8  # degrees that verticals lean
_SHEAR_OF_1 = 25  # people lean a 1 further, and backwards too
_ASPECT = 0.2  # logarithm of width over height
_BEND = 0.5  # pixels, standard deviation of each knot's displacement
_KNOTS = 5  # along each side
_SIZE = 0.05
_SHIFT = 1.5  # pixels
_CLOSED = 0.2  # share of the drawings whose gaps are filled as by a thick pen
_MOST_CLOSED = 3  # canvas pixels on either side of a gap: a pen that is a quarter as wide as the digit
_ROOM = 1.15  # drawings are made smaller first by this factor, so that what sticks out stays on the canvas
# The ink's new edge runs where the old ink, blurred, has this share of its mean, and rises over a quarter of it.
_BLUR = 1.2  # canvas pixels
_EDGE = (0.65, 1.0)
_STEEPNESS = 4.0

Segments = list[tuple[torch.Tensor, torch.Tensor]]  # strokes, each by its starts (N, 2) and ends (N, 2)


@dataclass(frozen=True)
class _Digits:
    """Digits to draw on, (N, 28, 28), with their boxes' edges and half their pens' widths, (N,) each."""

    ink: torch.Tensor
    top: torch.Tensor
    bottom: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    radius: torch.Tensor

    @classmethod
    def of(cls, ink: torch.Tensor) -> "_Digits":
        return cls(ink, *bounding_box(ink), stroke_width(ink) / 2)

    @property
    def height(self) -> torch.Tensor:
        return self.bottom - self.top

    def on_path(self, y: torch.Tensor) -> torch.Tensor:
        """The point (N, 2) in the middle of the ink at heights y (N,)."""
        rows = self.ink[torch.arange(len(y), device=y.device), y.long().clamp(0, IMAGE_SIZE - 1)]  # (N, 28)
        x = rows @ (torch.arange(IMAGE_SIZE, device=y.device) + 0.5) / rows.sum(1).clamp_min(1e-3)
        return torch.stack([x, y], dim=1)

    def start(self) -> torch.Tensor:
        """The middle of the pen at the digit's top, (N, 2)."""
        return self.on_path(self.top + self.radius)

    def end(self) -> torch.Tensor:
        """The middle of the pen at the digit's bottom, (N, 2)."""
        return self.on_path(self.bottom - self.radius)


def _along(degrees: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Displacements (N, 2) of lengths (N,) in directions (N,), counted from the right through upwards."""
    angle = torch.deg2rad(degrees)
    return torch.stack([torch.cos(angle), -torch.sin(angle)], dim=1) * length.unsqueeze(1)


def _slash(digits: _Digits, uniform: Uniform) -> Segments:
    """A 0's slash, from inside it or from far beyond; now and then it lies flat or leans back."""
    lean = uniform(0, 1)
    degrees = torch.where(lean < 0.1, uniform(-10, 20), torch.where(lean > 0.93, uniform(100, 150), uniform(20, 100)))
    half = torch.stack([digits.right - digits.left, digits.height], dim=1) / 2
    off = torch.stack([uniform(-0.2, 0.2), uniform(-0.2, 0.2)], dim=1)
    middle = torch.stack([digits.left, digits.top], dim=1) + half * (1 + off)
    to_edge = 1 / (_along(degrees, torch.ones_like(degrees)) / half).norm(dim=1)  # of the ellipse in the box
    return [
        (
            middle - _along(degrees, to_edge * uniform(0.6, 2.1)),
            middle + _along(degrees, to_edge * uniform(0.6, 2.1)),
        )
    ]


def _bar(digits: _Digits, uniform: Uniform) -> Segments:
    """The bar through a 7's stem."""
    crossing = digits.on_path(digits.top + digits.height * uniform(0.38, 0.6))
    degrees = uniform(-15, 30)
    return [
        (
            crossing - _along(degrees, digits.height * uniform(0.12, 0.35)),
            crossing + _along(degrees, digits.height * uniform(0.12, 0.35)),
        )
    ]


def _serif(digits: _Digits, uniform: Uniform) -> Segments:
    """The stroke down from the left end of a 7's top."""
    rows = torch.arange(IMAGE_SIZE, device=digits.ink.device) + 0.5
    upper = digits.ink * (rows < (digits.top + 0.35 * digits.height).unsqueeze(1)).unsqueeze(2)  # (N, 28, 28)
    left = (upper.amax(1) > 0.4).float().argmax(1)  # (N,)
    column = upper[torch.arange(len(left), device=left.device), :, left]  # (N, 28)
    corner = torch.stack([left + digits.radius, column @ rows / column.sum(1).clamp_min(1e-3)], dim=1)
    return [(corner, corner + _along(uniform(250, 290), digits.height * uniform(0.12, 0.35)))]


def _flag(digits: _Digits, uniform: Uniform) -> Segments:
    """The stroke up to a 1's top; the steeper, the longer it may be, now and then as high as the stem."""
    degrees = uniform(180, 255)
    length = digits.height * uniform(0.15, 0.6) * (0.5 + (degrees - 180) / 75)
    high = digits.height * uniform(0.6, 1.05) / torch.sin(torch.deg2rad(degrees - 180)).clamp_min(0.5)
    length = torch.where((degrees > 215) & (uniform(0, 1) < 0.35), high, length)
    return [(digits.start(), digits.start() + _along(degrees, length))]


def _foot(digits: _Digits, uniform: Uniform) -> Segments:
    """The line that a 1 stands on."""
    degrees = uniform(-12, 12)
    return [
        (
            digits.end() - _along(degrees, digits.height * uniform(0.1, 0.45)),
            digits.end() + _along(degrees, digits.height * uniform(0.1, 0.45)),
        )
    ]


def _flag_and_foot(digits: _Digits, uniform: Uniform) -> Segments:
    return _flag(digits, uniform) + _foot(digits, uniform)


def _upstroke(digits: _Digits, uniform: Uniform) -> Segments:
    """The pen's way on from a 1's bottom, to the right."""
    return [(digits.end(), digits.end() + _along(uniform(-5, 60), digits.height * uniform(0.1, 0.35)))]


def _hook(digits: _Digits, uniform: Uniform) -> Segments:
    """The tail of a 9, to the left and then up."""
    degrees = uniform(180, 220)
    bend = digits.end() + _along(degrees, digits.height * uniform(0.12, 0.4))
    return [
        (digits.end(), bend),
        (bend, bend + _along(degrees - uniform(30, 100), digits.height * uniform(0, 0.25))),
    ]


# Which strokes are drawn onto which digits, and how often. A digit gets one kind at most.
STYLES: dict[int, list[tuple[float, Callable[[_Digits, Uniform], Segments]]]] = {
    0: [(0.3, _slash)],
    1: [(0.3, _flag), (0.1, _foot), (0.1, _flag_and_foot), (0.1, _upstroke)],
    7: [(0.2, _bar), (0.08, _serif)],
    9: [(0.25, _hook)],
}


def augment_strokes(
    images: torch.Tensor, labels: torch.Tensor, share: float, generator: torch.Generator
) -> torch.Tensor:
    """Draw some of the images anew, each in its own random way.

    Args:
        images: uint8 (N, 28, 28), background 0.
        labels: int64 (N,); what is none of the digits in `STYLES` gets no strokes, but all the rest.
        share: of the images, 0 to 1; the others stay as they are. Who sees MNIST's own digits too keeps reading them.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (N, 28, 28); `images` itself where none of them is drawn anew.
    """
    if share == 0:
        return images
    chosen = torch.rand(len(images), generator=generator, device=images.device) < share
    if not chosen.any():
        return images
    result = images.clone()
    parts = zip(images[chosen].split(_PART), labels[chosen].split(_PART), strict=True)
    result[chosen] = torch.cat([_redraw(part, part_labels, generator) for part, part_labels in parts])
    return result


def _redraw(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    uniform = uniform_numbers(len(images), generator)
    ink = upsample(images)  # (N, 56, 56)
    _add_strokes(ink, images, labels, generator)
    shear = torch.where(labels == 1, uniform(-_SHEAR_OF_1, _SHEAR_OF_1), uniform(-_SHEAR, _SHEAR))
    ink = _bent(ink, uniform(-_DEGREES, _DEGREES), shear, uniform(-_ASPECT, _ASPECT), generator)
    ink = _closed(ink, (uniform(0, 1) / _CLOSED * _MOST_CLOSED).ceil().long())
    ink = _inked(ink, torch.exp(uniform(*map(math.log, _EDGE))))
    return fit_to_mnist(
        ink, uniform(1 - _SIZE, 1 + _SIZE), torch.stack([uniform(-_SHIFT, _SHIFT) for _ in "xy"], dim=1)
    )


def _add_strokes(ink: torch.Tensor, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> None:
    """Draw onto canvases (N, 56, 56), in place, what `STYLES` has for their labels."""
    luck = torch.rand(len(labels), generator=generator, device=labels.device)
    for digit, styles in STYLES.items():
        taken = 0.0
        for share, style in styles:
            chosen = ((labels == digit) & (luck >= taken) & (luck < taken + share)).nonzero().squeeze(1)
            taken += share
            digits = _Digits.of(images[chosen].float() / 255)
            for start, end in style(digits, uniform_numbers(len(chosen), generator)):
                ink[chosen] = torch.maximum(ink[chosen], draw_line(start, end, digits.radius))


def _bent(
    ink: torch.Tensor, degrees: torch.Tensor, shear: torch.Tensor, aspect: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Turn, slant, stretch and bend canvases (N, 56, 56), each by its own amounts (N,)."""
    count, device = len(ink), ink.device
    turn, slant = torch.deg2rad(degrees), torch.tan(torch.deg2rad(shear))
    cos, sin = torch.cos(turn), torch.sin(turn)
    wide, high = torch.exp(aspect / 2) * _ROOM, torch.exp(-aspect / 2) * _ROOM
    # From places in the result to places in the source.
    top = torch.stack([(cos - slant * sin) * wide, (sin + slant * cos) * wide, torch.zeros_like(cos)], dim=1)
    bottom = torch.stack([-sin * high, cos * high, torch.zeros_like(cos)], dim=1)
    grid = F.affine_grid(torch.stack([top, bottom], dim=1), [count, 1, SIDE, SIDE], align_corners=False)
    knots = torch.randn(count * 2, _KNOTS**2, generator=generator, device=device) * (_BEND * 2 / IMAGE_SIZE)
    field = (knots @ _between_knots(device)).view(count, 2, SIDE, SIDE)
    return F.grid_sample(ink.unsqueeze(1), grid + field.permute(0, 2, 3, 1), align_corners=False).squeeze(1)


def _closed(ink: torch.Tensor, reach: torch.Tensor) -> torch.Tensor:
    """Canvases (N, 56, 56) as a pen would leave them that is wider by `reach` pixels (N,) on either side, then evened.

    Preprocessing makes wide strokes narrow again, but what they have filled, as an 8's loops where the digit is tiny,
    stays filled: a morphological closing. Where `reach` is above `_MOST_CLOSED` nothing is closed.
    """
    deep = reach.where(reach <= _MOST_CLOSED, 0)
    rounds = [(step, (deep > step).nonzero().squeeze(1)) for step in range(int(deep.max()))]
    for step, chosen in rounds:
        ink[chosen] = _dilated(ink[chosen], step)
    for step, chosen in reversed(rounds):
        ink[chosen] = 1 - _dilated(1 - ink[chosen], step)
    return ink


def _dilated(ink: torch.Tensor, step: int) -> torch.Tensor:
    """Canvases (N, 56, 56) grown by a pixel: by turns in four and in eight directions, which makes octagons of dots."""
    if step % 2:
        return F.max_pool2d(ink, 3, stride=1, padding=1)
    return torch.maximum(F.max_pool2d(ink, (3, 1), 1, (1, 0)), F.max_pool2d(ink, (1, 3), 1, (0, 1)))


def _inked(ink: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Canvases (N, 56, 56) with sharp edges, the lower their levels (N,) the further out."""
    blur = _blur(ink.device)
    blurred = blur @ ink @ blur
    mean = (blurred**2).sum((1, 2)) / blurred.sum((1, 2)).clamp_min(1e-3)  # over the ink, weighted by it
    share = blurred / mean.clamp_min(0.05)[:, None, None]
    return ((share - level[:, None, None]) * _STEEPNESS + 0.5).clamp_(0, 1)


@functools.cache
def _between_knots(device: torch.device) -> torch.Tensor:
    """Matrix (25, 56 * 56) that fills a canvas between knots bicubically: far quicker than interpolating each field."""
    knots = torch.eye(_KNOTS**2, device=device).view(-1, 1, _KNOTS, _KNOTS)
    return F.interpolate(knots, (SIDE, SIDE), mode="bicubic", align_corners=True).flatten(1)


@functools.cache
def _blur(device: torch.device) -> torch.Tensor:
    """Matrix (56, 56) that blurs along one axis, a Gaussian without its far tails."""
    places = torch.arange(SIDE, device=device).float()
    distance = (places.unsqueeze(1) - places).abs()
    weights = torch.exp(-(distance**2) / (2 * _BLUR**2)) * (distance <= 4)
    return weights / weights.sum(1).max()
