"""Split a number into its digits.

The connected components of the ink, ordered along the line, are grouped into digits: each digit is one component, or
some that follow each other, such as the two strokes of a 5. Of all groupings, the one is chosen whose groups look most
like digits to a model (recognition-based segmentation; Casey and Lecolinet, "A survey of methods and strategies in
character segmentation", 1996). Digits that touch are one component, and cannot be split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from .components import enlarge, label_strokes, shrink
from .ink import BlankSketchError, cover, measure_contrast, to_pixels
from .mnist_format import bounding_box
from .pipeline import PreprocessingStages, preprocess_ink

MAX_DIGITS = 6
_GRID = 400  # pixels; components are found in an image whose longer side is at most this
_MAX_COMPONENTS = 16  # of a number
_MAX_GROUP = 4  # components of a digit
_MAX_GROUPS = 24  # that may be digits; six digits have about ten, and each takes a millisecond
# Of the components of a digit, as fractions of the height of the line: gap along the line, and width of them all.
_MAX_GAP, _MAX_WIDTH = 0.3, 1.3
_MIN_HEIGHT = 0.45  # of a digit, as a fraction of the height of the line
# How much neighbouring digits overlap: along the line at most, as a fraction of its height, and across it at least, as
# a fraction of the lower digit.
_MAX_OVERLAP_ALONG, _MIN_OVERLAP_ACROSS = 0.2, 0.4
# A gap below this fraction of the height may be one between digits or inside one: the narrower it is, the more the
# digits on both sides of it must look like digits, and the wider, the more the digit around it. The logarithm of their
# probabilities is reduced by up to this.
_CLEAR_GAP, _MAX_PENALTY = 0.2, 0.02
# Of the two most likely classes of each digit together. A digit alone has to be more probable to be accepted, but it is
# rare that several components on a line all look like digits by chance.
_MIN_PROBABILITY = 0.7
_TOLERANCE = 2  # pixels by which the bounding boxes of the same ink may differ


@dataclass(frozen=True)
class _Group:
    """Components `first` to `last`, and their bounding box in pixels, `right` and `bottom` exclusive.

    `gap` is the widest one between the components along the line, in pixels, 0 without any.
    """

    first: int
    last: int
    left: int
    top: int
    right: int
    bottom: int
    gap: int = 0


def segment_number(
    sketch: np.ndarray | Image.Image,
    stages: PreprocessingStages | None,
    is_digit: bool,
    top2_probability: Callable[[np.ndarray], np.ndarray],
) -> list[PreprocessingStages]:
    """Split a number of two to six digits.

    Args:
        sketch: what `preprocess_with_stages` takes.
        stages: what it returned, None if it raised `BlankSketchError`.
        is_digit: whether the model accepted `stages.image` as one digit.
        top2_probability: of MNIST images, uint8 (N, 28, 28): float32 (N,), low for what is no digit.

    Returns:
        The stages of each digit from left to right, whose `ink` shows that digit alone in the image; empty if the
        sketch shows one digit, or no number.
    """
    if stages and not _may_be_number(stages, is_digit):
        return []
    try:
        contrast = stages.contrast if stages else measure_contrast(to_pixels(sketch))
        ink = cover(contrast, is_number=True)
    except BlankSketchError:
        return []
    labels, components = _find_components(ink)
    if not 2 <= len(components) <= _MAX_COMPONENTS:
        return []
    line_height = max(component.bottom - component.top for component in components)
    groups = [
        group
        for first in range(len(components))
        for last in range(first, min(first + _MAX_GROUP, len(components)))
        if (group := _join(components[first : last + 1], line_height))
    ]
    if len(groups) > _MAX_GROUPS:
        return []
    digits = [preprocess_ink(_cut(ink, labels, group), contrast) for group in groups]
    whole = [stages.image] if stages and is_digit and not _has_more_ink(stages) else []
    probabilities = top2_probability(np.stack([*whole, *(digit.image for digit in digits)]))
    candidates = {
        group: (digit, float(np.log(probability)) - _MAX_PENALTY * _clearness(group.gap, line_height))
        for group, digit, probability in zip(groups, digits, probabilities[len(whole) :], strict=True)
        if probability >= _MIN_PROBABILITY
    }
    score, path = _best_path({group: score for group, (_, score) in candidates.items()}, line_height, len(components))
    if not 2 <= len(path) <= MAX_DIGITS or (whole and np.log(probabilities[0]) >= score):
        return []
    return [replace(candidates[group][0], ink=np.where(_is_inside(labels, group), ink, 0.0)) for group in path]


def _may_be_number(stages: PreprocessingStages, is_digit: bool) -> bool:
    """Whether it is worth looking for several digits; takes a fraction of a millisecond."""
    columns = np.pad(stages.ink.any(axis=0), 1)
    has_gap = np.count_nonzero(columns[1:] != columns[:-1]) > 2
    return bool(has_gap) or not is_digit or _has_more_ink(stages)


def _has_more_ink(stages: PreprocessingStages) -> bool:
    """Whether the image has ink outside the bounding box of what was selected as the digit."""
    above_noise = stages.contrast.above_noise()
    scale = len(stages.ink) // len(above_noise)
    box = bounding_box(stages.ink[::scale, ::scale] > 0)
    differences = np.abs(np.subtract(bounding_box(above_noise), box))
    return bool(differences.max() > _TOLERANCE)


def _find_components(ink: np.ndarray) -> tuple[np.ndarray, list[_Group]]:
    """The connected components of the ink (H, W): labels (H, W) from 1 on, and a group for each, ordered by centre."""
    coarse, scale = shrink(ink, _GRID)
    labels = label_strokes(coarse > 0)
    boxes = [bounding_box(labels == label) for label in range(1, min(labels.max(), _MAX_COMPONENTS + 1) + 1)]
    order = sorted(range(len(boxes)), key=lambda index: boxes[index][0] + boxes[index][2])
    ranks = np.zeros(labels.max() + 1, int)
    ranks[np.array(order, int) + 1] = np.arange(len(order)) + 1
    components = [
        _Group(rank, rank, *(scale * position for position in boxes[index])) for rank, index in enumerate(order)
    ]
    return enlarge(ranks[labels], scale, ink.shape), components


def _join(components: Sequence[_Group], line_height: int) -> _Group | None:
    """The group of some components that follow each other; None if they can hardly be one digit."""
    left = min(component.left for component in components)
    right, gap = components[0].right, 0
    for component in components[1:]:
        gap = max(gap, component.left - right)
        right = max(right, component.right)
    if gap > _MAX_GAP * line_height:
        return None
    top, bottom = min(component.top for component in components), max(component.bottom for component in components)
    if bottom - top < _MIN_HEIGHT * line_height or (len(components) > 1 and right - left > _MAX_WIDTH * line_height):
        return None
    return _Group(components[0].first, components[-1].last, left, top, right, bottom, gap)


def _cut(ink: np.ndarray, labels: np.ndarray, group: _Group) -> np.ndarray:
    """The ink (h, w) of a group alone."""
    box = np.s_[group.top : group.bottom, group.left : group.right]
    return np.where(_is_inside(labels[box], group), ink[box], 0.0)


def _is_inside(labels: np.ndarray, group: _Group) -> np.ndarray:
    is_inside: np.ndarray = (labels > group.first) & (labels <= group.last + 1)
    return is_inside


def _best_path(scores: Mapping[_Group, float], line_height: int, num_components: int) -> tuple[float, list[_Group]]:
    """The sequence of groups, neighbours on a line, that contains each component once and has the highest score.

    Args:
        scores: of each group, ordered by their first component; they add up, less the penalties for narrow gaps
            between them.
        line_height: in pixels.
        num_components: of all groups together.

    Returns:
        Its score and its groups; minus infinity and no groups if there is none.
    """
    paths: dict[_Group, tuple[float, list[_Group]]] = {}
    for group, score in scores.items():
        best = (score, [group]) if group.first == 0 else (-np.inf, [])
        for previous, (previous_score, path) in paths.items():
            if previous.last == group.first - 1 and _are_neighbours(previous, group, line_height):
                penalty = _MAX_PENALTY * (1 - _clearness(group.left - previous.right, line_height))
                best = max(best, (previous_score + score - penalty, [*path, group]), key=lambda path: path[0])
        paths[group] = best
    complete = [path for group, path in paths.items() if group.last == num_components - 1]
    return max(complete, key=lambda path: path[0], default=(-np.inf, []))


def _clearness(gap: int, line_height: int) -> float:
    """How clearly a gap of some pixels separates digits: 0 if there is none, below 0 if they overlap, at most 1."""
    return min(1.0, gap / (_CLEAR_GAP * line_height))


def _are_neighbours(left: _Group, right: _Group, line_height: int) -> bool:
    """Whether two digits are side by side."""
    overlap = min(left.bottom, right.bottom) - max(left.top, right.top)
    lower = min(left.bottom - left.top, right.bottom - right.top)
    return left.right - right.left <= _MAX_OVERLAP_ALONG * line_height and overlap >= _MIN_OVERLAP_ACROSS * lower
