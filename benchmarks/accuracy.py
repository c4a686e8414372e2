"""Test accuracy after one epoch, over ten seeds that no setting was chosen with.

python -m benchmarks.accuracy
python -m benchmarks.accuracy --row net-25k/default    # one row; the others keep their last results
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from mnist_cnn.data import load_mnist
from mnist_cnn.models import build_model, count_parameters
from mnist_cnn.training import get_settings, train

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
ROWS = {  # model/recipe: target in per cent of the mean and of the minimum over the seeds
    "net-25k/default": (99.50, 99.35),
    "net-8k/default": (98.4, 98.1),
    "net-8k/reference": (None, 95.0),
}


def test_accuracy(model: str, recipe: str, seed: int, training_set: tuple, test_set: tuple) -> float:
    """Accuracy in per cent on the whole test set after one epoch."""
    settings = get_settings(model, recipe, seed=seed)
    *_, progress = train(build_model(model, seed), *training_set, settings, test=test_set)
    return 100 * progress.test_accuracy


def save_row(name: str, row: dict) -> None:
    """Write a row into the results, which stay in the order of `ROWS`."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows[name] = row
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({key: rows[key] for key in ROWS if key in rows}, indent=2) + "\n")


def main() -> None:
    """Train all rows, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", action="append", choices=ROWS, help="a row to measure (default: all)")
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=300, help="the first of them (default: %(default)s)")
    options = parser.parse_args()
    training_set, test_set = load_mnist(train=True), load_mnist(train=False)
    seeds = range(options.first_seed, options.first_seed + options.seeds)

    print(f"{'model':<9}{'recipe':<11}{'mean':>8}{'std':>7}{'min':>8}{'max':>8}   target mean, min")
    for name in options.row or ROWS:
        model, recipe = name.split("/")
        target_mean, target_min = ROWS[name]
        started = time.perf_counter()
        accuracies = [test_accuracy(model, recipe, seed, training_set, test_set) for seed in seeds]
        row = {
            "model": model,
            "parameters": count_parameters(build_model(model)),
            "recipe": recipe,
            "accuracies": {seed: round(value, 2) for seed, value in zip(seeds, accuracies, strict=True)},
            "mean": statistics.mean(accuracies),
            "std": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
            "min": min(accuracies),
            "max": max(accuracies),
            "target_mean": target_mean,
            "target_min": target_min,
            "seconds_per_run": (time.perf_counter() - started) / len(accuracies),
        }
        save_row(name, row)
        metrics = f"{row['mean']:>8.3f}{row['std']:>7.3f}{row['min']:>8.2f}{row['max']:>8.2f}"
        print(f"{model:<9}{recipe:<11}{metrics}   {target_mean or '-'}, {target_min}", flush=True)


if __name__ == "__main__":
    main()
