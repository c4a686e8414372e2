"""The exported models, run by onnxruntime."""

import importlib.util
import os
import re

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from mnist_cnn import export
from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import load_mnist
from mnist_cnn.models import MODELS
from tests.support import PROJECT
from tests.support.handwriting import handwriting


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    """A pretrained classifier, and its ONNX file."""
    file = tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    assert export.main([str(PROJECT / "weights" / f"{request.param}.pt"), str(file)]) == 0
    return load_classifier(request.param), file


def run(file, images):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


@pytest.fixture(scope="module")
def digits():
    """1,000 images of MNIST's test set where it is available, else of the tests' own."""
    if os.environ.get("MNIST_ROOT"):
        return load_mnist(train=False)[0][:1000].numpy()
    return handwriting(1000, seed=3)[0]


def test_exported_model_has_the_probabilities_of_the_classifier(exported, digits):
    classifier, file = exported
    expected, probabilities = classifier.probabilities(digits), run(file, digits)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (1000, 10))
    differences = np.abs(probabilities - expected).max(axis=1)
    assert (differences > 1e-4).sum() <= 2  # where a grey level is rounded the other way
    assert differences.max() < 0.01


@pytest.mark.parametrize("count", [1, 3])
def test_blank_and_full_images_are_exported_like_others(exported, count):
    classifier, file = exported
    images = np.zeros((count, 28, 28), np.uint8)
    images[1:] = 255
    assert run(file, images) == pytest.approx(classifier.probabilities(images), abs=1e-4)


def test_file_is_whole_and_names_no_file_of_this_machine(exported):
    _, file = exported
    assert os.listdir(file.parent) == [file.name]  # no weights beside it
    content = file.read_bytes()
    assert len(content) < 200_000
    assert b".py" not in content and str(PROJECT).encode() not in content


@pytest.mark.parametrize("exported", ["net-25k"], indirect=True)
def test_exported_model_is_used_as_documented(exported, digits, tmp_path, monkeypatch, capsys):
    classifier, file = exported
    (tmp_path / "net-25k.onnx").write_bytes(file.read_bytes())
    Image.fromarray(digits[0]).save(tmp_path / "digit.png")
    monkeypatch.chdir(tmp_path)
    text = (PROJECT / "docs" / "training.md").read_text(encoding="utf-8")
    exec(re.search(r"## ONNX\n.*?```python\n(.*?)```", text, re.DOTALL)[1], {})
    assert capsys.readouterr().out.split()[0] == str(classifier.probabilities(digits[:1]).argmax())


def test_missing_packages_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert export.main([str(PROJECT / "weights" / "net-8k.pt"), str(tmp_path / "x.onnx")]) == 2
    assert "needs onnx and onnxscript. Install" in capsys.readouterr().err


def test_unusable_files_are_rejected(tmp_path, capsys):
    assert export.main([str(tmp_path / "none.pt"), str(tmp_path / "x.onnx")]) == 2
    assert "There is no checkpoint at" in capsys.readouterr().err
    assert export.main([str(PROJECT / "weights" / "net-8k.pt"), str(tmp_path / "none" / "x.onnx")]) == 2
    assert "x.onnx cannot be written" in capsys.readouterr().err
