"""Drawings that are not digits, made from random strokes and from digits.

A model trained on digits alone predicts one for anything. Trained also on outliers, with a uniform target distribution,
it assigns no digit a high probability where there is none (Hendrycks et al., "Deep anomaly detection with outlier
exposure", 2019).
"""

import functools
import itertools
import math
from collections.abc import Callable

import torch

from .affine import affine_grid, sample
from .drawing import DRAWING_SIZE, Uniform, draw_line, fit_to_mnist, uniform_sampler, upsample

NON_DIGIT = 10  # label of an outlier

_CHUNK = 500  # drawings per step, which bounds the memory
_LOW, _HIGH = 4.0, 24.0  # pixels; random points lie in this square
_SCRIBBLE_POINTS = 48
# Digits that are no digit any more when they are rotated by 90°, or mirrored. (A mirrored 2 or 5 resembles a 5 or 2.)
_ROTATABLE = (1, 2, 3, 4, 5, 6, 7, 9)
_MIRRORABLE = (3, 4, 7, 9)


def make_outliers(images: torch.Tensor, labels: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Make outliers of the kinds in `KINDS`, at random.

    Args:
        images: uint8 (N, 28, 28), digits to make some of them from, N ≥ 1.
        labels: int64 (N,), 0 to 9.
        count: number of outliers.
        generator: source of the random numbers, on the device of `images`.

    Returns:
        uint8 (count, 28, 28). A few may look like a digit by chance.
    """
    device = images.device
    probabilities = torch.tensor([probability for probability, _ in KINDS], device=device)
    chunks = []
    for first in range(0, count, _CHUNK):
        size = min(_CHUNK, count - first)
        kinds = torch.multinomial(probabilities, size, replacement=True, generator=generator)
        drawings = torch.empty(size, DRAWING_SIZE, DRAWING_SIZE, device=device)
        for kind, (_, make) in enumerate(KINDS):
            chosen = (kinds == kind).nonzero().squeeze(1)
            if len(chosen):
                pairs = torch.randint(len(images), (len(chosen), 2), generator=generator, device=device)
                drawings[chosen] = make(images[pairs], labels[pairs], generator)
        shift = torch.zeros(size, 2, device=device)
        chunks.append(fit_to_mnist(drawings, torch.ones(size, device=device), shift))
    return torch.cat(chunks)


def _polylines(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Three to five straight lines, some connected, some nearly vertical or horizontal as in printed letters."""
    uniform = uniform_sampler(len(images), generator)
    radius, num_lines = uniform(0.9, 1.7), uniform(3, 6).long()
    drawings = torch.zeros(len(images), DRAWING_SIZE, DRAWING_SIZE, device=images.device)
    end = _random_points(uniform)
    for line in range(5):
        start = torch.where((uniform(0, 1) < 0.45).unsqueeze(1), _random_points(uniform), end)
        end = _random_points(uniform)
        direction = uniform(0, 1)
        end[:, 0] = torch.where(direction < 0.3, start[:, 0] + uniform(-1.5, 1.5), end[:, 0])
        end[:, 1] = torch.where(direction > 0.75, start[:, 1] + uniform(-1.5, 1.5), end[:, 1])
        drawn = draw_line(start, end, radius) * (line < num_lines)[:, None, None]
        drawings = torch.maximum(drawings, drawn)
    return drawings


def _curves(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Two or three Bézier curves."""
    uniform = uniform_sampler(len(images), generator)
    radius, num_curves = uniform(0.9, 1.7), uniform(2, 4).long()
    drawings = torch.zeros(len(images), DRAWING_SIZE, DRAWING_SIZE, device=images.device)
    for curve in range(3):
        a, b, c, d = (_random_points(uniform) for _ in range(4))
        points = [
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
            for t in torch.linspace(0, 1, 7).tolist()
        ]
        for start, end in itertools.pairwise(points):
            drawn = draw_line(start, end, radius) * (curve < num_curves)[:, None, None]
            drawings = torch.maximum(drawings, drawn)
    return drawings


def _scribbles(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One long stroke that changes its direction at random, in some drawings more sharply than in others."""
    uniform = uniform_sampler(len(images), generator)
    count, radius, sharpness = len(images), uniform(0.8, 1.5), uniform(0.5, 1.3).unsqueeze(1)
    turns = torch.randn(count, _SCRIBBLE_POINTS, generator=generator, device=images.device)
    turns[:, 1:] += turns[:, :-1]  # correlated, as the turns of a hand are
    angle = 2 * math.pi * uniform(0, 1).unsqueeze(1) + (sharpness * turns).cumsum(1)
    path = torch.stack([torch.cos(angle), torch.sin(angle)], dim=2).cumsum(1)  # (N, points, 2)
    path -= path.amin(1, keepdim=True)
    path = _LOW + path * ((_HIGH - _LOW) / path.amax((1, 2), keepdim=True))
    drawings = torch.zeros(count, DRAWING_SIZE, DRAWING_SIZE, device=images.device)
    for point in range(1, _SCRIBBLE_POINTS):
        drawings = torch.maximum(drawings, draw_line(path[:, point - 1], path[:, point], radius))
    return drawings


def _dashes(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One roughly horizontal line, as thin as a pen's or as thick as a blot."""
    uniform = uniform_sampler(len(images), generator)
    centre = torch.stack([uniform(12, 16), uniform(12, 16)], dim=1)
    angle, half_length = torch.deg2rad(uniform(-35, 35)), uniform(4, 10)
    half = torch.stack([torch.cos(angle) * half_length, torch.sin(angle) * half_length], dim=1)
    radius = torch.where(uniform(0, 1) < 0.5, uniform(1, 2), uniform(3, 7))
    return draw_line(centre - half, centre + half, radius)


def _blots(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Three thick lines close together."""
    uniform = uniform_sampler(len(images), generator)
    size = uniform(0.5, 3)

    def point() -> torch.Tensor:
        return torch.stack([14 + size * uniform(-1, 1), 14 + size * uniform(-1.5, 1.5)], dim=1)  # (N, 2)

    return functools.reduce(torch.maximum, [draw_line(point(), point(), uniform(2.5, 5)) for _ in range(3)])


def _digit_pairs(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Two digits side by side."""
    uniform = uniform_sampler(len(images), generator)
    scale = torch.stack([uniform(0.38, 0.55), uniform(0.7, 1)], dim=1)  # (N, 2)
    distance, zero = uniform(0.18, 0.25), torch.zeros(len(images), device=images.device)

    def reduced(images: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        grid = affine_grid(DRAWING_SIZE, zero, torch.stack([shift, zero], dim=1), scale, zero)
        return sample(upsample(images), grid)

    return torch.maximum(reduced(images[:, 0], -distance), reduced(images[:, 1], distance))


def _overlaid_digits(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A digit on top of another that is rotated by 90°."""
    return torch.maximum(upsample(images[:, 0]), upsample(images[:, 1]).rot90(1, (1, 2)))


def _rotated_or_mirrored(images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A digit rotated by 90° or mirrored; overlaid digits where that would result in a digit."""
    drawings, draw = upsample(images[:, 0]), uniform_sampler(len(images), generator)(0, 1)
    transformations = (
        (draw < 0.4, drawings.flip(2), _MIRRORABLE),
        ((draw >= 0.4) & (draw < 0.7), drawings.rot90(1, (1, 2)), _ROTATABLE),
        (draw >= 0.7, drawings.rot90(3, (1, 2)), _ROTATABLE),
    )
    result = _overlaid_digits(images, labels, generator)
    for chosen, transformed, digits in transformations:
        chosen = chosen & torch.isin(labels[:, 0], torch.tensor(digits, device=labels.device))
        result = torch.where(chosen[:, None, None], transformed, result)
    return result


# Each kind's probability, and the function that makes drawings of that kind, float32 (N, 56, 56): from pairs of
# digits, uint8 (N, 2, 28, 28), and their labels, int64 (N, 2), which some kinds ignore.
KINDS: tuple[tuple[float, Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]], ...] = (
    (0.15, _polylines),
    (0.1, _curves),
    (0.32, _scribbles),
    (0.05, _dashes),
    (0.06, _blots),
    (0.12, _digit_pairs),
    (0.04, _overlaid_digits),
    (0.16, _rotated_or_mirrored),
)


def _random_points(uniform: Uniform) -> torch.Tensor:
    return torch.stack([uniform(_LOW, _HIGH), uniform(_LOW, _HIGH)], dim=1)  # (N, 2)
