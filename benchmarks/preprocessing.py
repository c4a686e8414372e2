"""How exactly preprocessing repeats MNIST's making: its own test digits, enlarged and put anywhere, must come back.

    python -m benchmarks.preprocessing

Each of the 10,000 test digits is enlarged by a whole factor, 6 to 10, every pixel repeated, and placed at random on
a canvas; `sketch_to_mnist` of that is compared with the digit pixel by pixel.
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
CANVAS = (300, 320)


def on_canvas(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit, uint8 (28, 28), enlarged 6 to 10 times at a random place of a black canvas, uint8 (300, 320)."""
    factor = int(random.integers(6, 11))
    big = digit.repeat(factor, axis=0).repeat(factor, axis=1)
    canvas = np.zeros(CANVAS, np.uint8)
    top, left = (int(random.integers(0, free + 1)) for free in np.subtract(CANVAS, big.shape))
    canvas[top : top + len(big), left : left + len(big)] = big
    return canvas


def main() -> None:
    """Measure, print a table and write it as JSON."""
    images, labels = load_mnist(train=False)
    random = np.random.default_rng(0)
    results = np.stack([sketch_to_mnist(on_canvas(digit, random)) for digit in images.numpy()])
    difference = np.abs(results.astype(int) - images.numpy()).max(axis=(1, 2))  # (N,)
    full = images.numpy().max(axis=(1, 2)) == 255
    figures = {
        "digits": len(images),
        "within_one_grey_level": int((difference <= 1).sum()),
        "with_full_ink": int(full.sum()),
        "with_full_ink_bit_for_bit": int((difference[full] == 0).sum()),
        "accuracy": {},
    }
    print(f"{figures['within_one_grey_level']} of {len(images)} digits come back within one grey level of 255")
    print(f"{figures['with_full_ink_bit_for_bit']} of the {full.sum()} that reach full ink, bit for bit")
    for name in MODELS:
        model = load_classifier(name).model
        before, after = accuracy(model, images, labels), accuracy(model, torch.from_numpy(results), labels)
        figures["accuracy"][name] = {"before": before, "after": after}
        print(f"{name}: test accuracy {before:.2%} before, {after:.2%} after")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
