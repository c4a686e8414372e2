"""Train a network on MNIST and save it: `python train.py --help`."""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from mnist_cnn.calibration import calibrate
from mnist_cnn.data import DataError, load_mnist
from mnist_cnn.models import MODELS, build_model, count_parameters
from mnist_cnn.report import metrics
from mnist_cnn.training import DEVICES, RECIPES, Progress, pick_device, recipe_settings, train
from mnist_cnn.weights import load_weights, save_weights

DEFAULT_MODEL = "net-25k"
BAR_WIDTH = 30


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the process's exit status."""
    options = _parse(arguments)
    try:
        start = load_weights(options.start_from) if options.start_from else None
        if start and options.model not in (None, start.name):
            raise ValueError(f"{options.start_from} holds {start.name}, not {options.model}; leave --model out.")
        settings = recipe_settings(
            start.name if start else options.model or DEFAULT_MODEL,
            options.recipe,
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr,
            share=options.share,
            seed=options.seed,
        )
        device = pick_device(options.device)
        for path in filter(None, (options.output, options.metrics)):
            _prepare(path)
        training_set = load_mnist(options.data_root, train=True)
        test_set = load_mnist(options.data_root, train=False)
    except (ValueError, OSError, DataError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2

    model = start.model.requires_grad_() if start else build_model(settings.model, settings.seed)
    model.to(device)
    parameters = count_parameters(model)
    print(f"{settings.model}: {parameters:,} parameters, recipe {settings.recipe!r}, seed {settings.seed}, on {device}")
    try:
        for progress in train(model, *training_set, settings, test=test_set, threads=options.threads):
            _show(progress)
    except KeyboardInterrupt:
        print("\nStopped; nothing was saved.", file=sys.stderr)
        return 130
    print(f"\ntest accuracy {progress.test_accuracy:.2%} after {progress.seconds:.1f} s")

    try:
        if options.output:
            calibration = calibrate(model, *training_set)
            save_weights(model, options.output, dataclasses.asdict(settings), progress.test_accuracy, calibration)
            print(f"weights saved to {options.output}")
        if options.metrics:
            options.metrics.write_text(json.dumps(metrics(settings, parameters, progress), indent=2) + "\n")
            print(f"metrics saved to {options.metrics}")
    except OSError as error:
        print(f"train.py: not saved: {error}. Make room, or name another file, and train again.", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a tiny CNN on MNIST.")
    parser.add_argument("--model", choices=MODELS, help=f"the network (default: {DEFAULT_MODEL})")
    parser.add_argument("--recipe", choices=RECIPES, default="ours", help="how to train it (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="passes over the training set (default: the recipe's)")
    parser.add_argument("--batch-size", type=int, help="images a step (default: the recipe's)")
    parser.add_argument("--lr", type=float, help="peak learning rate of SGD (default: the recipe's)")
    parser.add_argument("--share", type=float, help="of the training set that is used, 0 to 1 (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation (default: 0)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: a GPU where there is one (default)")
    parser.add_argument("--threads", type=_threads, default=1, help="of the processor (default: 1, as on the page)")
    parser.add_argument("--data-root", type=Path, help="folder that holds MNIST/raw (default: MNIST_ROOT, else data/)")
    parser.add_argument("--start-from", type=Path, help="weights to go on from, in place of random ones")
    parser.add_argument("--output", type=Path, help="file to save the weights to")
    parser.add_argument("--metrics", type=Path, help="file to save the figures to, as JSON")
    return parser.parse_args(arguments)


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= (os.cpu_count() or 1):
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {os.cpu_count()}, the cores there are")
    return int(text)


def _prepare(path: Path) -> None:
    """Find out before an epoch rather than after it that a file cannot be written."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path.parent} cannot be written to; name a file somewhere else.")


def _show(progress: Progress) -> None:
    if progress.step % 10 and not progress.done:
        return
    filled = round(BAR_WIDTH * progress.step / progress.steps)
    print(
        f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {progress.step}/{progress.steps}"
        f"  loss {progress.loss:.3f}  accuracy {progress.accuracy:.2%}"
        f"  {progress.images_per_second:,.0f} images/s  ETA {progress.eta_seconds:3.0f} s ",
        end="",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
