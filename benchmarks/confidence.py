"""Whether confidence is honest: how often a network is right where it claims 90 %, and what it refuses to read.

    python -m benchmarks.confidence --digits FILE.jsonl.gz [FILE.jsonl.gz ...] --letters FILE.jsonl.gz

Digits and letters are files of pen trajectories, drawn as `benchmarks.drawings` does. Calibration is measured on
MNIST's test set and on the drawn digits, in 15 bins of equal width (expected calibration error as in Guo et al., "On
calibration of modern neural networks", 2017). Refused should be letters, and what this program draws at random:
scribbles, blots, dashes, and two digits side by side; not refused should be digits. The networks never saw any of these
drawings.
"""

import argparse
import functools
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawings import PAD, images_of, labels_of
from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import load_mnist
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "confidence.json"
FIGURE = Path(__file__).parent.parent / "docs" / "confidence.svg"
BINS = 15
COUNT = 1000  # random drawings of each kind
COLOURS = ("#1f6fb4", "#d95f02", "#1b8a5a", "#c2347f", "#6a4fb3", "#8c6d1f")


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """The expected calibration error, 0 to 1, and for each bin with anything in it what was claimed and what is true.

    Args:
        probabilities: (N, 10).
        labels: (N,).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = [
        {
            "share": float((bins == index).mean()),
            "confidence": float(confidence[bins == index].mean()),
            "accuracy": float(right[bins == index].mean()),
        }
        for index in np.unique(bins)
    ]
    return sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in rows), rows


def area_under_roc(accepted: np.ndarray, refused: np.ndarray) -> float:
    """How often a score of those to accept is above one of those to refuse; ties count half."""
    order = np.sort(refused)
    below = np.searchsorted(order, accepted, side="left") + np.searchsorted(order, accepted, side="right")
    return float(below.mean() / 2 / len(refused))


def scribble(random: np.random.Generator) -> list[np.ndarray]:
    """One long stroke to and fro."""
    pace = random.normal(size=(int(random.integers(60, 140)), 2))
    smooth = np.stack([np.convolve(axis, np.hanning(9), "valid") for axis in pace.T], axis=1)
    return place([np.cumsum(smooth - smooth.mean(axis=0), axis=0)], random.uniform(0.4, 0.8))


def blot(random: np.random.Generator) -> list[np.ndarray]:
    """A patch filled with strokes."""
    rows = np.arange(0, 1, 0.04)
    half = np.sqrt(np.maximum(0.01, 0.25 - (rows - 0.5) ** 2)) * random.uniform(0.7, 1.4)
    ends = np.stack([0.5 - half, 0.5 + half], axis=1) + random.normal(scale=0.02, size=(len(rows), 2))
    zigzag = [(x, y) for (left, right), y in zip(ends, rows, strict=True) for x in (left, right)]
    return place([np.array(zigzag)], random.uniform(0.2, 0.7))


def dash(random: np.random.Generator) -> list[np.ndarray]:
    """One level line, drawn by an unsteady hand."""
    along = np.linspace(0, 1, 12)
    across = random.uniform(-0.4, 0.4) * along + np.cumsum(random.normal(scale=0.008, size=12))
    return place([np.stack([along, across], axis=1)], random.uniform(0.3, 0.8))


def two_digits(random: np.random.Generator, samples: list[dict]) -> list[np.ndarray]:
    """Two of the drawn digits side by side."""
    size = random.uniform(0.3, 0.45)
    left, right = (samples[index]["strokes"] for index in random.integers(len(samples), size=2))
    return place(left, size, (0.27, 0.5)) + place(right, size, (0.73, random.uniform(0.45, 0.55)))


def main() -> None:
    """Measure, print tables, write them as JSON and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", nargs="+", type=Path, required=True, help="stroke files of digits")
    parser.add_argument("--letters", type=Path, required=True, help="stroke file of letters that are no digits")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    test_images, test_labels = load_mnist(train=False)
    digits = {"MNIST's test set": (test_images.numpy(), test_labels.numpy())}
    others: dict[str, np.ndarray] = {}
    with multiprocessing.Pool() as pool:
        for file in options.digits:
            samples = load_strokes(file)
            digits[file.name] = images_of(samples, {}, sketch_to_mnist, pool), labels_of(samples)
        others[options.letters.name] = images_of(load_strokes(options.letters), {}, sketch_to_mnist, pool)
        samples = load_strokes(options.digits[0])
        kinds = {"scribbles": scribble, "blots": blot, "dashes": dash}
        kinds["two digits"] = functools.partial(two_digits, samples=samples)
        for kind, make in kinds.items():
            others[kind] = np.stack(pool.map(_image_of, [make(random) for _ in range(COUNT)], chunksize=50))
    results = {
        "calibration": {name: calibration(name, digits) for name in MODELS},
        **refusals({source: images for source, (images, _) in digits.items()}, others, options.letters.name),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    FIGURE.write_text(plot(results), encoding="utf-8")


def calibration(name: str, digits: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, dict[str, Any]]:
    """What one network claims of digits, and what is true, by where they come from; printed as well."""
    classifier, result = load_classifier(name), {}
    print(f"\n{name}")
    for source, (images, labels) in digits.items():
        error, bins = reliability(classifier.probabilities(images), labels)
        result[source] = {"error": error, "bins": bins}
        print(f"  {source}: expected calibration error {error:.2%}\n      share   claimed      true")
        for row in bins:
            print(f"    {row['share']:7.2%}   {row['confidence']:7.2%}   {row['accuracy']:7.2%}")
    return result


def refusals(digits: dict[str, np.ndarray], others: dict[str, np.ndarray], letters: str) -> dict[str, Any]:
    """What is refused as no digit, whichever network reads; printed as well.

    Args:
        digits: images by where they come from, MNIST's first and then drawn ones.
        others: images that are no digit.
        letters: the key in `others` for which there is a ROC curve, against all drawn digits.
    """
    classifier = load_classifier()
    rejector = classifier.rejector
    rejection_threshold = rejector.calibration.rejection_threshold
    scores = {source: classifier.top2_probability(images) for source, images in (digits | others).items()}
    refused = {
        source: {"drawings": len(of), "share": float((of < rejection_threshold).mean())}
        for source, of in scores.items()
    }
    print(
        f"\nrefused, where the two likeliest digits have less than {rejection_threshold:.1%} together by {rejector.name}:"
    )
    for source, row in refused.items():
        print(f"    {source:<28}{row['share']:8.2%} of {row['drawings']}")
    count = np.concatenate([scores[source] for source in list(digits)[1:]])
    levels = np.unique(np.quantile(count, np.concatenate([np.linspace(0, 0.1, 51), np.linspace(0.1, 1, 46)])))
    roc = {
        "area": area_under_roc(count, scores[letters]),
        "digits_refused": [float((count < level).mean()) for level in levels],
        "letters_refused": [float((scores[letters] < level).mean()) for level in levels],
    }
    print(f"  drawn digits against letters: area under the ROC curve {roc['area']:.4f}")
    return {"threshold": rejection_threshold, "refused": refused, "roc": roc}


def plot(results: dict[str, Any]) -> str:
    """Reliability diagrams and the ROC curve side by side, as SVG."""
    diagonal = {"": [(0.0, 0.0), (1.0, 1.0)]}
    reliability_lines = {}
    for name, by_source in results["calibration"].items():
        for source, of in by_source.items():
            # A bin with a handful of drawings tells nothing.
            bins = [row for row in of["bins"] if row["share"] >= 0.001]
            label = f"{name}, {source.split('.')[0]}: error {of['error']:.1%}"
            reliability_lines[label] = [(row["confidence"], row["accuracy"]) for row in bins]
    roc = results["roc"]
    points = zip(roc["digits_refused"], roc["letters_refused"], strict=True)
    roc_lines = {f"area {roc['area']:.3f}": [(5 * x, y) for x, y in points if x <= 0.2]}
    charts = [
        _chart("Share read right over confidence claimed", reliability_lines | diagonal, "0", "100 %"),
        _chart("Letters refused over drawn digits refused", roc_lines, "0", "20 %"),
    ]
    placed = "".join(f'<g transform="translate({index * 420} 0)">{chart}</g>' for index, chart in enumerate(charts))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 420" font-family="sans-serif" font-size="12">'
        f'<rect width="840" height="420" fill="white"/>{placed}</svg>\n'
    )


def _chart(title: str, lines: dict[str, list[tuple[float, float]]], start: str, end: str) -> str:
    """Lines through points from 0 to 1 along both axes, with a legend; what has no label is grey."""

    def at(x: float, y: float) -> str:
        return f"{50 + 340 * x:.1f},{370 - 330 * y:.1f}"

    parts = [
        f'<text x="50" y="24" font-size="14">{title}</text><path d="M50 40V370H390" fill="none" stroke="#444"/>',
        f'<text x="50" y="390">{start}</text><text x="390" y="390" text-anchor="end">{end}</text>',
        '<text x="44" y="372" text-anchor="end">0</text><text x="44" y="48" text-anchor="end">100 %</text>',
    ]
    for number, (label, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)] if label else "#bbb"
        joined = " ".join(at(x, y) for x, y in points)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="385" y="{360 - 16 * number}" text-anchor="end" fill="{colour}">{label}</text>')
    return "".join(parts)


def _image_of(strokes: list[np.ndarray]) -> np.ndarray:
    return sketch_to_mnist(render(strokes, PAD))


if __name__ == "__main__":
    main()
