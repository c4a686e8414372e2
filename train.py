"""Train a model on MNIST and save it: `python train.py --help`."""

import argparse
import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import torch

from mnist_cnn.calibration import calibrate
from mnist_cnn.checkpoint import load_checkpoint, save_checkpoint
from mnist_cnn.data import DataError, load_mnist
from mnist_cnn.data.corrections import DrawingsError, LabelledDrawings, decode_drawings
from mnist_cnn.evaluation import confusion_matrix, logits_accuracy, predict_logits
from mnist_cnn.models import DEFAULT_MODEL, TRAINABLE, build_model, count_parameters
from mnist_cnn.runtime import DEVICES, select_device
from mnist_cnn.training import AUGMENTATIONS, RECIPES, Progress, get_settings, train
from mnist_cnn.training.history import EVALUATE_AT, History
from mnist_cnn.training.loop import model_to_evaluate
from mnist_cnn.training.metrics import curves_csv, run_metrics
from mnist_cnn.training.settings import PRECISIONS

BAR_WIDTH = 30


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the process's exit status."""
    options = parse_arguments(arguments)
    try:
        return run(options)
    except KeyboardInterrupt:
        print("\nInterrupted. What was not saved yet is lost.", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    """Train as the options say; returns the process's exit status."""
    try:
        initial = load_checkpoint(options.init_from) if options.init_from else None
        teacher = load_checkpoint(options.teacher).model if options.teacher else None
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
        for path in filter(None, (options.output, options.metrics, options.curves)):
            check_writable(path)
        drawings = load_drawings(options.drawings) if options.drawings else LabelledDrawings()
        extra_data = drawings.fine_tuning_copies(settings.seed) if drawings.count else None
        training_set = load_mnist(options.data_root, train=True)
        test_set = load_mnist(options.data_root, train=False)
    except (ValueError, OSError, DataError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2

    model = initial.model.requires_grad_() if initial else build_model(settings.model, settings.seed)
    model.to(device)
    if teacher:
        teacher.to(device, memory_format=torch.channels_last)
    num_parameters = count_parameters(model)
    print(f"{settings.model}: {num_parameters:,} parameters, recipe {settings.recipe}, seed {settings.seed}, {device}")
    if not options.output:
        print("The model will not be saved. To keep it, name a file with --output.")
    with stop_on_interrupt() as stopping:
        history = History()
        evaluate_at = EVALUATE_AT if options.metrics or options.curves else ()
        try:
            for progress in train(model, *training_set, settings, test_set, evaluate_at, extra_data, teacher):
                history.record(progress)
                show_progress(progress, stopping.is_set())
                if stopping.is_set():
                    break
        except ValueError as error:  # the batch is larger than the training set, or the training diverged
            if history.progress:
                print()  # ends the line of the progress bar
            print(f"train.py: {error}", file=sys.stderr)
            return 2
        model = model_to_evaluate(model, progress, settings, *training_set)
        logits, labels = predict_logits(model, test_set[0]), test_set[1]  # (N, 10), (N,)
        accuracy = logits_accuracy(logits, labels)
        trained_fraction = progress.step / progress.total_steps
        history.test_accuracy.append((trained_fraction, accuracy))
        stopped = "" if progress.is_last else f"stopped at {trained_fraction:.0%} of the training, "
        print(f"\n{stopped}test accuracy {accuracy:.2%} after {progress.seconds:.1f} s")
        try:
            if options.output:
                calibration = calibrate(model, *training_set)
                save_checkpoint(model, options.output, dataclasses.asdict(settings), accuracy, calibration)
                print(f"checkpoint saved to {options.output}")
            if options.metrics:
                confusion = confusion_matrix(logits, labels)
                metrics = run_metrics(settings, num_parameters, progress, history, accuracy, confusion, drawings.count)
                options.metrics.write_text(json.dumps(metrics, indent=2) + "\n")
                print(f"metrics saved to {options.metrics}")
            if options.curves:
                options.curves.write_text(curves_csv(history))
                print(f"curves saved to {options.curves}")
        except OSError as error:
            text = f"not saved: {error}. Free some space or name another file, then train again."
            print(f"train.py: {text}", file=sys.stderr)
            return 1
    return 0


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Let the first Ctrl-C within the block only set the event; a second one raises KeyboardInterrupt."""
    stopping = threading.Event()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stopping.set()
        print("\nStopping after this step. Press Ctrl-C again to end at once, without saving.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line, `sys.argv`'s where `arguments` is None."""
    parser = argparse.ArgumentParser(description="Train a tiny CNN on MNIST.")
    parser.add_argument("--model", choices=TRAINABLE, help=f"model to train (default: {DEFAULT_MODEL})")
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
    parser.add_argument("--teacher", type=Path, help="checkpoint of a model whose probabilities are learnt, too")
    parser.add_argument("--drawings", type=Path, help="labelled drawings from the page (.npz) to train on, too")
    parser.add_argument("--output", type=Path, help="file to save the checkpoint to")
    parser.add_argument("--metrics", type=Path, help="file to save the metrics and the curves to, as JSON")
    parser.add_argument("--curves", type=Path, help="file to save the curves to, as CSV")
    return parser.parse_args(arguments)


def load_drawings(path: Path) -> LabelledDrawings:
    """The labelled drawings in a file.

    Raises:
        OSError: the file cannot be read.
        DrawingsError: it holds something else. This is a ValueError, too.
    """
    try:
        return LabelledDrawings(*decode_drawings(path.read_bytes()))
    except DrawingsError as error:
        raise DrawingsError(f"{path}: {error}") from error


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


def show_progress(progress: Progress, stopping: bool) -> None:
    """Print a progress bar over the last one, at every tenth step and at the last one."""
    if progress.step % 10 and not progress.is_last and not stopping:
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
