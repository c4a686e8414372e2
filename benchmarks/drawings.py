"""How well the shipped weights read digits that people drew: pen trajectories replayed as on the page.

    python -m benchmarks.drawings FILE.jsonl.gz [FILE.jsonl.gz ...]

Each is drawn in the middle of a pad of 280 pixels, its longer side 60 % of that, with a pen of 16 pixels, and read
through `sketch_to_mnist`. The accuracy is given over all samples, and as the mean over the donors with 20 or more:
some donors gave far more than others.
"""

import argparse
import collections
import json
from pathlib import Path

import numpy as np

from mnist_cnn.classifier import load_classifier
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist

from .strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "drawings.json"
FEWEST = 20  # samples of a donor that counts in the mean over donors


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="stroke files of digits")
    rows = []
    print(f"{'file':<26}{'network':<9}{'samples':>8}{'accuracy':>10}{'donors':>8}{'mean':>8}   by digit, 0 to 9")
    for file in parser.parse_args().files:
        samples = load_strokes(file)
        labels = np.array([int(sample["label"]) for sample in samples])
        donors = np.array([sample.get("donor", "") for sample in samples])
        images = np.stack([sketch_to_mnist(render(place(sample["strokes"]))) for sample in samples])
        counts = collections.Counter(donors.tolist())
        for name in MODELS:
            right = load_classifier(name).probabilities(images).argmax(axis=1) == labels
            shares = [right[donors == donor].mean() for donor, count in counts.items() if count >= FEWEST]
            row = {
                "file": file.name,
                "model": name,
                "samples": len(samples),
                "accuracy": float(right.mean()),
                "donors": len(shares),
                "mean_over_donors": float(np.mean(shares)),
                "by_digit": [float(right[labels == digit].mean()) for digit in range(10)],
            }
            rows.append(row)
            digits = " ".join(f"{share:6.1%}" for share in row["by_digit"])
            print(
                f"{file.name:<26}{name:<9}{len(samples):>8}{row['accuracy']:>10.2%}{len(shares):>8}"
                f"{row['mean_over_donors']:>8.2%}   {digits}",
                flush=True,
            )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
