"""How well the shipped weights read digits that people drew: pen trajectories replayed as on the page.

    python -m benchmarks.drawings FILE.jsonl.gz [FILE.jsonl.gz ...] [--samples N] [--sheets FOLDER]

Each digit is drawn on a pad of 280 pixels, its longer side 60 % of that, in the middle, with a pen of 16 pixels, black
on transparent (this is "nominal"), and read through `sketch_to_mnist`. The accuracy is given over all samples, and as
the mean over the donors with 20 or more: some donors gave far more than others. Then, for a random choice of samples,
one thing at a time is changed: the pen, the size, the place, the colours; and last, preprocessing is put together step
by step. `--sheets` writes pictures of all that was misread.
"""

import argparse
import collections
import functools
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_cnn.classifier import Classifier, load_classifier
from mnist_cnn.constants import DIGIT_SIZE, IMAGE_SIZE
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.ink import extract_ink, to_pixels
from mnist_cnn.preprocessing.mnist_format import center, crop, resize_to_20x20
from tests.support.strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "drawings.json"
FEWEST = 20  # samples of a donor that counts in the mean over donors
PAD = 280

NOMINAL: dict[str, Any] = {"size": 0.6, "middle": (0.5, 0.5), "width": 16, "ink": (0, 0, 0), "paper": None}
CONDITIONS: dict[str, dict[str, Any]] = {
    "nominal": {},
    **{f"pen {share:.0%} of the pad": {"width": share * PAD} for share in (0.03, 0.09, 0.12)},
    **{f"digit {size:.0%} of the pad": {"size": size} for size in (0.15, 0.2, 0.3, 0.9)},
    "in the upper left corner": {"middle": (0.34, 0.34)},
    "small in the lower right corner": {"size": 0.3, "middle": (0.81, 0.81)},
    "dark on light": {"ink": (30, 40, 90), "paper": (250, 245, 230)},
    "light on dark": {"ink": (240, 240, 240), "paper": (20, 25, 30)},
}


def draw(strokes: list, condition: dict[str, Any]) -> Image.Image:
    """What the pad sends for strokes drawn under a condition: an RGBA picture."""
    how = NOMINAL | condition
    picture = render(place(strokes, how["size"], how["middle"]), PAD, how["width"], how["ink"])
    if how["paper"] is None:
        return picture
    paper = Image.new("RGBA", picture.size, how["paper"])
    paper.alpha_composite(picture)
    return paper


def whole_canvas(picture: Image.Image) -> np.ndarray:
    """The simplest preprocessing: shrink the canvas."""
    return np.asarray(picture.getchannel("A").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX))


def cropped(picture: Image.Image) -> np.ndarray:
    """Crop the ink and stretch it over the 20×20 in the middle."""
    alpha = picture.getchannel("A")
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    digit = alpha.crop(alpha.getbbox()).resize((DIGIT_SIZE, DIGIT_SIZE), Image.Resampling.BILINEAR)
    image[4:24, 4:24] = np.asarray(digit)
    return image


def squared(picture: Image.Image) -> np.ndarray:
    """Crop the ink, pad it to a square, average its area down to 20×20 and put that in the middle."""
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[4:24, 4:24] = _shrunk(picture)
    return image


def centred(picture: Image.Image) -> np.ndarray:
    """The same with the centre of mass in the middle."""
    return center(_shrunk(picture))


def _shrunk(picture: Image.Image) -> np.ndarray:
    """The drawing at 20×20 as preprocessing makes it, but for its evening of the pen."""
    return resize_to_20x20(crop(extract_ink(to_pixels(picture))))


STEPS: dict[str, Callable[[Image.Image], np.ndarray]] = {
    "the whole canvas shrunk": whole_canvas,
    "the ink cropped": cropped,
    "padded to a square, averaged by area": squared,
    "the centre of mass in the middle": centred,
    "strokes as wide as MNIST's": sketch_to_mnist,
}
STEPS_AT = ("nominal", "small in the lower right corner")


def main() -> None:
    """Measure, print tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="stroke files of digits")
    parser.add_argument("--samples", type=int, default=1500, help="of each file, for conditions (default: %(default)s)")
    parser.add_argument("--sheets", type=Path, help="folder for pictures of what was misread")
    options = parser.parse_args()
    results: dict[str, Any] = {"nominal": [], "conditions": [], "steps": []}
    with multiprocessing.Pool() as pool:
        for file in options.files:
            samples = load_strokes(file)
            results["nominal"] += nominal(file, samples, pool, options.sheets)
            chosen = np.random.default_rng(0).permutation(len(samples))[: options.samples]
            some = [samples[index] for index in sorted(chosen)]
            results["conditions"] += conditions(file, some, pool)
            results["steps"] += steps(file, some, pool)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


@functools.cache
def classifiers() -> dict[str, Classifier]:
    """The networks with the shipped weights, by name."""
    return {name: load_classifier(name) for name in MODELS}


def nominal(file: Path, samples: list[dict], pool: Any, sheets: Path | None) -> list[dict]:
    """Accuracy as drawn most often: over all, by digit, by donor; and what was taken for what."""
    labels, donors = labels_of(samples), np.array([sample.get("donor", "") for sample in samples])
    images = images_of(samples, {}, sketch_to_mnist, pool)
    counts = collections.Counter(donors.tolist())
    rows = []
    for name, classifier in classifiers().items():
        read = classifier.probabilities(images).argmax(axis=1)
        right = read == labels
        by_donor = {donor: float(right[donors == donor].mean()) for donor in counts if counts[donor] >= FEWEST}
        confusion = np.zeros((10, 10), int)
        np.add.at(confusion, (labels, read), 1)
        rows.append(
            {
                "file": file.name,
                "model": name,
                "samples": len(samples),
                "accuracy": float(right.mean()),
                "mean_over_donors": float(np.mean(list(by_donor.values()))),
                "by_digit": [float(right[labels == digit].mean()) for digit in range(10)],
                "by_donor": by_donor,
                "confusion": confusion.tolist(),
            }
        )
        _print_nominal(rows[-1], counts)
        if sheets:
            sheets.mkdir(parents=True, exist_ok=True)
            wrong = np.flatnonzero(~right)
            wrong = wrong[np.lexsort((read[wrong], labels[wrong]))]
            captions = [f"{labels[index]}: {read[index]} {donors[index]}" for index in wrong]
            contact_sheet(images[wrong], captions).save(sheets / f"{file.name.split('.')[0]}-{name}.png")
    return rows


def conditions(file: Path, samples: list[dict], pool: Any) -> list[dict]:
    """Accuracy under each condition."""
    print(f"\n{file.name}, {len(samples)} samples, one thing changed at a time{'':<8}{'  '.join(MODELS)}")
    rows = []
    for name, condition in CONDITIONS.items():
        rows.append(_accuracies(file, samples, name, images_of(samples, condition, sketch_to_mnist, pool)))
    return rows


def steps(file: Path, samples: list[dict], pool: Any) -> list[dict]:
    """Accuracy with more and more of preprocessing's steps, for digits in the middle and elsewhere."""
    rows = []
    for place_name in STEPS_AT:
        print(f"\n{file.name}, {len(samples)} samples, step by step, {place_name:<33}{'  '.join(MODELS)}")
        for name, prepare in STEPS.items():
            images = images_of(samples, CONDITIONS[place_name], prepare, pool)
            rows.append(_accuracies(file, samples, name, images) | {"condition": place_name})
    return rows


def images_of(
    samples: list[dict], condition: dict[str, Any], prepare: Callable[[Image.Image], np.ndarray], pool: Any
) -> np.ndarray:
    """Samples drawn under a condition and prepared: uint8 (N, 28, 28)."""
    work = functools.partial(_image_of, condition=condition, prepare=prepare)
    return np.stack(pool.map(work, [sample["strokes"] for sample in samples], chunksize=50))


def _image_of(strokes: list, condition: dict[str, Any], prepare: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    return prepare(draw(strokes, condition))


def contact_sheet(images: np.ndarray, captions: list[str], columns: int = 20, zoom: int = 3) -> Image.Image:
    """Images, uint8 (N, 28, 28), in rows, each under its caption."""
    cell, line = IMAGE_SIZE * zoom + 4, 14
    sheet = Image.new("L", (columns * cell, max(1, -(-len(images) // columns)) * (cell + line)), 90)
    pen = ImageDraw.Draw(sheet)
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = index % columns * cell, index // columns * (cell + line)
        pen.text((x, y), caption, fill=255)
        sheet.paste(Image.fromarray(image).resize((cell - 4, cell - 4), Image.Resampling.NEAREST), (x, y + line))
    return sheet


def labels_of(samples: list[dict]) -> np.ndarray:
    """The digits that samples are, int (N,)."""
    return np.array([int(sample["label"]) for sample in samples])


def _accuracies(file: Path, samples: list[dict], name: str, images: np.ndarray) -> dict:
    labels = labels_of(samples)
    accuracies = {
        name: float((classifier.probabilities(images).argmax(axis=1) == labels).mean())
        for name, classifier in classifiers().items()
    }
    print(f"  {name:<66}{'  '.join(f'{share:7.2%}' for share in accuracies.values())}", flush=True)
    return {"file": file.name, "samples": len(samples), "name": name, "accuracy": accuracies}


def _print_nominal(row: dict, counts: collections.Counter) -> None:
    print(f"\n{row['file']}, {row['model']}: {row['accuracy']:.2%} of {row['samples']} digits")
    print(f"  mean over {len(row['by_donor'])} donors {row['mean_over_donors']:.2%}: ", end="")
    print(", ".join(f"{donor} {share:.1%} of {counts[donor]}" for donor, share in sorted(row["by_donor"].items())))
    print("  drawn   right   taken for 0 to 9")
    for digit, (share, read) in enumerate(zip(row["by_digit"], row["confusion"], strict=True)):
        print(f"  {digit}{share:>12.1%}   {' '.join(f'{count:4}' for count in read)}", flush=True)


if __name__ == "__main__":
    main()
