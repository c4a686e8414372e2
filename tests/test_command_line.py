import dataclasses
import json
import subprocess
import sys

import pytest

import train
from mnist_cnn.checkpoint import load_checkpoint
from mnist_cnn.classifier import load_classifier
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
        (["--train-fraction", "0.01"], "batch_size (64) exceeds the training set (4)"),
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
