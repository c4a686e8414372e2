import csv
import dataclasses
import itertools
import json
import signal
import subprocess
import sys

import pytest
import torch

import train
from mnist_cnn.checkpoint import load_checkpoint
from mnist_cnn.classifier import load_classifier
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.evaluation import accuracy
from mnist_cnn.models import build_model
from mnist_cnn.training import AUGMENTATIONS
from tests.support import PROJECT


def run(*arguments):
    return subprocess.run(
        [sys.executable, "train.py", *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True
    )


def main(*arguments):
    """The same in this process, which is faster; returns the exit status."""
    return train.main([*map(str, arguments)])


def test_training_saves_a_checkpoint_and_metrics(small_root, tmp_path, small_sets):
    metrics_file, checkpoint = tmp_path / "metrics" / "m.json", tmp_path / "w.pt"
    ended = run(
        *("--model", "net-8k", "--recipe", "reference", "--epochs", 2, "--batch-size", 16, "--lr", 0.05, "--seed", 3),
        *("--data-root", small_root, "--output", checkpoint, "--metrics", metrics_file),
    )
    assert ended.returncode == 0, ended.stderr
    assert "8,530 parameters" in ended.stdout
    assert "ETA" in ended.stdout
    metrics = json.loads(metrics_file.read_text())
    assert {key: metrics[key] for key in ("model", "parameters", "epochs", "seed", "recipe")} == {
        "model": "net-8k",
        "parameters": 8530,
        "epochs": 2,
        "seed": 3,
        "recipe": "reference",
    }
    assert metrics["epoch_seconds"] > 0
    assert 0 < metrics["train_accuracy"] <= 1
    assert f"test accuracy {metrics['test_accuracy']:.2%}" in ended.stdout
    assert sum(map(sum, metrics["confusion"])) == len(small_sets[1][1])
    evaluated_at = [progress for progress, _ in metrics["curves"]["test_accuracy"]]
    assert evaluated_at == pytest.approx([k / 8 for k in range(1, 9)], abs=0.02)

    classifier = load_classifier(path=checkpoint)
    images, labels = small_sets[1]
    assert (classifier.probabilities(images).argmax(axis=1) == labels.numpy()).mean() == pytest.approx(
        metrics["test_accuracy"]
    )


def test_training_continues_from_a_checkpoint(small_root, tmp_path, capsys):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    common = ("--recipe", "reference", "--batch-size", 16, "--data-root", small_root)
    assert main("--model", "net-8k", "--epochs", 6, *common, "--output", first) == 0
    assert main("--init-from", first, *common, "--lr", 0.001, "--output", second) == 0
    assert "net-8k" in capsys.readouterr().out
    before, after = (load_checkpoint(path).model.conv4.weight for path in (first, second))
    change = (before - after).abs().mean()
    change_from_start = (before - build_model("net-8k", 0).conv4.weight).abs().mean()
    assert 0 < change < change_from_start / 4

    assert main("--init-from", first, "--model", "net-25k", *common) == 2
    assert "holds net-8k, not net-25k" in capsys.readouterr().err


def test_teacher_is_trained_and_teaches(small_root, tmp_path, capsys):
    teacher, alone, taught = (tmp_path / name for name in ("teacher.pt", "alone.pt", "taught.pt"))
    common = ("--data-root", small_root, "--epochs", 1, "--batch-size", 50)
    assert main("--model", "net-210k", "--recipe", "pretrained", *common, "--output", teacher) == 0
    assert "210,010 parameters" in capsys.readouterr().out
    assert main("--model", "net-8k", *common, "--output", alone) == 0
    assert main("--model", "net-8k", *common, "--teacher", teacher, "--output", taught) == 0
    first, second = (load_checkpoint(path).model.conv5.weight for path in (alone, taught))
    assert not torch.equal(first, second)

    assert main("--teacher", tmp_path / "none.pt") == 2
    assert "There is no checkpoint at" in capsys.readouterr().err


def interrupt_at(step, monkeypatch, times=1):
    """Press Ctrl-C so many times at a step of training."""

    def interrupt(progress, stopping):
        if progress.step == step:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "show_progress", interrupt)


def test_interrupted_training_saves_what_was_learnt(small_root, small_sets, tmp_path, capsys, monkeypatch):
    interrupt_at(7, monkeypatch)
    checkpoint, metrics, curves = (tmp_path / name for name in ("w.pt", "m.json", "c.csv"))
    files = ("--output", checkpoint, "--metrics", metrics, "--curves", curves)
    before = signal.getsignal(signal.SIGINT)
    assert main("--model", "net-8k", "--batch-size", 32, "--data-root", small_root, *files) == 0
    assert signal.getsignal(signal.SIGINT) is before
    printed = capsys.readouterr()
    assert "Press Ctrl-C again to end at once" in printed.err
    assert "stopped at 54% of the training, test accuracy" in printed.out
    assert all(f"saved to {file}" in printed.out for file in (checkpoint, metrics, curves))
    saved = json.loads(metrics.read_text())
    assert saved["trained_fraction"] == 7 / 13
    assert saved["curves"]["test_accuracy"][-1] == [7 / 13, saved["test_accuracy"]]
    assert len(list(csv.DictReader(curves.read_text().splitlines()))) == 7
    images, labels = small_sets[1]
    accuracy = (load_classifier(path=checkpoint).probabilities(images).argmax(axis=1) == labels.numpy()).mean()
    assert accuracy == pytest.approx(saved["test_accuracy"])


def test_interrupted_training_without_a_file_says_that_nothing_is_saved(small_root, capsys, monkeypatch):
    interrupt_at(2, monkeypatch)
    assert main("--model", "net-8k", "--data-root", small_root) == 0
    printed = capsys.readouterr().out
    assert "The model will not be saved." in printed
    assert "stopped at 29% of the training, test accuracy" in printed


def test_second_interrupt_ends_at_once(small_root, tmp_path, capsys, monkeypatch):
    interrupt_at(2, monkeypatch, times=2)
    assert main("--model", "net-8k", "--data-root", small_root, "--output", tmp_path / "w.pt") == 130
    assert "Interrupted. What was not saved yet is lost." in capsys.readouterr().err
    assert not (tmp_path / "w.pt").exists()


def test_model_is_fine_tuned_on_drawings(small_root, small_sets, tmp_path, capsys):
    images, labels = small_sets[1]
    drawings = LabelledDrawings(images[:1], (labels[:1] + 1) % 10)  # which only training on them can teach
    (tmp_path / "drawings.npz").write_bytes(drawings.to_npz())
    (tmp_path / "no.npz").write_bytes(b"no drawings")
    common = ("--init-from", PROJECT / "weights/net-8k.pt", "--recipe", "fine-tuning", "--lr", 0.05)
    common = (*common, "--epochs", 5, "--data-root", small_root)
    files = ("--output", tmp_path / "w.pt", "--metrics", tmp_path / "m.json")
    assert main(*common, "--drawings", tmp_path / "drawings.npz", *files) == 0
    assert json.loads((tmp_path / "m.json").read_text())["num_extra"] == 1
    assert accuracy(load_checkpoint(tmp_path / "w.pt").model, drawings.images, drawings.labels) == 1
    assert main(*common, "--drawings", tmp_path / "no.npz") == 2
    assert "no.npz: The file is damaged, or no .npz file" in capsys.readouterr().err
    assert main(*common, "--drawings", tmp_path / "none.npz") == 2
    assert "No such file" in capsys.readouterr().err


def test_error_during_training_stands_below_the_progress_bar(small_root, capsys, monkeypatch):
    steps = train.train

    def diverging(*arguments):
        yield from itertools.islice(steps(*arguments), 10)
        raise ValueError("Training diverged.")

    monkeypatch.setattr(train, "train", diverging)
    assert main("--model", "net-8k", "--batch-size", 20, "--data-root", small_root) == 2
    printed = capsys.readouterr()
    assert "] 10/20 " in printed.out
    assert printed.out.endswith("\n")
    assert printed.err == "train.py: Training diverged.\n"


def test_augmentation_is_trained_with_and_a_model_without_file_is_announced(small_root, tmp_path, capsys):
    common = ("--model", "net-8k", "--batch-size", 100, "--augmentation", "light", "--data-root", small_root)
    assert main(*common, "--metrics", tmp_path / "m.json") == 0
    assert "The model will not be saved. To keep it, name a file with --output." in capsys.readouterr().out
    assert main(*common, "--output", tmp_path / "w.pt") == 0
    assert "will not be saved" not in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "w.pt").settings["affine"] == dataclasses.asdict(AUGMENTATIONS["light"]["affine"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train-fraction", "0.0001"], "train_fraction must be from 0.001 to 1, not 0.0001"),
        (["--train-fraction", "0.01"], "batch_size (96) exceeds the training set (4)"),
        (["--model", "net-210k"], "The recipe 'default' has no settings for net-210k. Recipes that have: pretrained."),
        (["--epochs", "0"], "epochs must be from 1 to 1000, not 0"),
        (["--lr", "-1"], "lr must be from 0.0001 to 10, not -1.0"),
        (["--output", "."], "is a folder"),
    ],
)
def test_invalid_arguments_are_rejected_before_training(small_root, capsys, arguments, message):
    assert main(*arguments, "--data-root", small_root) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1000000"])
def test_invalid_number_of_threads_is_rejected(capsys, threads):
    with pytest.raises(SystemExit, match="2"):
        main("--threads", threads)
    assert "the number of CPU cores" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "recipe", "min_accuracy"), [("net-8k", "reference", 0.95), ("net-25k", "default", 0.99)]
)
def test_one_epoch_on_mnist_reaches_the_published_accuracy(mnist_root, tmp_path, model, recipe, min_accuracy):
    metrics_file = tmp_path / "m.json"
    ended = run("--model", model, "--recipe", recipe, "--data-root", mnist_root, "--metrics", metrics_file)
    assert ended.returncode == 0, ended.stderr
    metrics = json.loads(metrics_file.read_text())
    assert metrics["epochs"] == 1
    assert metrics["test_accuracy"] >= min_accuracy
