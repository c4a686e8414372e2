"""Accuracy of the pretrained models on synthetic photos of digits on paper, made of digits that people drew.

    python -m benchmarks.photos FILE.jsonl.gz [FILE.jsonl.gz ...] [--samples N] [--sheets FOLDER]

Each digit of a random sample is drawn on a sheet with some grain, lit, blurred a little by the lens, made noisy and
saved as JPEG; then it is classified as every image is. All conditions have the same digits, with the same random
numbers for pen, size and position: rows differ by the condition alone, and are not independent. A digit on a photo that
is said to be blank counts as misclassified. The last column is the fraction of sheets without a digit that are
recognised as blank. `--sheets` writes images of all that was misclassified.

The settings of `mnist_cnn/preprocessing/photo.py` were chosen with the half of UniPen's digits that is not measured
here.
"""

import argparse
import functools
import io
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.drawings import classifiers, contact_sheet, labels_of
from mnist_cnn.classifier import BLANK_PREDICTION
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import BlankSketchError, sketch_to_mnist
from tests.support.strokes import Strokes, load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "photos.json"
WIDTH, HEIGHT = 640, 480
NUM_BLANK_SHEETS = 40  # for each condition

PENS = {"black": (35, 35, 40), "blue": (30, 50, 140), "red": (180, 35, 45)}
# Lengths are fractions of the longer side of the photo; brightness is that of full light.
NOMINAL: dict[str, Any] = {
    "paper": (236, 233, 224),
    "pens": list(PENS.values()),
    "width": (0.01, 0.02),
    "size": (0.2, 0.6),
    "light": [],
    "rules": None,
    "noise": 2.0,  # grey levels of 255
    "quality": 90,
    "dust": 0,  # specks
}
CONDITIONS: dict[str, dict[str, Any]] = {
    "even light": {},
    "lamp": {"light": ["lamp"]},
    "vignette": {"light": ["vignette"]},
    "shadow": {"light": ["shadow"]},
    "noise": {"noise": 10.0},
    "JPEG quality 60": {"quality": 60},
    "ruled paper": {"rules": "ruled"},
    "squared paper": {"rules": "squared"},
    "pencil": {"pens": [(130, 130, 132)]},
    "felt pen": {"width": (0.03, 0.05)},
    "dust": {"dust": 12},
    "small digit": {"size": (0.1, 0.15), "width": (0.008, 0.012)},
    "chalkboard": {"paper": (48, 66, 58), "pens": [(225, 225, 218)], "width": (0.012, 0.025)},
    "lamp, shadow, noise, ruled, JPEG 60": {
        "light": ["lamp", "shadow"],
        "noise": 6.0,
        "rules": "ruled",
        "quality": 60,
        "dust": 4,
    },
}


def photograph(strokes: Strokes, how: dict[str, Any], random: np.random.Generator) -> Image.Image:
    """A photo, RGB (480, 640), of strokes on a sheet; of a blank sheet if there are none.

    Args:
        strokes: in any unit.
        how: changes of `NOMINAL`.
        random: decides what `how` leaves open.
    """
    how = NOMINAL | how
    y, x = (np.mgrid[:HEIGHT, :WIDTH] / WIDTH).astype(np.float32)  # (H, W)
    sheet = np.array(how["paper"], np.float32) * (1 + 0.02 * _grain(random))[..., None]  # (H, W, 3)
    cover = _cover(strokes, how, random)
    ink = np.array(how["pens"][random.integers(len(how["pens"]))], np.float32)
    if how["rules"]:
        sheet = sheet * (1 - _rules(how["rules"], x, y, random)[..., None] * np.array([0.3, 0.2, 0.1], np.float32))
    # The paper's grain makes ink thicker here and thinner there.
    cover = cover * np.clip(0.93 + 0.07 * _grain(random), 0, 1)
    scene = sheet + cover[..., None] * (ink - sheet)
    for _ in range(how["dust"]):
        middle, radius = random.uniform(0, (1, HEIGHT / WIDTH)), random.uniform(0.001, 0.003)
        scene[np.hypot(x - middle[0], y - middle[1]) < radius] *= random.uniform(0.3, 0.7)
    for light in how["light"]:
        scene *= LIGHTS[light](x, y, random)[..., None]
    blurred = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    noisy = np.asarray(blurred) + how["noise"] * random.standard_normal(scene.shape, np.float32)
    file = io.BytesIO()
    Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)).save(file, "JPEG", quality=how["quality"])
    return Image.open(file)


def _cover(strokes: Strokes, how: dict[str, Any], random: np.random.Generator) -> np.ndarray:
    """Fraction of each pixel that the pen covers, (H, W)."""
    size, width = random.uniform(*how["size"]), random.uniform(*how["width"])
    margin = size / 2 + width
    free = np.array([1, HEIGHT / WIDTH]) - 2 * margin  # for the centre of the digit
    middle = margin + random.random(2) * np.maximum(free, 0)
    if not strokes:
        return np.zeros((HEIGHT, WIDTH), np.float32)
    image = render(place(strokes, size, tuple(middle)), WIDTH, width * WIDTH)
    return np.asarray(image.getchannel("A"))[:HEIGHT].astype(np.float32) / 255


def _grain(random: np.random.Generator) -> np.ndarray:
    """Grain of paper at several scales, (H, W), with mean 0 and standard deviation about 1."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for cell in (2, 6, 40):
        coarse = 0.6 * random.standard_normal((HEIGHT // cell + 1, WIDTH // cell + 1), np.float32)
        total += np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    return total


def _rules(kind: str, x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Fraction of each pixel that printed rules cover, (H, W): lines or squares, slightly rotated."""
    angle, distance, width = random.uniform(-0.05, 0.05), random.uniform(0.03, 0.08), random.uniform(0.0012, 0.0025)
    across = x * np.cos(angle) + y * np.sin(angle)
    down = y * np.cos(angle) - x * np.sin(angle)
    lines = [down] if kind == "ruled" else [down, across]
    distances = [np.abs((line + random.uniform(0, distance)) % distance - distance / 2) for line in lines]
    return np.clip((width / 2 - np.min(distances, axis=0)) * WIDTH + 0.5, 0, 1)


def _lamp(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Light of a lamp near the sheet, (H, W), which falls off with distance to a third or less."""
    angle, height = random.uniform(0, 2 * np.pi), random.uniform(0.5, 0.9)
    middle = 0.5 + 0.45 * np.array([np.cos(angle), 0.75 * np.sin(angle)])
    light = (1 + ((x - middle[0]) ** 2 + (y - middle[1] + 0.125) ** 2) / height**2) ** -1.5
    return light / light.max()


def _vignette(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The dark corners that a lens causes, (H, W)."""
    return 1 - random.uniform(0.8, 1.6) * ((x - 0.5) ** 2 + (y - 0.375) ** 2)


def _shadow(x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The shadow of a straight edge over about half of the sheet, (H, W)."""
    angle, soft = random.uniform(0, 2 * np.pi), random.uniform(0.01, 0.06)
    along = (x - random.uniform(0.3, 0.7)) * np.cos(angle) + (y - random.uniform(0.2, 0.55)) * np.sin(angle)
    return 1 - random.uniform(0.25, 0.55) / (1 + np.exp(-4 * along / soft))


LIGHTS = {"lamp": _lamp, "vignette": _vignette, "shadow": _shadow}


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="stroke files of digits")
    parser.add_argument("--samples", type=int, default=200, help="digits of each file (default: %(default)s)")
    parser.add_argument("--sheets", type=Path, help="folder for images of what was misclassified")
    options = parser.parse_args()
    rows = []
    with multiprocessing.Pool() as pool:
        for file in options.files:
            samples = load_strokes(file)
            half = np.random.default_rng(1).permutation(len(samples))[: len(samples) // 2]
            some = [samples[index] for index in half[: options.samples]]
            print(f"\n{file.name}, {len(some)} digits on {'':<20}{'  '.join(MODELS)}   blank sheets", flush=True)
            rows += [evaluate(file, some, name, pool, options.sheets) for name in CONDITIONS]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


def evaluate(file: Path, samples: list[dict], condition: str, pool: Any, sheets: Path | None) -> dict:
    """Accuracy of the models under a condition, and the fraction of blank sheets that are recognised as blank."""
    work = functools.partial(_image_of, condition=condition)
    made = pool.starmap(work, [(sample["strokes"], seed) for seed, sample in enumerate(samples)], chunksize=10)
    blank = pool.starmap(
        work, [([], seed) for seed in range(len(samples), len(samples) + NUM_BLANK_SHEETS)], chunksize=10
    )
    images = np.stack([BLANK_PREDICTION.image if image is None else image for image in made])
    has_ink, labels = np.array([image is not None for image in made]), labels_of(samples)
    row = {"file": file.name, "samples": len(samples), "name": condition, "accuracy": {}}
    for name, classifier in classifiers().items():
        predicted = classifier.probabilities(images).argmax(axis=1)
        correct = has_ink & (predicted == labels)
        row["accuracy"][name] = float(correct.mean())
        if sheets and not correct.all():
            sheets.mkdir(parents=True, exist_ok=True)
            captions = [
                f"{labels[index]}: {predicted[index] if has_ink[index] else 'blank'}" for index in range(len(samples))
            ]
            wrong = np.flatnonzero(~correct)
            sheet = contact_sheet(images[wrong], [captions[index] for index in wrong])
            sheet.save(sheets / f"{file.name.split('.')[0]}-{name}-{condition}.png")
    row["blank_sheets"] = sum(image is None for image in blank) / NUM_BLANK_SHEETS
    fractions = "  ".join(f"{fraction:7.2%}" for fraction in [*row["accuracy"].values(), row["blank_sheets"]])
    print(f"  {condition:<48}{fractions}", flush=True)
    return row


def _image_of(strokes: Strokes, seed: int, condition: str) -> np.ndarray | None:
    """The 28×28 image of a photo, None of a blank one."""
    try:
        return sketch_to_mnist(photograph(strokes, CONDITIONS[condition], np.random.default_rng(seed)))
    except BlankSketchError:
        return None


if __name__ == "__main__":
    main()
