import json
import subprocess
import sys

import pytest

import train
from mnist_cnn.checkpoint import load_checkpoint
from mnist_cnn.classifier import load_classifier
from mnist_cnn.models import build_model
from tests.support import PROJECT


def run(*arguments):
    return subprocess.run(
        [sys.executable, "train.py", *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True
    )


def test_trains_saves_and_reports(small_root, tmp_path, small_sets):
    metrics, weights = tmp_path / "figures" / "m.json", tmp_path / "w.pt"
    done = run(
        *("--model", "net-8k", "--recipe", "reference", "--epochs", 2, "--batch-size", 16, "--lr", 0.05, "--seed", 3),
        *("--data-root", small_root, "--output", weights, "--metrics", metrics),
    )
    assert done.returncode == 0, done.stderr
    assert "8,530 parameters" in done.stdout
    assert "ETA" in done.stdout
    figures = json.loads(metrics.read_text())
    assert {key: figures[key] for key in ("model", "parameters", "epochs", "seed", "recipe")} == {
        "model": "net-8k",
        "parameters": 8530,
        "epochs": 2,
        "seed": 3,
        "recipe": "reference",
    }
    assert figures["epoch_seconds"] > 0
    assert 0 < figures["train_accuracy"] <= 1
    assert f"test accuracy {figures['test_accuracy']:.2%}" in done.stdout

    classifier = load_classifier(path=weights)
    images, labels = small_sets[1]
    assert (classifier.probabilities(images).argmax(axis=1) == labels.numpy()).mean() == pytest.approx(
        figures["test_accuracy"]
    )


def test_goes_on_from_weights(small_root, tmp_path):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    common = ("--recipe", "reference", "--batch-size", 16, "--data-root", small_root)
    assert run("--model", "net-8k", "--epochs", 6, *common, "--output", first).returncode == 0
    done = run("--start-from", first, *common, "--lr", 0.001, "--output", second)
    assert done.returncode == 0, done.stderr
    assert "net-8k" in done.stdout
    before, after = load_checkpoint(first), load_checkpoint(second)
    moved = (before.model.conv4.weight - after.model.conv4.weight).abs().mean()
    fresh = (before.model.conv4.weight - build_model("net-8k", 0).conv4.weight).abs().mean()
    assert 0 < moved < fresh / 4

    refused = run("--start-from", first, "--model", "net-25k", *common)
    assert refused.returncode == 2
    assert "holds net-8k, not net-25k" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], "epochs must be at least 1"),
        (["--lr", "-1"], "lr must be above 0"),
        (["--output", "."], "is a folder"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_training(small_root, capsys, arguments, words):
    assert train.main([*arguments, "--data-root", str(small_root)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1000000"])
def test_threads_that_are_not_there_are_refused(capsys, threads):
    with pytest.raises(SystemExit, match="2"):
        train.main(["--threads", threads])
    assert "cores there are" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "recipe", "least"), [("net-8k", "reference", 0.95), ("net-25k", "ours", 0.993)], ids=["reference", "ours"]
)
def test_one_epoch_on_mnist_reaches_what_is_claimed(mnist_root, tmp_path, model, recipe, least):
    metrics = tmp_path / "m.json"
    done = run("--model", model, "--recipe", recipe, "--data-root", mnist_root, "--metrics", metrics)
    assert done.returncode == 0, done.stderr
    figures = json.loads(metrics.read_text())
    assert figures["epochs"] == 1
    assert figures["test_accuracy"] >= least
