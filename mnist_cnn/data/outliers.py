"""Drawings that are no digit, made from random strokes and from pieces of digits.

A network that has only ever seen digits names one for anything. Trained on these too, with no digit preferred to any
other, it spreads its probability where it sees none (Hendrycks et al., "Deep anomaly detection with outlier
exposure", 2019).
"""

import functools
import itertools
import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

from .drawing import SIDE, Uniform, draw_line, fit_to_mnist, uniform_numbers, upsample

NON_DIGIT = 10  # the label of a drawing that is none

_PART = 500  # drawings at a time
_NEAR, _FAR = 4.0, 24.0  # the square that strokes are drawn in, in pixels
_SCRAWLED = 32  # points of a scrawl
# Digits that are none when turned by a quarter, or seen in a mirror (a mirrored 2 or 5 comes close to a 5 or 2).
_STRANGE_WHEN_TURNED = (1, 2, 3, 4, 5, 6, 7, 9)
_STRANGE_WHEN_MIRRORED = (3, 4, 7, 9)


def make_outliers(images: torch.Tensor, labels: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Make drawings that are no digit: lines, curves, scrawls, dashes and blots, two digits, digits turned or mirrored.

    Args:
        images: uint8 (N, 28, 28), digits to make some of them from, N ≥ 1.
        labels: int64 (N,), 0 to 9.
        count: how many.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (count, 28, 28). By chance one may look like a digit after all.
    """
    made = []
    for first in range(0, count, _PART):
        size = min(_PART, count - first)
        kinds = torch.multinomial(
            torch.tensor([share for share, _ in KINDS], device=images.device),
            size,
            replacement=True,
            generator=generator,
        )
        ink = torch.empty(size, SIDE, SIDE, device=images.device)
        for kind, (_, make) in enumerate(KINDS):
            places = (kinds == kind).nonzero().squeeze(1)
            if len(places):
                pairs = torch.randint(len(images), (len(places), 2), generator=generator, device=images.device)
                ink[places] = make(images[pairs], labels[pairs], generator)
        middle = torch.zeros(size, 2, device=images.device)
        made.append(fit_to_mnist(ink, torch.ones(size, device=images.device), middle))
    return torch.cat(made)


def _broken_lines(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Three to five straight pieces, some hanging together, some upright or level as in printed letters."""
    uniform = uniform_numbers(len(images), generator)
    radius, pieces = uniform(0.9, 1.7), uniform(3, 6).long()
    ink = torch.zeros(len(images), SIDE, SIDE, device=images.device)
    end = _somewhere(uniform)
    for piece in range(5):
        start = torch.where((uniform(0, 1) < 0.45).unsqueeze(1), _somewhere(uniform), end)
        end = _somewhere(uniform)
        way = uniform(0, 1)
        end[:, 0] = torch.where(way < 0.3, start[:, 0] + uniform(-1.5, 1.5), end[:, 0])
        end[:, 1] = torch.where(way > 0.75, start[:, 1] + uniform(-1.5, 1.5), end[:, 1])
        count = draw_line(start, end, radius) * (piece < pieces)[:, None, None]
        ink = torch.maximum(ink, count)
    return ink


def _curves(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Two or three Bézier curves."""
    uniform = uniform_numbers(len(images), generator)
    radius, curves = uniform(0.9, 1.7), uniform(2, 4).long()
    ink = torch.zeros(len(images), SIDE, SIDE, device=images.device)
    for curve in range(3):
        a, b, c, d = (_somewhere(uniform) for _ in range(4))
        points = [
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
            for t in torch.linspace(0, 1, 7).tolist()
        ]
        for start, end in itertools.pairwise(points):
            ink = torch.maximum(ink, draw_line(start, end, radius) * (curve < curves)[:, None, None])
    return ink


def _scrawls(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One long stroke to and fro, of a pen that turns at random, some more sharply than others."""
    uniform = uniform_numbers(len(images), generator)
    count, radius, sharpness = len(images), uniform(0.8, 1.5), uniform(0.5, 1.3).unsqueeze(1)
    turns = torch.randn(count, _SCRAWLED, generator=generator, device=images.device)
    turns[:, 1:] += turns[:, :-1]  # a hand keeps turning for a while
    angle = 2 * math.pi * uniform(0, 1).unsqueeze(1) + (sharpness * turns).cumsum(1)
    path = torch.stack([torch.cos(angle), torch.sin(angle)], dim=2).cumsum(1)  # (N, points, 2)
    path -= path.amin(1, keepdim=True)
    path = _NEAR + path * ((_FAR - _NEAR) / path.amax((1, 2), keepdim=True))
    ink = torch.zeros(count, SIDE, SIDE, device=images.device)
    for point in range(1, _SCRAWLED):
        ink = torch.maximum(ink, draw_line(path[:, point - 1], path[:, point], radius))
    return ink


def _dashes(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One level stroke, as thin as a pen or as thick as a blot."""
    uniform = uniform_numbers(len(images), generator)
    middle = torch.stack([uniform(12, 16), uniform(12, 16)], dim=1)
    angle, half = torch.deg2rad(uniform(-35, 35)), uniform(4, 10)
    reach = torch.stack([torch.cos(angle) * half, torch.sin(angle) * half], dim=1)
    radius = torch.where(uniform(0, 1) < 0.5, uniform(1, 2), uniform(3, 7))
    return draw_line(middle - reach, middle + reach, radius)


def _blots(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A patch of ink: a few thick strokes around one place."""
    uniform = uniform_numbers(len(images), generator)
    spread = uniform(0.5, 3)

    def near() -> torch.Tensor:
        return torch.stack([14 + spread * uniform(-1, 1), 14 + spread * uniform(-1.5, 1.5)], dim=1)  # (N, 2)

    return functools.reduce(torch.maximum, [draw_line(near(), near(), uniform(2.5, 5)) for _ in range(3)])


def _two_digits(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Two digits side by side."""
    uniform = uniform_numbers(len(images), generator)
    wide, high, off = uniform(0.38, 0.55), uniform(0.7, 1), uniform(0.36, 0.5)
    halves = [_squeezed(upsample(images[:, 0]), wide, high, -off), _squeezed(upsample(images[:, 1]), wide, high, off)]
    return torch.maximum(*halves)


def _one_over_another(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A digit across another that lies on its side."""
    return torch.maximum(upsample(images[:, 0]), upsample(images[:, 1]).rot90(1, (1, 2)))


def _turned(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A digit on its side or mirrored, or across another where that would leave a digit."""
    uniform = uniform_numbers(len(images), generator)
    ink, chance = upsample(images[:, 0]), uniform(0, 1)
    ways = (
        (chance < 0.4, ink.flip(2), _STRANGE_WHEN_MIRRORED),
        ((chance >= 0.4) & (chance < 0.7), ink.rot90(1, (1, 2)), _STRANGE_WHEN_TURNED),
        (chance >= 0.7, ink.rot90(3, (1, 2)), _STRANGE_WHEN_TURNED),
    )
    result = _one_over_another(images, labels, generator)
    for taken, turned, strange in ways:
        fits = taken & torch.isin(labels[:, 0], torch.tensor(strange, device=labels.device))
        result = torch.where(fits[:, None, None], turned, result)
    return result


# How often each kind is made; from pairs of digits, uint8 (N, 2, 28, 28), with labels (N, 2), each makes canvases,
# float32 (N, 56, 56).
KINDS: tuple[tuple[float, Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]], ...] = (
    (0.25, _broken_lines),
    (0.15, _curves),
    (0.15, _scrawls),
    (0.05, _dashes),
    (0.06, _blots),
    (0.12, _two_digits),
    (0.04, _one_over_another),
    (0.18, _turned),
)


def _somewhere(uniform: Uniform) -> torch.Tensor:
    return torch.stack([uniform(_NEAR, _FAR), uniform(_NEAR, _FAR)], dim=1)  # (N, 2)


def _squeezed(ink: torch.Tensor, wide: torch.Tensor, high: torch.Tensor, off: torch.Tensor) -> torch.Tensor:
    """Canvases (N, 56, 56) made narrower and lower by factors (N,) and moved sideways, by shares of half the side."""
    nought = torch.zeros_like(wide)
    maps = torch.stack(
        [torch.stack([1 / wide, nought, -off / wide], dim=1), torch.stack([nought, 1 / high, nought], dim=1)], dim=1
    )
    grid = F.affine_grid(maps, [len(ink), 1, SIDE, SIDE], align_corners=False)
    return F.grid_sample(ink.unsqueeze(1), grid, align_corners=False).squeeze(1)
