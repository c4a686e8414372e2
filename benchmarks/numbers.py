"""How many numbers of two to six digits are classified correctly, and how many single digits are predicted as several.

    python -m benchmarks.numbers FILE.jsonl.gz [FILE.jsonl.gz ...] [--others FILE.jsonl.gz ...] [--samples N]

The files hold pen trajectories of digits, see `tests.support.strokes.load_strokes`. A number has digits of one writer.
Relative to a digit's height, sizes vary by 20 %, the gaps between the ink of neighbours are 0.1 to 0.6, and the
baseline rises or falls by up to 5° and wanders by 0.1. Every number is drawn on a canvas, as the page sends it, and
rendered as image files. The outcome is "correct" if all digits are, "rejected" if no number is found, and
"misclassified" otherwise.

Then follow touching digits, which cannot be split, and drawings that show no number: single digits, letters and
generated drawings, and how many of them `predict_number` takes for several digits. These drawings are validation
data: the settings of `mnist_cnn/preprocessing/segmentation.py` were chosen with them.
"""

import argparse
import collections
import functools
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks.confidence import blot, dash, scribble
from benchmarks.drawings import CANVAS_SIZE, classifiers, draw
from benchmarks.files import make_file
from mnist_cnn.classifier import NumberPrediction
from mnist_cnn.models import DEFAULT_MODEL
from tests.support.strokes import Strokes, load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "numbers.json"
LENGTHS = range(2, 7)
OUTCOMES = ("correct", "rejected", "misclassified")
MIN_WRITER_SAMPLES = 20  # of a writer whose digits numbers are made of
GAPS = (0.1, 0.6)
_TOUCHING = (-0.15, -0.05)
_PEN, _FILE_PEN = (0.1, 0.2), (0.05, 0.12)  # width, relative to a digit's height
_MIN_PEN, _MAX_PEN, _MIN_SENT_PEN = 8, 16, 5  # pixels of the canvas: of the page, its first setting, and as it is sent
_MAX_HEIGHT, _MAX_WIDTH = 0.6, 0.9  # of a number, as fractions of the canvas

_FILE = {"side": 560, "size": (0.75, 0.95)}
FILES: dict[str, dict[str, Any]] = {
    "PNG": _FILE,
    "JPEG 75": _FILE | {"quality": 75},
    "uneven light, noise 2, JPEG 85": _FILE | {"light": 0.4, "noise": 2.0, "quality": 85},
}


class Number(NamedTuple):
    """A number as strokes, its digits as a text, and the strokes of each digit alone."""

    strokes: list[np.ndarray]
    text: str
    digits: list[Strokes]


def write_number(samples: list[dict], gaps: tuple[float, float], pen: float, random: np.random.Generator) -> Number:
    """Digits side by side, in units of their height.

    Args:
        samples: the digits from left to right.
        gaps: least and largest gap between the ink of neighbours.
        pen: its width.
        random: decides sizes, gaps and the baseline.
    """
    strokes: list[np.ndarray] = []
    slope, left = np.tan(np.radians(random.uniform(-5, 5))), 0.0
    for sample in samples:
        size = random.uniform(0.8, 1.2) / np.ptp(np.concatenate(place(sample["strokes"], 1)), axis=0)[1].clip(0.5)
        digit = place(sample["strokes"], size, (0, 0))
        low, high = np.concatenate(digit).min(axis=0), np.concatenate(digit).max(axis=0)
        bottom = slope * left + random.uniform(-0.1, 0.1)
        strokes += [np.add(stroke, (left - low[0], bottom - high[1])) for stroke in digit]
        left += high[0] - low[0] + pen + random.uniform(*gaps)
    text = "".join(str(sample["label"]) for sample in samples)
    return Number(strokes, text, [sample["strokes"] for sample in samples])


def write_numbers(
    samples: list[dict],
    length: int,
    count: int,
    gaps: tuple[float, float] = GAPS,
    pen: tuple[float, float] = _PEN,
    min_pen: float = 0,
) -> Iterable[tuple[Number, float, np.random.Generator]]:
    """Numbers by random writers, each with its pen's width, and random numbers for what else is open.

    Args:
        samples: digits, of which each writer gave some.
        length: number of digits.
        count: of the numbers.
        gaps: least and largest gap.
        pen: least and largest width, relative to a digit's height.
        min_pen: in pixels of the canvas; in a long number the pen is wide for that.
    """
    by_writer = collections.defaultdict(list)
    for sample in samples:
        by_writer[sample.get("donor"), sample.get("writer")].append(sample)
    writers = [digits for digits in by_writer.values() if len(digits) >= MIN_WRITER_SAMPLES]
    for seed in range(count):
        random = np.random.default_rng([length, seed])
        digits = writers[random.integers(len(writers))]
        width = max(random.uniform(*pen), min_pen * length / (_MAX_WIDTH * CANVAS_SIZE))
        chosen = [digits[index] for index in random.integers(len(digits), size=length)]
        yield write_number(chosen, gaps, width, random), width, random


def draw_number(strokes: Strokes, pen: float, random: np.random.Generator, as_drawn: bool = False) -> Image.Image:
    """The canvas with a number on it, as the page sends it (`maxSentWidth` in sketchpad.js).

    Args:
        strokes: in units of a digit's height.
        pen: its width in the same unit.
        random: decides size and place.
        as_drawn: whether the pen has the width that it has on the screen.
    """
    sides = np.ptp(np.concatenate(strokes), axis=0)  # (2,)
    unit = CANVAS_SIZE * min(random.uniform(0.8, 1) * _MAX_WIDTH / (sides[0] + pen), _MAX_HEIGHT / (sides[1] + pen))
    pixels = float(np.clip(pen * unit, _MIN_PEN, _MAX_PEN))
    half = (sides * unit + pixels) / CANVAS_SIZE / 2
    middle = half + random.random(2) * np.maximum(1 - 2 * half, 0)
    if not as_drawn:
        pixels = min(pixels, max(_MIN_SENT_PEN, 0.1 * sides[1] * unit))
    return render(place(strokes, sides.max() * unit / CANVAS_SIZE, tuple(middle)), CANVAS_SIZE, pixels)


def main() -> None:
    """Measure, print tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="stroke files of digits")
    parser.add_argument("--others", nargs="+", type=Path, default=[], help="further drawings of one digit, or of none")
    parser.add_argument("--samples", type=int, default=300, help="numbers of each length (default: %(default)s)")
    options = parser.parse_args()
    sources = {file.name: load_strokes(file) for file in options.files}
    samples = [sample for source in sources.values() for sample in source]
    results: dict[str, Any] = {"numbers": [], "others": []}
    print(f"{'numbers':<44}digits   {'   '.join(OUTCOMES)}")
    for name, as_drawn in (("canvas", False), ("canvas, with the pen as drawn", True)):
        read = _reader(functools.partial(draw_number, as_drawn=as_drawn))
        for length in LENGTHS:
            numbers = write_numbers(samples, length, options.samples, min_pen=_MIN_PEN)
            results["numbers"].append(evaluate(name, length, numbers, read))
    for name, kind in FILES.items():
        read = _reader(functools.partial(_render_file, kind=kind))
        for length in LENGTHS:
            numbers = write_numbers(samples, length, options.samples, pen=_FILE_PEN)
            results["numbers"].append(evaluate(name, length, numbers, read))
    for length in LENGTHS:
        numbers = write_numbers(samples, length, options.samples, min_pen=_MIN_PEN)
        results["numbers"].append(evaluate("each digit alone, on a canvas", length, numbers, read_alone))
    touching = write_numbers(samples, 2, options.samples, _TOUCHING)
    results["touching"] = evaluate("touching, canvas", 2, touching, _reader(draw_number))

    print(f"\n{'drawings':<44}number   predicted as several")
    random = np.random.default_rng(0)
    for name, source in (sources | {file.name: load_strokes(file) for file in options.others}).items():
        images = (draw(sample["strokes"], {}) for sample in source)
        results["others"].append(evaluate_others(name, images))
    for name, generate in {"scribbles": scribble, "blots": blot, "dashes": dash}.items():
        images = (render(generate(random)) for _ in range(options.samples))
        results["others"].append(evaluate_others(name, images))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def evaluate(
    name: str,
    length: int,
    numbers: Iterable[tuple[Number, float, np.random.Generator]],
    read: Callable[[Number, float, np.random.Generator], str],
) -> dict[str, Any]:
    """Count the outcomes of reading numbers of a length; print them as well."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for number, pen, random in numbers:
        text = read(number, pen, random)
        counts["correct" if text == number.text else "misclassified" if text else "rejected"] += 1
    print(f"  {name:<42}{length:6}   {'   '.join(f'{count:{len(key)}}' for key, count in counts.items())}", flush=True)
    return {"name": name, "digits": length, "outcomes": counts}


def evaluate_others(name: str, images: Iterable[Image.Image]) -> dict[str, Any]:
    """How many drawings that show no number `predict_number` takes for several digits."""
    is_several = [len(_predict(image).digits) > 1 for image in images]
    print(f"  {name:<42}{len(is_several):6}   {sum(is_several):17}", flush=True)
    return {"name": name, "drawings": len(is_several), "several": sum(is_several)}


def _reader(make: Callable[..., Image.Image]) -> Callable[[Number, float, np.random.Generator], str]:
    return lambda number, pen, random: _predict(make(number.strokes, pen, random)).text


def read_alone(number: Number, *_: Any) -> str:
    """The predictions for the digits of a number, each drawn alone, as if the number were split perfectly."""
    classifier = classifiers()[DEFAULT_MODEL]
    return "".join(str(classifier.predict(draw(strokes, {})).digit) for strokes in number.digits)


def _render_file(strokes: Strokes, pen: float, random: np.random.Generator, kind: dict[str, Any]) -> Image.Image:
    longer = np.ptp(np.concatenate(strokes), axis=0).max() + pen
    return Image.open(io.BytesIO(make_file(strokes, kind | {"pen": (pen / longer,) * 2}, random)))


def _predict(image: Image.Image) -> NumberPrediction:
    return classifiers()[DEFAULT_MODEL].predict_number(image)


if __name__ == "__main__":
    main()
