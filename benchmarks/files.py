"""Outcome of classifying image files as people make them, rendered from digits that people drew.

    python -m benchmarks.files FILE.jsonl.gz [FILE.jsonl.gz ...] [--samples N] [--sheets FOLDER]
    python -m benchmarks.files --folder FOLDER [--sheets FOLDER]

Each kind of file changes a few properties of a nominal one: a black digit on a white page of 280 pixels, saved as PNG.
All kinds have the same digits, with the same random numbers for place and size. The outcome of a file is "correct" if
its digit is classified correctly and accepted, "rejected" if the model rejects it, "blank" if no ink is found, and
"misclassified" otherwise. Then follow blank pages, and how many of them are recognised as blank.

`--folder` measures real files instead: they are named LABEL_KIND….png (or another format that the page accepts), KIND
being letters. `--sheets` writes images of all files whose outcome is not "correct". Strokes and files are validation
data: the settings of `mnist_cnn/preprocessing` were chosen with such files.
"""

import argparse
import collections
import functools
import io
import json
import multiprocessing
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.drawings import classifiers, contact_sheet, labels_of
from mnist_cnn.classifier import BLANK_PREDICTION
from mnist_cnn.models import DEFAULT_MODEL, MODELS
from mnist_cnn.preprocessing import BlankSketchError, sketch_to_mnist
from tests.support.strokes import Strokes, load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "files.json"
NUM_BLANK_PAGES = 40  # of each kind
_MAX_RENDERED = 800  # pixels; digits on larger pages are rendered at this size and enlarged
OUTCOMES = ("correct", "rejected", "blank", "misclassified")

# Lengths are fractions of the page's side, pen widths of the digit's longer side.
NOMINAL: dict[str, Any] = {
    "side": 280,  # pixels
    "size": (0.5, 0.75),  # of the digit
    "pen": (0.05, 0.12),
    "sides": 0,  # number of sides of the image that the ink touches
    "rotation": 0.0,  # degrees, at most
    "background": (255, 255, 255),  # None is transparent
    "ink": (0, 0, 0),
    "contrast": 1.0,  # of the ink; 1 is the colour above
    "pressure": 0.0,  # how much contrast varies along the strokes
    "border": None,  # colour of a border of 3 % around the page
    "light": 0.0,  # how much darker one side of the page is
    "noise": 0.0,  # standard deviation, grey levels of 255
    "marks": (),  # names in `MARKS`
    "quality": None,  # of JPEG; None is PNG
}

_TINY = {"size": (0.65, 0.85), "pen": (0.06, 0.12)}
_SCAN = {"side": 32, "size": (0.45, 0.85), "pen": (0.04, 0.09), "ink": (60, 60, 60), "contrast": 0.7, "pressure": 0.5}

KINDS: dict[str, dict[str, Any]] = {
    "nominal": {},
    "24 pixels": _TINY | {"side": 24},
    "28 pixels": _TINY | {"side": 28},
    "32 pixels": _TINY | {"side": 32},
    "64 pixels": {"side": 64},
    "800 pixels": {"side": 800},
    "2,000 pixels": {"side": 2000},
    "JPEG 30": {"quality": 30},
    "JPEG 75": {"quality": 75},
    "JPEG 95": {"quality": 95},
    "JPEG 30, 64 pixels": {"side": 64, "quality": 30},
    "JPEG 75, 64 pixels": {"side": 64, "quality": 75},
    "JPEG 50, 32 pixels": _TINY | {"side": 32, "quality": 50},
    "JPEG 75, 32 pixels": _TINY | {"side": 32, "quality": 75},
    "JPEG 95, 32 pixels": _TINY | {"side": 32, "quality": 95},
    "JPEG 90, 28 pixels, light on black": _TINY
    | {"side": 28, "quality": 90, "background": (0, 0, 0), "ink": (255, 255, 255)},
    "off-white with a white border": {"background": (253, 253, 253), "border": (255, 255, 255)},
    "grey": {"background": (128, 128, 128)},
    "black on white, inverted": {"background": (0, 0, 0), "ink": (255, 255, 255)},
    "blue on yellow": {"background": (250, 240, 160), "ink": (30, 60, 170)},
    "transparent": {"background": None, "ink": (200, 30, 30)},
    "pencil, contrast 0.7": {"contrast": 0.7, "pen": (0.02, 0.05)},
    "pencil, contrast 0.4": {"contrast": 0.4, "pen": (0.02, 0.05)},
    "pencil, contrast 0.2": {"contrast": 0.2, "pen": (0.02, 0.05)},
    "pencil, contrast 0.1": {"contrast": 0.1, "pen": (0.02, 0.05)},
    "pencil 0.4, JPEG 75": {"contrast": 0.4, "pen": (0.02, 0.05), "pressure": 0.5, "quality": 75},
    "pencil 0.2, JPEG 75": {"contrast": 0.2, "pen": (0.02, 0.05), "pressure": 0.5, "quality": 75},
    "pencil 0.2, JPEG 75, noise 2": {"contrast": 0.2, "pen": (0.02, 0.05), "noise": 2.0, "quality": 75},
    "scanned form, 32 pixels, JPEG 75": _SCAN | {"quality": 75},
    "scanned form, 32 pixels, JPEG 50": _SCAN | {"quality": 50},
    "pen 2 %": {"pen": (0.02, 0.02)},
    "pen 5 %": {"pen": (0.05, 0.05)},
    "pen 10 %": {"pen": (0.10, 0.10)},
    "pen 20 %": {"pen": (0.20, 0.20)},
    "pen 30 %": {"pen": (0.30, 0.30)},
    "pen 20 %, 28 pixels": _TINY | {"side": 28, "pen": (0.20, 0.20)},
    "one grey level in a corner": {"marks": ("near-white pixel",)},
    "faint dots": {"marks": ("faint dots",)},
    "specks": {"marks": ("specks",)},
    "specks, JPEG 75": {"marks": ("specks",), "quality": 75},
    "rules": {"marks": ("rules",)},
    "squares": {"marks": ("squares",)},
    "rules, JPEG 75": {"marks": ("rules",), "quality": 75},
    "dark rule": {"marks": ("dark rule",)},
    "frame": {"marks": ("frame",)},
    "frame inside the page": {"marks": ("inner frame",)},
    "screenshot": {"marks": ("toolbar",)},
    "caption": {"marks": ("caption",)},
    "touches one side": {"sides": 1},
    "touches two sides": {"sides": 2},
    "touches all sides": {"sides": 4},
    "touches one side, 28 pixels": _TINY | {"side": 28, "sides": 1},
    "touches one side, JPEG 90, 28 pixels": _TINY | {"side": 28, "sides": 1, "quality": 90},
    "touches two sides, JPEG 75": {"sides": 2, "quality": 75},
    "small and anywhere": {"size": (0.12, 0.25)},
    "small and anywhere, JPEG 75, 800 pixels": {"side": 800, "size": (0.08, 0.2), "quality": 75},
    "uneven light": {"light": 0.4, "noise": 2.0, "quality": 85, "side": 400},
    "uneven light, touches one side": {"light": 0.4, "noise": 2.0, "quality": 85, "side": 400, "sides": 1},
    "noise 6": {"noise": 6.0, "quality": 90},
    "shrunk photo, 28 pixels, light on black": _TINY
    | {"side": 28, "background": (12, 12, 12), "ink": (240, 240, 240), "noise": 5.0, "quality": 85},
    "rotated by up to 20°": {"rotation": 20.0},
    "rotated by up to 20°, JPEG 75": {"rotation": 20.0, "quality": 75},
}

BLANK_KINDS: dict[str, dict[str, Any]] = {
    "white": {},
    "off-white with a white border": {"background": (253, 253, 253), "border": (255, 255, 255)},
    "grey, JPEG 30": {"background": (128, 128, 128), "quality": 30},
    "black, JPEG 75": {"background": (0, 0, 0), "quality": 75},
    "transparent": {"background": None},
    "noise 2": {"background": (230, 230, 230), "noise": 2.0},
    "noise 6": {"background": (230, 230, 230), "noise": 6.0},
    "noise 6, JPEG 50": {"background": (230, 230, 230), "noise": 6.0, "quality": 50},
    "noise 6, 32 pixels, JPEG 75": {"background": (230, 230, 230), "noise": 6.0, "quality": 75, "side": 32},
    "noise 12, JPEG 90": {"background": (200, 200, 200), "noise": 12.0, "quality": 90},
    "uneven light": {"light": 0.4},
    "uneven light, noise 2, JPEG 85": {"light": 0.4, "noise": 2.0, "quality": 85, "side": 400},
    "uneven light, noise 6, JPEG 50": {"light": 0.4, "noise": 6.0, "quality": 50, "side": 400},
    "uneven light, 32 pixels, JPEG 75": {"light": 0.4, "noise": 2.0, "quality": 75, "side": 32},
}


def make_file(strokes: Strokes, kind: dict[str, Any], random: np.random.Generator) -> bytes:
    """An image file of a digit; of a blank page if there are no strokes.

    Args:
        strokes: in any unit.
        kind: changes of `NOMINAL`.
        random: decides what `kind` leaves open.
    """
    how = NOMINAL | kind
    side = how["side"]
    coverage = _coverage(strokes, how, random) if strokes else np.zeros((side, side), np.float32)  # (H, W)
    if how["pressure"]:
        coarse = Image.fromarray(random.random((8, 8), np.float32))
        pressure = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 1)
        coverage = coverage * (1 - how["pressure"] * pressure)
    coverage = coverage * how["contrast"]
    if how["background"] is None:
        image = Image.new("RGBA", (side, side), how["ink"])
        image.putalpha(Image.fromarray(np.rint(255 * coverage).astype(np.uint8)))
    else:
        background, ink = (np.array(how[key], np.float32) for key in ("background", "ink"))
        page = background + coverage[..., None] * (ink - background)  # (H, W, 3)
        for name in how["marks"]:
            page = MARKS[name](page, background, ink, random)
        angle = random.uniform(0, 2 * np.pi)
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        page *= 1 - how["light"] * (0.5 + (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(8))[..., None]
        if how["border"]:
            page = _framed(page, max(1, round(0.03 * side)), np.array(how["border"], np.float32))
        page += how["noise"] * random.standard_normal((side, side, 1))
        image = _to_image(page)
    file = io.BytesIO()
    if how["quality"]:
        image.save(file, "JPEG", quality=how["quality"])
    else:
        image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _coverage(strokes: Strokes, how: dict[str, Any], random: np.random.Generator) -> np.ndarray:
    """Fraction of each pixel that the pen covers, float32 (H, W)."""
    size, angle = random.uniform(*how["size"]), np.radians(random.uniform(-1, 1) * how["rotation"])
    pen = random.uniform(*how["pen"]) * size
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    strokes = [np.asarray(stroke, float).reshape(-1, 2) @ rotation.T for stroke in strokes]
    placed = place(strokes, size - pen, (0.0, 0.0))
    half = np.abs(np.concatenate(placed)).max(axis=0) + pen / 2  # of the sides of the bounding box
    middle = half + 0.02 + random.random(2) * np.maximum(0.96 - 2 * half, 0)
    sides = random.permutation(4)
    if how["sides"] == 4:  # stretched until it is about as wide as it is high
        placed = [stroke / np.maximum(2 * half - pen, 0.3 * size) * (1 - pen) for stroke in placed]
        middle = np.array([0.5, 0.5])
    else:
        for side in sides[: how["sides"]]:
            middle[side % 2] = half[side % 2] if side < 2 else 1 - half[side % 2]
    side = min(how["side"], _MAX_RENDERED)
    alpha = render([stroke + middle for stroke in placed], side, pen * side).getchannel("A")
    return np.asarray(alpha.resize((how["side"], how["side"]), Image.Resampling.BICUBIC)).astype(np.float32) / 255


def _to_image(page: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(page), 0, 255).astype(np.uint8))


def _framed(page: np.ndarray, width: int, color: np.ndarray) -> np.ndarray:
    """A page (H, W, 3) whose outermost pixels have a colour (3,)."""
    inside = np.zeros(page.shape[:2], bool)
    inside[width:-width, width:-width] = True
    return np.where(inside[..., None], page, color)


def _shrunk(page: np.ndarray, top: int, height: int, left: int, width: int, color: np.ndarray) -> np.ndarray:
    """A page (H, W, 3) shrunk to a part of itself, on a page of another colour (3,)."""
    result = np.broadcast_to(color, page.shape).copy()
    result[top : top + height, left : left + width] = np.asarray(_to_image(page).resize((width, height)))
    return result


def _near_white_pixel(page: np.ndarray, background: np.ndarray, ink: np.ndarray, _: np.random.Generator) -> np.ndarray:
    page[0, 0] += np.sign(ink - background)
    return page


def _dots(count: int, contrast: float, radius: float) -> Callable[..., np.ndarray]:
    def add(page: np.ndarray, _: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
        y, x = np.mgrid[: len(page), : len(page)] / len(page)
        for _ in range(count):
            middle = random.random(2)
            inside = np.hypot(x - middle[0], y - middle[1]) < random.uniform(0.5, 1) * radius
            page = page + contrast * inside[..., None] * (ink - page)
        return page

    return add


def _lines(page: np.ndarray, positions: np.ndarray, width: float, contrast: float, ink: np.ndarray) -> np.ndarray:
    along = np.arange(len(page)) + 0.5
    cover = np.zeros(len(page))
    for position in positions:
        cover = np.maximum(cover, np.clip(width * len(page) / 2 + 0.5 - np.abs(along - position * len(page)), 0, 1))
    is_ink = np.abs(page - ink).sum(axis=2, keepdims=True) < 30
    return np.where(is_ink, page, page + contrast * cover[:, None, None] * (ink - page))


def _rules(page: np.ndarray, _: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    distance, contrast = random.uniform(0.08, 0.15), random.uniform(0.15, 0.35)
    positions = np.arange(random.uniform(0, distance), 1, distance)
    return _lines(page, positions, random.uniform(0.004, 0.008), contrast, ink)


def _squares(page: np.ndarray, background: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    page = _rules(page, background, ink, random)
    return _rules(page.swapaxes(0, 1), background, ink, random).swapaxes(0, 1)


def _dark_rule(page: np.ndarray, _: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _lines(page, random.choice([0.02, 0.98], 1), random.uniform(0.005, 0.012), 1, ink)


def _frame(page: np.ndarray, background: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    width = max(1, round(random.uniform(0.004, 0.02) * len(page)))
    return _framed(page, width, background + random.uniform(0.2, 1) * (ink - background))


def _inner_frame(page: np.ndarray, background: np.ndarray, ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A box with a page of the same colour around it."""
    margin = round(random.uniform(0.03, 0.08) * len(page))
    small = len(page) - 2 * margin
    return _shrunk(_frame(page, background, ink, random), margin, small, margin, small, background)


def _toolbar(page: np.ndarray, *_: Any) -> np.ndarray:
    """The window of a drawing program: a title bar with buttons above, a status line below."""
    side = len(page)
    image = _to_image(
        _shrunk(page, round(0.1 * side), round(0.84 * side), 0, side, np.array([225, 225, 228], np.float32))
    )
    pen = ImageDraw.Draw(image)
    for x in (0.04, 0.11, 0.18, 0.9):
        pen.ellipse([value * side for value in (x, 0.03, x + 0.04, 0.07)], fill=(90, 110, 160))
    pen.line([0, 0.1 * side, side, 0.1 * side], fill=(120, 120, 120), width=max(1, side // 200))
    return np.asarray(image).astype(np.float32)


def _caption(page: np.ndarray, _: np.ndarray, ink: np.ndarray, __: np.random.Generator) -> np.ndarray:
    """A line of small print below."""
    image = _to_image(page)
    corner, color = (0.1 * len(page), 0.955 * len(page)), tuple(int(value) for value in ink)
    ImageDraw.Draw(image).text(corner, "www.clip-art.example", fill=color, font_size=10)
    return np.asarray(image).astype(np.float32)


# What else is on the page. Each takes the page (H, W, 3), the colours of background and ink (3,), and random numbers.
MARKS: dict[str, Callable[..., np.ndarray]] = {
    "near-white pixel": _near_white_pixel,
    "faint dots": _dots(6, 0.06, 0.02),
    "specks": _dots(8, 0.8, 0.008),
    "rules": _rules,
    "squares": _squares,
    "dark rule": _dark_rule,
    "frame": _frame,
    "inner frame": _inner_frame,
    "toolbar": _toolbar,
    "caption": _caption,
}


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="stroke files of digits")
    parser.add_argument("--folder", type=Path, help="folder of real files named LABEL_KIND….png; not saved as results")
    parser.add_argument("--samples", type=int, default=200, help="digits of each kind (default: %(default)s)")
    parser.add_argument("--sheets", type=Path, help="folder for images of what was not classified correctly")
    options = parser.parse_args()
    print(f"{', '.join(OUTCOMES)}, of {' and '.join(MODELS)}", flush=True)
    with multiprocessing.Pool() as pool:
        if options.folder:
            evaluate_folder(options.folder, pool, options.sheets)
        if options.files:
            samples = [sample for file in options.files for sample in load_strokes(file)]
            chosen = np.random.default_rng(0).permutation(len(samples))[: options.samples]
            some = [samples[index] for index in chosen]
            kinds = [evaluate_kind(name, some, pool, options.sheets) for name in KINDS]
            blanks = [evaluate_blank(name, pool) for name in BLANK_KINDS]
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps({"kinds": kinds, "blank": blanks}, indent=2) + "\n")


def evaluate_kind(name: str, samples: list[dict], pool: Any, sheets: Path | None) -> dict[str, Any]:
    """The outcomes for samples, rendered as a kind of file."""
    make = functools.partial(_make_and_preprocess, kind=KINDS[name])
    made = pool.starmap(make, [(sample["strokes"], seed) for seed, sample in enumerate(samples)], chunksize=10)
    return evaluate(name, made, labels_of(samples), sheets)


def evaluate_blank(name: str, pool: Any) -> dict[str, Any]:
    """How many blank pages of a kind are recognised as blank."""
    make = functools.partial(_make_and_preprocess, kind=BLANK_KINDS[name])
    made = pool.starmap(make, [([], seed) for seed in range(NUM_BLANK_PAGES)], chunksize=10)
    blank = sum(image is None for image in made)
    print(f"  {name:<40}{blank} of {NUM_BLANK_PAGES}", flush=True)
    return {"name": name, "files": NUM_BLANK_PAGES, "blank": blank}


def evaluate_folder(folder: Path, pool: Any, sheets: Path | None) -> list[dict[str, Any]]:
    """The outcomes for real files, by the letters after their label."""
    kinds = collections.defaultdict(list)
    for path in sorted(folder.iterdir()):
        if match := re.match(r"(\d)_([A-Za-z]*)", path.name):
            kinds[match[2]].append((int(match[1]), path.read_bytes()))
    return [
        evaluate(
            kind,
            pool.map(preprocess_file, [content for _, content in files], chunksize=10),
            np.array([label for label, _ in files]),
            sheets,
        )
        for kind, files in kinds.items()
    ]


def evaluate(name: str, made: list[np.ndarray | None], labels: np.ndarray, sheets: Path | None) -> dict[str, Any]:
    """Count the outcomes for MNIST images, None for a blank one, by model; print them as well."""
    images = np.stack([BLANK_PREDICTION.image if image is None else image for image in made])
    row: dict[str, Any] = {"name": name, "files": len(labels), "outcomes": {}}
    for model, classifier in classifiers().items():
        predicted = classifier.probabilities(images).argmax(axis=1)
        outcomes = np.where(predicted == labels, "correct", "misclassified").astype(object)
        outcomes[classifier.top2_probability(images) < classifier.rejector.calibration.rejection_threshold] = "rejected"
        outcomes[[image is None for image in made]] = "blank"
        row["outcomes"][model] = {outcome: int((outcomes == outcome).sum()) for outcome in OUTCOMES}
        others = np.flatnonzero(outcomes != "correct")
        if sheets and model == DEFAULT_MODEL and len(others):
            sheets.mkdir(parents=True, exist_ok=True)
            captions = [f"{labels[index]}: {outcomes[index]}" for index in others]
            contact_sheet(images[others], captions).save(sheets / f"{name}.png")
    counts = "   ".join(" ".join(f"{count:4}" for count in row["outcomes"][model].values()) for model in MODELS)
    print(f"  {name:<40}{counts}", flush=True)
    return row


def preprocess_file(content: bytes) -> np.ndarray | None:
    """The MNIST image of a file, None if it is blank."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return sketch_to_mnist(image)
    except BlankSketchError:
        return None


def _make_and_preprocess(strokes: Strokes, seed: int, kind: dict[str, Any]) -> np.ndarray | None:
    return preprocess_file(make_file(strokes, kind, np.random.default_rng(seed)))


if __name__ == "__main__":
    main()
