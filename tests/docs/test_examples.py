"""The code that docs/training.md shows, executed."""

import dataclasses
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_cnn.checkpoint import load_checkpoint, save_checkpoint
from mnist_cnn.models import MODELS, DigitCNN, build_model
from mnist_cnn.training import RECIPES, TrainingSettings, batches, get_settings, train
from tests.support import PROJECT


def example(heading):
    """The first Python code under a heading."""
    text = (PROJECT / "docs" / "training.md").read_text(encoding="utf-8")
    return re.search(rf"^##+ {heading}\n.*?```python\n(.*?)```", text, re.DOTALL | re.MULTILINE).group(1)


def test_model_is_added_as_documented(small_sets, tmp_path):
    models, recipes = dict(MODELS), RECIPES["default"]
    names = {"MODELS": MODELS, "RECIPES": RECIPES, "DigitCNN": DigitCNN, "nn": nn, "F": F, "dataclasses": dataclasses}
    try:
        exec(example("Adding a model"), names)
        model = build_model("tiny", seed=1)
        (images, labels), test = small_sets
        settings = get_settings("tiny", epochs=15, batch_size=16, seed=1)
        *_, progress = train(model, images, labels, settings, test)
        assert progress.test_accuracy > 0.8
        save_checkpoint(model, tmp_path / "tiny.pt")
        assert load_checkpoint(tmp_path / "tiny.pt").name == "tiny"
    finally:
        MODELS.pop("tiny", None)
        recipes.pop("tiny", None)
    assert models == MODELS


def test_augmentation_is_added_as_documented(small_sets, monkeypatch):
    field = ("erase_probability", float, 0.1)
    extended = dataclasses.make_dataclass("Extended", [field], bases=(TrainingSettings,), frozen=True)
    settings = extended(model="net-8k")
    (images, labels), _ = small_sets
    names = {
        "torch": torch,
        "settings": settings,
        "augmented": images,
        "generator": torch.Generator().manual_seed(0),
    }
    exec(example("Adding an augmentation"), names)
    augmented = names["augmented"]
    assert augmented.dtype == torch.uint8 and augmented.shape == images.shape
    erased = (augmented == 0) & (images > 0)
    assert erased.sum() / (images > 0).sum() == pytest.approx(0.1, abs=0.01)
    assert (augmented == images)[~erased].all()

    random_affine = batches.random_affine

    def affine_and_erase(images, ranges, generator):
        return names["erase_pixels"](random_affine(images, ranges, generator), settings.erase_probability, generator)

    monkeypatch.setattr(batches, "random_affine", affine_and_erase)
    *_, progress = train(build_model("net-8k", seed=1), images, labels, settings)
    assert progress.is_last


def test_training_in_python_runs_as_documented(small_root, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_ROOT", str(small_root))
    exec(example("In Python"), {})
    assert "None" not in capsys.readouterr().out.splitlines()[-1]  # the test accuracy, at the end of the run
