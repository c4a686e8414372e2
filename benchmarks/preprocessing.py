"""How exactly preprocessing reproduces MNIST's own test digits from a canvas on which they are enlarged and moved.

    python -m benchmarks.preprocessing

Each of the 10,000 test digits is enlarged by an integer factor, 6 to 10, every pixel repeated, and pasted at a random
position of a canvas; `sketch_to_mnist` of the canvas is compared with the digit pixel by pixel.
"""

import json
from pathlib import Path

import numpy as np
import torch

from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import load_mnist
from mnist_cnn.evaluation import accuracy
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist

RESULTS = Path(__file__).parent / "results" / "preprocessing.json"
CANVAS_SHAPE = (300, 320)


def on_canvas(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit, uint8 (28, 28), enlarged 6 to 10 times at a random position of a black canvas, uint8 (300, 320)."""
    factor = int(random.integers(6, 11))
    enlarged = digit.repeat(factor, axis=0).repeat(factor, axis=1)
    canvas = np.zeros(CANVAS_SHAPE, np.uint8)
    top, left = (int(random.integers(0, free + 1)) for free in np.subtract(CANVAS_SHAPE, enlarged.shape))
    canvas[top : top + len(enlarged), left : left + len(enlarged)] = enlarged
    return canvas


def main() -> None:
    """Measure, print a table and write it as JSON."""
    images, labels = load_mnist(train=False)
    random = np.random.default_rng(0)
    reproduced = np.stack([sketch_to_mnist(on_canvas(digit, random)) for digit in images.numpy()])
    difference = np.abs(reproduced.astype(int) - images.numpy()).max(axis=(1, 2))  # (N,)
    full_scale = images.numpy().max(axis=(1, 2)) == 255
    results = {
        "digits": len(images),
        "within_one_grey_level": int((difference <= 1).sum()),
        "full_scale": int(full_scale.sum()),
        "exact_matches": int((difference[full_scale] == 0).sum()),
        "accuracy": {},
    }
    print(f"{results['within_one_grey_level']} of {len(images)} digits are reproduced within one grey level of 255")
    print(f"{results['exact_matches']} of the {full_scale.sum()} with a pixel of 255 are reproduced exactly")
    for name in MODELS:
        model = load_classifier(name).model
        before, after = accuracy(model, images, labels), accuracy(model, torch.from_numpy(reproduced), labels)
        results["accuracy"][name] = {"before": before, "after": after}
        print(f"{name}: test accuracy {before:.2%} before, {after:.2%} after")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
