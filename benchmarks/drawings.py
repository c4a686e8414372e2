"""Accuracy of the pretrained models on digits that people drew, and the fraction of these that is rejected.

    python -m benchmarks.drawings FILE [FILE ...] [--samples N] [--sheets FOLDER]

A file holds pen trajectories (`.jsonl.gz`, see `tests.support.strokes.load_strokes`) or images of 28×28 pixels (`.npz`
with `images`, uint8 (N, 28, 28), ink on 0, and `labels`). Trajectories are drawn on a canvas of 280 pixels, the longer
side 60 % of that, in the middle, with a stroke of 16 pixels, black on transparent; this condition is called "nominal".
Images are enlarged 10 times. Both are then preprocessed as on the page, by `sketch_to_mnist`. Accuracy counts a
rejected drawing by its most probable digit. Some donors of a file gave far more drawings than others, so beside the
plain accuracy stands the mean over the donors with 20 or more.

Then one condition at a time is changed for a random sample of the first file, which must hold trajectories: stroke
width, size, position, colours; and last, preprocessing is assembled stage by stage. `--sheets` writes images of all
that was misclassified.

These drawings are validation data: augmentation, preprocessing and checkpoints were chosen with them.
"""

import argparse
import collections
import functools
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_cnn.classifier import Classifier, load_classifier
from mnist_cnn.constants import DIGIT_SIZE, IMAGE_SIZE
from mnist_cnn.models import DEFAULT_MODEL, MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.ink import extract_ink, to_pixels
from mnist_cnn.preprocessing.mnist_format import center, crop, resize_to_20x20
from tests.support.strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "drawings.json"
MIN_DONOR_SAMPLES = 20  # of a donor that counts in the mean over donors
CANVAS_SIZE = 280
ENLARGEMENT = 10  # of images of 28×28

NOMINAL: dict[str, Any] = {"size": 0.6, "middle": (0.5, 0.5), "width": 16, "ink": (0, 0, 0), "background": None}
CONDITIONS: dict[str, dict[str, Any]] = {
    "nominal": {},
    **{f"stroke width {width:.0%} of the canvas": {"width": width * CANVAS_SIZE} for width in (0.03, 0.09, 0.12)},
    **{f"digit size {size:.0%} of the canvas": {"size": size} for size in (0.15, 0.2, 0.3, 0.9)},
    "upper left corner": {"middle": (0.34, 0.34)},
    "small, lower right corner": {"size": 0.3, "middle": (0.81, 0.81)},
    "dark on light": {"ink": (30, 40, 90), "background": (250, 245, 230)},
    "light on dark": {"ink": (240, 240, 240), "background": (20, 25, 30)},
}

Preprocess = Callable[[Image.Image], np.ndarray]


def draw(strokes: list, condition: dict[str, Any]) -> Image.Image:
    """The canvas, as an RGBA image, after strokes were drawn under a condition."""
    options = NOMINAL | condition
    drawing = render(place(strokes, options["size"], options["middle"]), CANVAS_SIZE, options["width"], options["ink"])
    if options["background"] is None:
        return drawing
    canvas = Image.new("RGBA", drawing.size, options["background"])
    canvas.alpha_composite(drawing)
    return canvas


def resize_canvas(drawing: Image.Image) -> np.ndarray:
    """The simplest preprocessing: the whole canvas resized to 28×28."""
    return np.asarray(drawing.getchannel("A").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX))


def crop_and_stretch(drawing: Image.Image) -> np.ndarray:
    """The ink cropped, stretched to 20×20 and pasted into the middle of 28×28."""
    alpha = drawing.getchannel("A")
    digit = alpha.crop(alpha.getbbox()).resize((DIGIT_SIZE, DIGIT_SIZE), Image.Resampling.BILINEAR)
    return _paste(np.asarray(digit))


def crop_and_pad(drawing: Image.Image) -> np.ndarray:
    """The ink cropped, padded to a square, averaged by area to 20×20 and pasted into the middle of 28×28."""
    return _paste(_resized(drawing))


def center_mass(drawing: Image.Image) -> np.ndarray:
    """As `crop_and_pad`, with the centre of mass in the middle."""
    return center(_resized(drawing))


def _resized(drawing: Image.Image) -> np.ndarray:
    """The digit at 20×20 as preprocessing makes it, without the normalisation of stroke width."""
    return resize_to_20x20(crop(extract_ink(to_pixels(drawing))))


def _paste(digit: np.ndarray) -> np.ndarray:
    return np.pad(digit, (IMAGE_SIZE - DIGIT_SIZE) // 2)


STAGES: dict[str, Preprocess] = {
    "whole canvas resized": resize_canvas,
    "ink cropped and stretched": crop_and_stretch,
    "padded to a square, averaged by area": crop_and_pad,
    "centre of mass in the middle": center_mass,
    "stroke width normalised": sketch_to_mnist,
}
STAGE_CONDITIONS = ("nominal", "small, lower right corner")


@dataclass(frozen=True)
class LabelledImages:
    """The preprocessed drawings of a file.

    Attributes:
        images: uint8 (N, 28, 28).
        labels: int (N,), 0 to 9.
        donors: who gave each, str (N,).
    """

    images: np.ndarray
    labels: np.ndarray
    donors: np.ndarray


def main() -> None:
    """Measure, print tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="files of digits, trajectories first")
    parser.add_argument("--samples", type=int, default=1500, help="for conditions and stages (default: %(default)s)")
    parser.add_argument("--sheets", type=Path, help="folder for images of what was misclassified")
    options = parser.parse_args()
    with multiprocessing.Pool() as pool:
        save("sources", [evaluate(file.name, load_images(file, pool), options.sheets) for file in options.files])
        samples = load_strokes(options.files[0])
        chosen = np.random.default_rng(0).permutation(len(samples))[: options.samples]
        sample = [samples[index] for index in sorted(chosen)]
        save("conditions", evaluate_conditions(sample, pool))
        save("stages", evaluate_stages(sample, pool))


def save(part: str, rows: list[dict]) -> None:
    """Write a part of the results; the other parts stay."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results | {part: rows}, indent=2) + "\n")


@functools.cache
def classifiers() -> dict[str, Classifier]:
    """The pretrained classifiers by name."""
    return {name: load_classifier(name) for name in MODELS}


def rejection_scores(images: np.ndarray) -> np.ndarray:
    """By what the rejector compares images, uint8 (N, 28, 28), with its threshold, float32 (N,): less is rejected."""
    return classifiers()[DEFAULT_MODEL].top2_probability(images)


def rejection_threshold() -> float:
    """The rejector's threshold, 0 to 1."""
    return classifiers()[DEFAULT_MODEL].rejector.calibration.rejection_threshold


def load_images(file: Path, pool: Any) -> LabelledImages:
    """The digits in a file of trajectories or of images, drawn under the nominal condition and preprocessed."""
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            images, labels = arrays["images"], arrays["labels"]
        # Their donors are unknown, and count as one.
        return LabelledImages(np.stack(pool.map(_enlarge_and_preprocess, images)), labels, np.full(len(labels), ""))
    samples = load_strokes(file)
    donors = np.array([sample.get("donor", "") for sample in samples])
    return LabelledImages(images_of(samples, {}, sketch_to_mnist, pool), labels_of(samples), donors)


def evaluate(name: str, data: LabelledImages, sheets: Path | None) -> dict[str, Any]:
    """The fraction rejected, and for each model the accuracy, also by donor, and the confusion matrix; printed as well.

    Args:
        name: of the file.
        data: its drawings.
        sheets: a folder for images of what was misclassified.
    """
    rejected = float((rejection_scores(data.images) < rejection_threshold()).mean())
    counts = collections.Counter(data.donors.tolist())
    row: dict[str, Any] = {"file": name, "samples": len(data.labels), "rejected": rejected, "models": {}}
    print(f"\n{name}: {len(data.labels)} digits, {rejected:.2%} rejected")
    for model, classifier in classifiers().items():
        predicted = classifier.probabilities(data.images).argmax(axis=1)
        correct = predicted == data.labels
        by_donor = {
            donor: float(correct[data.donors == donor].mean())
            for donor, count in sorted(counts.items())
            if count >= MIN_DONOR_SAMPLES
        }
        confusion = np.zeros((10, 10), int)
        np.add.at(confusion, (data.labels, predicted), 1)
        row["models"][model] = {
            "accuracy": float(correct.mean()),
            "donor_mean": float(np.mean(list(by_donor.values()))) if by_donor else None,
            "by_donor": by_donor,
            "confusion": confusion.tolist(),
        }
        _print_model(model, row["models"][model], counts)
        if sheets:
            sheets.mkdir(parents=True, exist_ok=True)
            wrong = np.flatnonzero(~correct)
            wrong = wrong[np.lexsort((predicted[wrong], data.labels[wrong]))]
            captions = [f"{data.labels[index]}: {predicted[index]} {data.donors[index]}" for index in wrong]
            contact_sheet(data.images[wrong], captions).save(sheets / f"{name.split('.')[0]}-{model}.png")
    return row


def evaluate_conditions(samples: list[dict], pool: Any) -> list[dict]:
    """Accuracy under each condition."""
    print(f"\n{len(samples)} samples, one condition changed at a time{'':<20}{'  '.join(MODELS)}")
    return [
        _accuracies(name, samples, images_of(samples, condition, sketch_to_mnist, pool))
        for name, condition in CONDITIONS.items()
    ]


def evaluate_stages(samples: list[dict], pool: Any) -> list[dict]:
    """Accuracy as preprocessing is assembled stage by stage, under two conditions."""
    rows = []
    for condition in STAGE_CONDITIONS:
        print(f"\n{len(samples)} samples, stage by stage, {condition:<35}{'  '.join(MODELS)}")
        for name, preprocess in STAGES.items():
            images = images_of(samples, CONDITIONS[condition], preprocess, pool)
            rows.append(_accuracies(name, samples, images) | {"condition": condition})
    return rows


def images_of(samples: list[dict], condition: dict[str, Any], preprocess: Preprocess, pool: Any) -> np.ndarray:
    """Samples drawn under a condition and preprocessed: uint8 (N, 28, 28)."""
    work = functools.partial(_draw_and_preprocess, condition=condition, preprocess=preprocess)
    return np.stack(pool.map(work, [sample["strokes"] for sample in samples], chunksize=50))


def labels_of(samples: list[dict]) -> np.ndarray:
    """The labels of samples, int (N,)."""
    return np.array([int(sample["label"]) for sample in samples])


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


def _draw_and_preprocess(strokes: list, condition: dict[str, Any], preprocess: Preprocess) -> np.ndarray:
    return preprocess(draw(strokes, condition))


def _enlarge_and_preprocess(image: np.ndarray) -> np.ndarray:
    return sketch_to_mnist(image.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1))


def _accuracies(name: str, samples: list[dict], images: np.ndarray) -> dict[str, Any]:
    labels = labels_of(samples)
    accuracies = {
        model: float((classifier.probabilities(images).argmax(axis=1) == labels).mean())
        for model, classifier in classifiers().items()
    }
    print(f"  {name:<66}{'  '.join(f'{accuracy:7.2%}' for accuracy in accuracies.values())}", flush=True)
    return {"name": name, "accuracy": accuracies}


def _print_model(model: str, metrics: dict[str, Any], counts: collections.Counter) -> None:
    print(f"{model}: accuracy {metrics['accuracy']:.2%}")
    if len(metrics["by_donor"]) > 1:
        donors = ", ".join(f"{name} {value:.1%} of {counts[name]}" for name, value in metrics["by_donor"].items())
        print(f"  mean over {len(metrics['by_donor'])} donors {metrics['donor_mean']:.2%}: {donors}")
    print("  label   correct   predicted as 0 to 9")
    for digit, row in enumerate(metrics["confusion"]):
        correct = f"{row[digit] / sum(row):.1%}" if any(row) else "-"
        print(f"  {digit:<5}{correct:>10}   {' '.join(f'{count:4}' for count in row)}", flush=True)


if __name__ == "__main__":
    main()
