"""What fine-tuning on a few of a writer's drawings changes: for this writer's other drawings, MNIST and letters.

    python -m benchmarks.fine_tuning FILE [FILE ...] --letters FILE [--seeds N]

The files hold pen trajectories of digits (`.jsonl.gz`, see `tests.support.strokes.load_strokes`) whose samples name
their `writer`. Drawings are made as in `benchmarks.drawings`, under the nominal condition. A drawing counts as correct
if its digit is predicted and it is not rejected, as on the page.

Every writer of whom the pretrained model misclassifies five drawings or more is a user in turn: half of these, five at
most, are labelled and trained on as on the page, and the writer's other drawings are measured. MNIST's accuracy is that
on 10,000 training images which the fine-tuning does not see. These drawings chose the settings of the fine-tuning, so
they are validation data.
"""

import argparse
import collections
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.drawings import images_of, labels_of
from mnist_cnn.calibration import calibrate
from mnist_cnn.classifier import Classifier, load_classifier
from mnist_cnn.data import load_mnist
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.data.mnist import split_validation
from mnist_cnn.evaluation import accuracy
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.training import TrainingSettings, get_settings, train
from tests.support.strokes import load_strokes

RESULTS = Path(__file__).parent / "results" / "fine_tuning.json"
MIN_MISCLASSIFIED = 5  # drawings of a writer who counts
MAX_LABELLED = 5

Drawings = tuple[np.ndarray, np.ndarray]  # uint8 (N, 28, 28), int (N,)


def main() -> None:
    """Measure, print a line for each writer and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="files of digits")
    parser.add_argument("--letters", type=Path, required=True, help="file of drawings that are no digit")
    parser.add_argument("--seeds", type=int, default=1, help="runs for each writer (default: %(default)s)")
    options = parser.parse_args()
    with multiprocessing.Pool() as pool:
        writers = {name: drawings for file in options.files for name, drawings in load_writers(file, pool).items()}
        letters = images_of(load_strokes(options.letters), {}, sketch_to_mnist, pool)
    training_set, validation_set = split_validation(*load_mnist(train=True))
    rows = []
    for model in MODELS:
        settings = get_settings(model, "fine-tuning")
        for seed in range(options.seeds):
            rows += measure(settings, writers, letters, training_set, validation_set, seed)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


def load_writers(file: Path, pool: Any) -> dict[str, Drawings]:
    """The preprocessed drawings of each writer in a file, by the file's and the writer's name."""
    by_writer = collections.defaultdict(list)
    for sample in load_strokes(file):
        by_writer[f"{file.name.split('_')[0]} {sample['writer']}"].append(sample)
    return {
        name: (images_of(samples, {}, sketch_to_mnist, pool), labels_of(samples)) for name, samples in by_writer.items()
    }


def measure(
    settings: TrainingSettings,
    writers: dict[str, Drawings],
    letters: np.ndarray,
    training_set: tuple[torch.Tensor, torch.Tensor],
    validation_set: tuple[torch.Tensor, torch.Tensor],
    seed: int,
) -> list[dict[str, Any]]:
    """A row for each writer of whom the pretrained model misclassifies enough drawings."""
    before = load_classifier(settings.model)
    mnist_before = accuracy(before.model, *validation_set)
    rows = []
    for name, (images, labels) in writers.items():
        correct_before = before.classify(images) == labels
        wrong = np.flatnonzero(~correct_before)
        if len(wrong) < MIN_MISCLASSIFIED:
            continue
        labelled = np.random.default_rng(seed).permutation(wrong)[: min(MAX_LABELLED, len(wrong) // 2)]
        others = np.setdiff1d(np.arange(len(labels)), labelled)
        drawings = LabelledDrawings()
        for index in labelled:
            drawings = drawings.add(images[index], int(labels[index]), None)
        after, seconds = fine_tune(before, drawings, settings, training_set, seed)
        correct_after = after.classify(images) == labels
        rows.append(
            {
                "model": settings.model,
                "writer": name,
                "seed": seed,
                "labelled": len(labelled),
                "labelled_correct": int(correct_after[labelled].sum()),
                "others": len(others),
                "others_before": int(correct_before[others].sum()),
                "others_after": int(correct_after[others].sum()),
                "mnist_before": mnist_before,
                "mnist_after": accuracy(after.model, *validation_set),
                "letters_before": float((before.classify(letters) == -1).mean()),
                "letters_after": float((after.classify(letters) == -1).mean()),
                "seconds": seconds,
            }
        )
        print(" ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    return rows


def fine_tune(
    before: Classifier,
    drawings: LabelledDrawings,
    settings: TrainingSettings,
    training_set: tuple[torch.Tensor, torch.Tensor],
    seed: int,
) -> tuple[Classifier, float]:
    """The classifier that the page would make of another one, and the seconds that it takes without the test set."""
    started = time.perf_counter()
    model = build_model(settings.model)
    model.load_state_dict(before.model.state_dict())
    for _ in train(model, *training_set, settings, extra_data=drawings.fine_tuning_copies(seed)):
        pass
    after = Classifier(model, settings.model, calibration=calibrate(model, *training_set))
    return after, time.perf_counter() - started


if __name__ == "__main__":
    main()
