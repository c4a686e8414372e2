"""Train a model on MNIST and save it: `python train.py --help`."""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from mnist_cnn.calibration import calibrate
from mnist_cnn.checkpoint import load_checkpoint, save_checkpoint
from mnist_cnn.data import DataError, load_mnist
from mnist_cnn.models import DEFAULT_MODEL, MODELS, build_model, count_parameters
from mnist_cnn.runtime import DEVICES, select_device
from mnist_cnn.training import AUGMENTATIONS, RECIPES, Progress, get_settings, train
from mnist_cnn.training.progress import run_metrics
from mnist_cnn.training.settings import PRECISIONS

BAR_WIDTH = 30


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the process's exit status."""
    options = parse_arguments(arguments)
    try:
        initial = load_checkpoint(options.init_from) if options.init_from else None
        if initial and options.model not in (None, initial.name):
            raise ValueError(f"{options.init_from} holds {initial.name}, not {options.model}; leave --model out.")
        settings = get_settings(
            initial.name if initial else options.model or DEFAULT_MODEL,
            options.recipe,
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr,
            train_fraction=options.train_fraction,
            seed=options.seed,
            num_threads=options.threads,
            precision=options.precision,
            **AUGMENTATIONS.get(options.augmentation, {}),
        )
        device = select_device(options.device)
        for path in filter(None, (options.output, options.metrics)):
            check_writable(path)
        training_set = load_mnist(options.data_root, train=True)
        test_set = load_mnist(options.data_root, train=False)
    except (ValueError, OSError, DataError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2

    model = initial.model.requires_grad_() if initial else build_model(settings.model, settings.seed)
    model.to(device)
    num_parameters = count_parameters(model)
    print(f"{settings.model}: {num_parameters:,} parameters, recipe {settings.recipe}, seed {settings.seed}, {device}")
    if not options.output:
        print("The model will not be saved. To keep it, name a file with --output.")
    try:
        for progress in train(model, *training_set, settings, test=test_set):
            show_progress(progress)
    except ValueError as error:  # the batch is larger than the training set
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; nothing was saved.", file=sys.stderr)
        return 130
    print(f"\ntest accuracy {progress.test_accuracy:.2%} after {progress.seconds:.1f} s")

    try:
        if options.output:
            calibration = calibrate(model, *training_set)
            save_checkpoint(model, options.output, dataclasses.asdict(settings), progress.test_accuracy, calibration)
            print(f"checkpoint saved to {options.output}")
        if options.metrics:
            metrics = run_metrics(settings, num_parameters, progress)
            options.metrics.write_text(json.dumps(metrics, indent=2) + "\n")
            print(f"metrics saved to {options.metrics}")
    except OSError as error:
        print(f"train.py: not saved: {error}. Free some space or name another file, then train again.", file=sys.stderr)
        return 1
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line, `sys.argv`'s where `arguments` is None."""
    parser = argparse.ArgumentParser(description="Train a tiny CNN on MNIST.")
    parser.add_argument("--model", choices=MODELS, help=f"model to train (default: {DEFAULT_MODEL})")
    parser.add_argument("--recipe", choices=RECIPES, default="default", help="training settings (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="passes over the training set (default: the recipe's)")
    parser.add_argument("--batch-size", type=int, help="samples per step (default: the recipe's)")
    parser.add_argument("--lr", type=float, help="peak learning rate of SGD (default: the recipe's)")
    parser.add_argument("--augmentation", choices=AUGMENTATIONS, help="changes of the images (default: the recipe's)")
    parser.add_argument("--train-fraction", type=float, help="fraction of the training set, 0.001 to 1 (default: 1)")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of initialisation, shuffling and augmentation (default: %(default)s)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: a GPU where there is one (default)")
    parser.add_argument(
        "--threads", type=number_of_threads, default=1, help="number of CPU threads (default: %(default)s)"
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="of the layers on a CPU (default: bfloat16 where the CPU has it)"
    )
    parser.add_argument(
        "--data-root", type=Path, help="folder that holds MNIST/raw (default: MNIST_ROOT if set, else data/)"
    )
    parser.add_argument("--init-from", type=Path, help="checkpoint to initialise from, instead of random weights")
    parser.add_argument("--output", type=Path, help="file to save the checkpoint to")
    parser.add_argument("--metrics", type=Path, help="file to save the metrics to, as JSON")
    return parser.parse_args(arguments)


def number_of_threads(text: str) -> int:
    """A number from 1 to the CPU's cores, for argparse."""
    cores = os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= cores:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {cores}, the number of CPU cores")
    return int(text)


def check_writable(path: Path) -> None:
    """Find out before an epoch rather than after it that a file cannot be written.

    Raises:
        ValueError: it is a folder, or lies in one that cannot be written to.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path.parent} is not writable; name a file in another folder.")


def show_progress(progress: Progress) -> None:
    """Print a progress bar over the last one, at every tenth step."""
    if progress.step % 10 and not progress.is_last:
        return
    filled = round(BAR_WIDTH * progress.step / progress.total_steps)
    print(
        f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {progress.step}/{progress.total_steps}"
        f"  loss {progress.smoothed_loss:.3f}  accuracy {progress.smoothed_accuracy:.2%}"
        f"  {progress.samples_per_second:,.0f} samples/s  ETA {progress.eta_seconds:3.0f} s ",
        end="",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
