"""Test accuracy after one epoch, each training image seen once, over ten seeds that no setting was chosen with.

python -m benchmarks.one_epoch
python -m benchmarks.one_epoch --row net-25k/ours    # one row alone; the others keep their last results
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from mnist_cnn.data import load_mnist
from mnist_cnn.models import build_model, count_parameters
from mnist_cnn.training import get_settings, train

RESULTS = Path(__file__).parent / "results" / "one_epoch.json"
ROWS = {  # network/recipe: the accuracy in per cent that the mean and the worst seed are to reach
    "net-25k/default": (99.50, 99.35),
    "net-8k/default": (98.4, 98.1),
    "net-8k/reference": (None, 95.0),
}


def test_accuracy(model: str, recipe: str, seed: int, training: tuple, test: tuple) -> float:
    """Train one network for one epoch and measure it on the whole test set; per cent."""
    settings = get_settings(model, recipe, seed=seed)
    *_, last = train(build_model(model, seed), *training, settings, test=test)
    return 100 * last.test_accuracy


def save(name: str, row: dict) -> None:
    """Put a row among the results, in the order of `ROWS`."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows[name] = row
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({key: rows[key] for key in ROWS if key in rows}, indent=2) + "\n")


def main() -> None:
    """Train all rows, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", action="append", choices=ROWS, help="a row to measure (default: all)")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds (default: 10)")
    parser.add_argument("--first-seed", type=int, default=300, help="the first of them (default: 300)")
    arguments = parser.parse_args()
    training, test = load_mnist(train=True), load_mnist(train=False)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)

    print(f"{'network':<9}{'recipe':<11}{'mean':>8}{'sd':>7}{'worst':>8}{'best':>8}   goal: mean, worst")
    for name in arguments.row or ROWS:
        model, recipe = name.split("/")
        mean, worst = ROWS[name]
        started = time.perf_counter()
        accuracies = [test_accuracy(model, recipe, seed, training, test) for seed in seeds]
        row = {
            "model": model,
            "parameters": count_parameters(build_model(model)),
            "recipe": recipe,
            "accuracies": {seed: round(value, 2) for seed, value in zip(seeds, accuracies, strict=True)},
            "mean": statistics.mean(accuracies),
            "sd": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
            "worst": min(accuracies),
            "best": max(accuracies),
            "goal_mean": mean,
            "goal_worst": worst,
            "seconds_per_run": (time.perf_counter() - started) / len(accuracies),
        }
        save(name, row)
        figures = f"{row['mean']:>8.3f}{row['sd']:>7.3f}{row['worst']:>8.2f}{row['best']:>8.2f}"
        print(f"{model:<9}{recipe:<11}{figures}   {mean or '-'}, {worst}", flush=True)


if __name__ == "__main__":
    main()
