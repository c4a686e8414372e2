"""Handwritten digits made by code: allographs varied as hands vary them, drawn by many pens, as MNIST images.

MNIST's writers were American and wrote with pencils. People elsewhere write a 1 with a long upstroke, a 4 in one open
stroke or a loop into a 2, and on screens their pens are thick, their strokes polygonal or dotted. `write_digits` draws
such digits from `allographs`: it mixes the drawings of an allograph, moves its control points together and one by one,
makes its curves rounder or more angular, adds hooks, gaps and tremor, rotates, slants and stretches the whole and
renders it in MNIST's format, with the stroke widths that preprocessing leaves.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..constants import DIGIT_SIZE, IMAGE_SIZE
from .allographs import DIGITS, NON_DIGITS
from .drawing import dilate, uniform_sampler
from .outliers import NON_DIGIT

_PART = 256  # digits at a time: few enough for the CPU's caches
_MAX_STROKES = 5
_PIECES = 4  # straight pieces of each curve between two control points
_TIPS = 128  # places of the pen's tip along a path; at most 0.7 pixels of the image apart
_NON_DIGITS = 0.08  # fraction of what is written
_BLOT = 9  # side, in pixels, of a square of ink that makes a digit a blot; one in 1,000 of MNIST's digits has one

# Ranges of the random changes; lengths in hundredths of the digit's height.
_EXTRAPOLATION = 0.25  # how far mixtures reach beyond their drawings
_ROTATION, _MAX_ROTATION = 7.0, 20.0  # degrees: standard deviation, bound
_SLANT = 0.25  # standard deviation of the shear
_ASPECT = 0.18  # standard deviation of the logarithm of width over height
_WAVES = 3  # smooth waves that displace a digit's points together
_WAVE, _POINT, _STROKE, _TREMOR = 4.0, 1.8, 2.5, 0.5  # typical displacements
_OVERSHOOT = 4.0  # standard deviation of how much further strokes reach at either end
_HOOK_DEVIATION = 1.04  # at one in seven ends there is a hook: where a normal number is larger
_HOOK, _HOOK_ANGLE = 7.0, 1.2  # its typical length and its typical angle, in radians

# Pens, in pixels of the image. Preprocessing normalises most widths, but loops that a thick pen closed stay closed.
_NORMAL_RADIUS = (0.95, 1.3)
_CLOSING = (0.55, 0.22, 0.15, 0.06, 0.02)  # probabilities of pens whose radius is 0, 1, 2, 3, 4 pixels more
_THICKENING = 0.2  # largest growth of the normalised radius for each such pixel, since closed loops mislead it
_RAW_PROBABILITY = 0.35  # of images with too few pixels to normalise the stroke width
_RAW_RADIUS, _RAW_SOFTNESS = (0.8, 2.8), (0.6, 2.5)
_DOTTED_PROBABILITY = 0.1  # of strokes that are separate dots, as of a fast mouse
_MAX_SPEED_CHANGE = 0.9  # how much faster or slower such a mouse becomes, as a fraction of its mean speed

Normal = Callable[..., torch.Tensor]  # normal random numbers for each digit, (N, *shape)


@dataclass(frozen=True)
class _Table:
    """All allographs as tensors: A allographs of up to M drawings of up to T control points.

    Every stroke's first and last point are stored twice: the copies become hooks.

    Attributes:
        points: (A, M, T, 2), padded with copies of the last drawing and of the last point.
        sharpness: (A, M, T), 1 at corners, 0 elsewhere.
        num_drawings: (A,).
        stroke: int64 (A, T), the number of each point's stroke.
        starts, ends: bool (A, T), True at each stroke's first and last copy.
        joined: bool (A, T - 1), whether a point and the next belong to one stroke.
        labels: int64 (A,), `NON_DIGIT` for what is no digit.
        weights: (A,), probabilities of the allographs of a label.
    """

    points: torch.Tensor
    sharpness: torch.Tensor
    num_drawings: torch.Tensor
    stroke: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor
    joined: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor


def parse_drawing(text: str) -> list[list[tuple[float, float, float]]]:
    """A drawing in the notation of `allographs`, as strokes of points (x, y, sharpness).

    Raises:
        ValueError: the text is not in that notation.
    """
    strokes = []
    for part in text.split("/"):
        points: list[tuple[float, float, float]] = []
        for word in part.split():
            numbers = [float(number) for number in word.strip("@!").split(",")]
            if word.startswith("@"):
                x, y, rx, ry, start, end = numbers
                steps = max(1, math.ceil(abs(end - start) / 45))
                angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
                points += [(x + rx * math.cos(angle), y + ry * math.sin(angle), 0.0) for angle in angles]
            else:
                x, y = numbers
                points.append((x, y, float(word.endswith("!"))))
        if len(points) < 2:
            raise ValueError(f"A stroke has two points or more, unlike {part.strip()!r}.")
        strokes.append(points)
    return strokes


@functools.cache
def _table(device: torch.device) -> _Table:
    rows = [(label, *allograph) for label, allographs in DIGITS.items() for allograph in allographs]
    rows += [(NON_DIGIT, *allograph) for allograph in NON_DIGITS]
    parsed = [[parse_drawing(text) for text in drawings] for _, _, *drawings in rows]
    length = max(sum(len(stroke) + 2 for stroke in drawings[0]) for drawings in parsed)
    count, max_drawings = len(rows), max(map(len, parsed))
    points, sharpness = torch.zeros(count, max_drawings, length, 2), torch.zeros(count, max_drawings, length)
    stroke = torch.zeros(count, length, dtype=torch.int64)
    starts, ends = torch.zeros(count, length, dtype=torch.bool), torch.zeros(count, length, dtype=torch.bool)
    joined = torch.zeros(count, length - 1, dtype=torch.bool)
    for row, drawings in enumerate(parsed):
        if len({tuple(map(len, drawing)) for drawing in drawings}) > 1:
            raise ValueError(f"The drawings of an allograph of {rows[row][0]} differ in structure: {rows[row][2:]}.")
        for index in range(max_drawings):
            drawing = drawings[min(index, len(drawings) - 1)]
            flat = torch.tensor([point for stroke in drawing for point in (stroke[0], *stroke, stroke[-1])])
            points[row, index], sharpness[row, index] = flat[-1, :2], 1
            points[row, index, : len(flat)], sharpness[row, index, : len(flat)] = flat[:, :2], flat[:, 2]
        start = 0
        for number, size in enumerate(len(stroke) + 2 for stroke in drawings[0]):
            stroke[row, start:] = number
            starts[row, start], ends[row, start + size - 1] = True, True
            joined[row, start : start + size - 1] = True
            start += size
    labels = torch.tensor([row[0] for row in rows])
    weights = torch.tensor([float(row[1]) for row in rows])
    weights /= torch.zeros(NON_DIGIT + 1).index_add_(0, labels, weights)[labels]
    num_drawings = torch.tensor([len(drawings) for drawings in parsed])
    tensors = points, sharpness, num_drawings, stroke, starts, ends, joined, labels, weights
    return _Table(*(tensor.to(device) for tensor in tensors))


def write_digits(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Write digits in random hands, and a few letters and signs that are none.

    Args:
        count: how many, at least 1.
        generator: source of the random numbers.

    Returns:
        Images, uint8 (count, 28, 28), and labels, int64 (count,), 0 to 9 or `NON_DIGIT`, on the generator's device.
        A digit that a thick pen has filled is a blot, and labelled `NON_DIGIT`.
    """
    table = _table(generator.device)
    weights = table.weights * torch.where(table.labels == NON_DIGIT, _NON_DIGITS, (1 - _NON_DIGITS) / len(DIGITS))
    chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
    images = torch.cat([write_allographs(part, generator) for part in chosen.split(_PART)])
    is_blot = torch.cat([_is_blot(part) for part in images.split(_PART)])
    return images, table.labels[chosen].masked_fill(is_blot, NON_DIGIT)


def _is_blot(images: torch.Tensor) -> torch.Tensor:
    """Whether ink fills a square of `_BLOT` pixels in images, uint8 (N, 28, 28): bool (N,)."""
    min_ink = -F.max_pool2d(-images.unsqueeze(1).float(), _BLOT, stride=1)  # (N, 1, 20, 20), of each square
    return min_ink.amax((1, 2, 3)) > 127


def write_allographs(allographs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images, uint8 (N, 28, 28), of the allographs with indices (N,), in the order of `allographs`, each varied."""
    tips = _resample(*_write(_table(generator.device), allographs, generator), generator)  # (N, tips, 2)
    return _render(tips, generator)


def _write(table: _Table, allographs: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Paths (N, Q, 2) of the pen, as vertices, and for each piece between them whether the pen is down, (N, Q - 1)."""
    normal, uniform = _normal_numbers(len(allographs), generator), uniform_sampler(len(allographs), generator)
    points, sharpness = _mixed(table, allographs, generator)  # (N, T, 2), (N, T)
    stroke, joined = table.stroke[allographs], table.joined[allographs]  # (N, T), (N, T - 1)

    wildness = torch.exp(0.5 * normal(1, 1)).clamp_max(2.2)  # some hands are far more regular than others
    points += (normal(_MAX_STROKES, 2) * (_STROKE * wildness)).gather(1, stroke.unsqueeze(2).expand(-1, -1, 2))
    points += normal(points.shape[1], 2) * (_POINT * wildness)
    points += _waves(points, normal) * wildness
    points = _extended(points, table.starts[allographs], normal)
    points = _extended(points.flip(1), table.ends[allographs].flip(1), normal).flip(1)

    blunt, angular = uniform(-0.5, 0.9).clamp(0, 1), uniform(-0.6, 1.1).clamp(0, 1).square()
    sharpness = torch.maximum(sharpness * (1 - blunt).unsqueeze(1), angular.unsqueeze(1))
    path = _curve(points, sharpness, joined)  # (N, Q, 2)
    path += _tremor(path, normal) * wildness * uniform(0, 1).square()[:, None, None]
    return _transformed(path, normal), joined.repeat_interleave(_PIECES, dim=1)


def _normal_numbers(count: int, generator: torch.Generator) -> Normal:
    return lambda *shape: torch.randn(count, *shape, generator=generator, device=generator.device)


def _mixed(table: _Table, allographs: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Control points (N, T, 2) and sharpness (N, T): mixtures of each allograph's drawings, some beyond them."""
    uniform = torch.rand(len(allographs), table.points.shape[1], generator=generator, device=generator.device)
    num_drawings = table.num_drawings[allographs].unsqueeze(1)  # (N, 1)
    exists = torch.arange(uniform.shape[1], device=uniform.device) < num_drawings  # (N, M)
    fractions = (-uniform.clamp_min(1e-6).log()) ** 1.5 * exists  # mostly near one of the drawings
    fractions /= fractions.sum(1, keepdim=True)
    weights = torch.where(exists, fractions + (fractions - 1 / num_drawings) * _EXTRAPOLATION, 0)
    points = torch.einsum("nm,nmtc->ntc", weights, table.points[allographs])
    return points, torch.einsum("nm,nmt->nt", fractions, table.sharpness[allographs])


def _waves(points: torch.Tensor, normal: Normal) -> torch.Tensor:
    """Displacements (N, T, 2) of points (N, T, 2) by a few long waves across the plane."""
    frequency = normal(2, _WAVES) / 40  # a wave is about as long as two digits are high
    phase = normal(1, _WAVES) * math.pi
    return torch.sin(points @ frequency + phase) @ normal(_WAVES, 2) * _WAVE


def _extended(points: torch.Tensor, starts: torch.Tensor, normal: Normal) -> torch.Tensor:
    """Control points (N, T, 2) whose strokes start a little earlier or later, some of them with a hook.

    The first of the two points with which each stroke starts, at `starts` (N, T), becomes the hook.
    """
    size = points.shape[1]
    tip, following = points.roll(-1, 1), points.roll(-2, 1)
    out = tip - following
    out /= out.norm(dim=2, keepdim=True).clamp_min(1)
    tip = tip + out * (normal(size, 1) * _OVERSHOOT)
    hooked = normal(size, 1) > _HOOK_DEVIATION
    angle = normal(size, 1) * _HOOK_ANGLE
    aside = torch.stack([-out[..., 1], out[..., 0]], dim=2)
    hook = (torch.cos(angle) * out + torch.sin(angle) * aside) * (4 + _HOOK * normal(size, 1).abs())
    hook = tip + torch.where(hooked, hook, out)
    points = torch.where(starts.unsqueeze(2), hook, points)
    return torch.where(starts.roll(1, 1).unsqueeze(2), tip.roll(1, 1), points)


def _curve(points: torch.Tensor, sharpness: torch.Tensor, joined: torch.Tensor) -> torch.Tensor:
    """Smooth curves through control points (N, T, 2), as vertices (N, Q, 2); see `_Table` for the other arguments.

    Cubic Hermite curves. At a point without sharpness the direction is that of the parabola through it and its
    neighbours; with full sharpness the curve comes and leaves along the straight lines to them.
    """
    chord = points[:, 1:] - points[:, :-1]  # (N, T - 1, 2)
    length = chord.norm(dim=2, keepdim=True).clamp_min(0.1)
    unit = chord / length
    before, after = unit[:, :-1], unit[:, 1:]  # of each inner point
    near, far = length[:, :-1], length[:, 1:]
    smooth = (before * far + after * near) / (near + far)  # (N, T - 2, 2)
    inside = joined[:, :-1] & joined[:, 1:]
    sharp = torch.where(inside, sharpness[:, 1:-1], 1).unsqueeze(2)
    leaving = torch.cat([unit[:, :1], torch.lerp(smooth, after, sharp)], dim=1) * length  # (N, T - 1, 2)
    arriving = torch.cat([torch.lerp(smooth, before, sharp), unit[:, -1:]], dim=1) * length
    t = torch.arange(_PIECES, device=points.device) / _PIECES
    basis = torch.stack([2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, -2 * t**3 + 3 * t**2, t**3 - t**2])  # (4, J)
    controls = torch.stack([points[:, :-1], leaving, points[:, 1:], arriving], dim=3)  # (N, T - 1, 2, 4)
    vertices = (controls @ basis).transpose(2, 3).flatten(1, 2)  # (N, (T - 1) * J, 2)
    return torch.cat([vertices, points[:, -1:]], dim=1)


def _tremor(path: torch.Tensor, normal: Normal) -> torch.Tensor:
    """Displacements (N, Q, 2) of the vertices of paths, those of neighbours being alike."""
    noise = normal(path.shape[1] + 2, 2) * _TREMOR
    return noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]


def _transformed(path: torch.Tensor, normal: Normal) -> torch.Tensor:
    """Paths (N, Q, 2) stretched, slanted and rotated, each by its own random amounts."""
    rotation = torch.deg2rad((normal() * _ROTATION).clamp(-_MAX_ROTATION, _MAX_ROTATION))
    shear, aspect = normal() * _SLANT, torch.exp(normal() * _ASPECT)
    cos, sin = torch.cos(rotation), torch.sin(rotation)
    x = torch.stack([cos * aspect, sin * aspect], dim=1)  # where the x axis goes
    y = torch.stack([-sin - shear * cos, cos - shear * sin], dim=1)
    return path @ torch.stack([x, y], dim=1)


def _resample(path: torch.Tensor, down: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Places of the pen's tip, (N, tips, 2), evenly along what paths (N, Q, 2) draw; some tips are as few as dots."""
    count, device = len(path), path.device
    uniform = uniform_sampler(count, generator)
    length = (path[:, 1:] - path[:, :-1]).norm(dim=2) * down  # (N, Q - 1)
    end = length.cumsum(1)
    place = torch.arange(_TIPS, device=device) / (_TIPS - 1)
    dotted = uniform(0, 1) < _DOTTED_PROBABILITY
    dots = torch.where(dotted, uniform(12, 45).round(), _TIPS - 1).unsqueeze(1)
    place = (place * dots).round() / dots  # (N, tips), as fractions of the time
    change = torch.where(dotted, uniform(0, _MAX_SPEED_CHANGE), 0).unsqueeze(1)
    waves, phase = 2 * math.pi * uniform(1, 4).floor().unsqueeze(1), 2 * math.pi * uniform(0, 1).unsqueeze(1)
    place += change / waves * (torch.sin(waves * place + phase) - torch.sin(phase))  # now of the length
    place *= end[:, -1:] * 0.9999
    piece = torch.searchsorted(end, place, right=True).clamp_max(end.shape[1] - 1)
    fraction = 1 - (end.gather(1, piece) - place) / length.gather(1, piece).clamp_min(1e-6)
    index = piece.unsqueeze(2).expand(-1, -1, 2)
    return torch.lerp(path.gather(1, index), path.gather(1, index + 1), fraction.clamp(0, 1).unsqueeze(2))


def _render(tips: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images, uint8 (N, 28, 28), of what pens of random widths leave along their tips' places (N, tips, 2)."""
    count, device = len(tips), tips.device
    uniform = uniform_sampler(count, generator)
    raw = uniform(0, 1) < _RAW_PROBABILITY
    probabilities = torch.tensor(_CLOSING, device=device)
    closing = torch.multinomial(probabilities, count, replacement=True, generator=generator).where(~raw, 0)
    normal_radius = uniform(*_NORMAL_RADIUS) + uniform(0, _THICKENING) * closing
    radius = torch.where(raw, uniform(*_RAW_RADIUS), normal_radius)
    softness = torch.where(raw, uniform(*_RAW_SOFTNESS), 1.0)

    low, high = tips.amin(1), tips.amax(1)  # (N, 2)
    side = (high - low).amax(1).clamp_min(1e-3)
    scale = (DIGIT_SIZE - 2 * radius) / side  # (N,)
    box = (high - low) * scale.unsqueeze(1) + 2 * radius.unsqueeze(1)  # (N, 2), width and height of the ink
    front = ((DIGIT_SIZE - box.sub(1e-3).ceil()) / 2).floor()  # whole pixels of padding, as preprocessing has it
    tips = (tips - low.unsqueeze(1)) * scale[:, None, None] + (front + radius.unsqueeze(1)).unsqueeze(1)
    distance = _distance(tips, 0)  # (N, 20, 20)
    thick = closing.nonzero().squeeze(1)
    if len(thick):
        distance[thick] = _closed(tips[thick], closing[thick])
    ink = ((radius + closing)[:, None, None] - distance) / softness[:, None, None] + 0.5
    ink = ink.clamp_(0, 1)
    ink = (ink * (255 / ink.amax((1, 2), keepdim=True).clamp_min(0.05))).round_()
    return _centred(ink).to(torch.uint8)


def _distance(tips: torch.Tensor, margin: int) -> torch.Tensor:
    """How far each pixel's centre is from the nearest of points (N, P, 2): (N, S, S), S being 20 and two margins."""
    centres = torch.arange(DIGIT_SIZE + 2 * margin, device=tips.device) + 0.5 - margin
    y, x = (axis.flatten() for axis in torch.meshgrid(centres, centres, indexing="ij"))
    pixels = torch.stack([x, y, torch.ones_like(x)])  # (3, S * S)
    squares = torch.cat([-2 * tips, tips.square().sum(2, keepdim=True)], dim=2)  # (N, P, 3)
    # |pixel - tip|² = |pixel|² - 2 pixel · tip + |tip|², for so few digits at a time that the CPU's caches hold them.
    nearest = torch.cat([(part.flatten(0, 1) @ pixels).view(*part.shape[:2], -1).amin(1) for part in squares.split(4)])
    nearest += x * x + y * y  # (N, S * S)
    return nearest.clamp_min_(0).sqrt_().view(len(tips), len(centres), len(centres))


def _closed(tips: torch.Tensor, closing: torch.Tensor) -> torch.Tensor:
    """Distances as of `_distance`, (N, 20, 20), and as much further as a pen is wider by `closing` (N,) pixels.

    What that pen's ink covers, made narrower again by as much, is where the largest distance within that reach is at
    most the pen's radius: a morphological closing.
    """
    margin = len(_CLOSING) - 1
    distance = _distance(tips, margin)
    for step in range(margin):
        thick = (closing > step).nonzero().squeeze(1)
        if len(thick):
            distance[thick] = dilate(distance[thick], step)
    return distance[:, margin:-margin, margin:-margin]


def _centred(ink: torch.Tensor) -> torch.Tensor:
    """Digits (N, 20, 20) in images (N, 28, 28), moved by whole pixels until their centres of mass are in the middle."""
    places = torch.arange(DIGIT_SIZE, device=ink.device, dtype=torch.float32)
    mass = ink.sum((1, 2))
    margin = IMAGE_SIZE - DIGIT_SIZE
    result = ink.new_zeros(len(ink), IMAGE_SIZE, IMAGE_SIZE)
    offsets = [(IMAGE_SIZE // 2 - ink.sum(across) @ places / mass).round().clamp(0, margin).long() for across in (2, 1)]
    digit = torch.arange(len(ink), device=ink.device)
    rows = offsets[0].unsqueeze(1) + torch.arange(DIGIT_SIZE, device=ink.device)
    columns = offsets[1].unsqueeze(1) + torch.arange(DIGIT_SIZE, device=ink.device)
    result[digit[:, None, None], rows.unsqueeze(2), columns.unsqueeze(1)] = ink
    return result
