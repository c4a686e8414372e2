"""Test digits for the canvas."""

import html
import json
import re

import gradio as gr
import numpy as np
import pytest
import torch

from mnist_cnn.classifier import Classifier, load_classifier
from mnist_cnn.models import build_model
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.ui import mnist_digits
from mnist_cnn.ui.mnist_digits import digit_for_canvas, find_misclassified
from tests.support.page import decode


@pytest.fixture
def test_set(small_root, small_sets, monkeypatch):
    """The small test set, in the place of MNIST's."""
    monkeypatch.setenv("MNIST_ROOT", str(small_root))
    monkeypatch.setattr(mnist_digits, "_load_test_set", lambda: small_sets[1])
    return small_sets[1]


def shown(text):
    """The image, index and label of a digit for the canvas."""
    value = json.loads(text)
    index, label = re.fullmatch(r"Test image (\d+) has the label (\d)\.", value["note"]).groups()
    return np.asarray(decode(value["image"]))[:, :, 1], int(index), int(label)


def test_any_test_digit_is_shown_with_its_label(test_set):
    images, labels = test_set
    indices = set()
    for _ in range(8):
        image, index, label = shown(digit_for_canvas())
        assert (image == images[index].numpy()).all()
        assert label == labels[index]
        indices.add(index)
    assert len(indices) > 1


def test_misclassified_digit_is_misclassified_on_the_canvas(test_set):
    untrained = Classifier(build_model("net-8k", seed=0), "net-8k")
    image, _, label = shown(digit_for_canvas(untrained))
    on_canvas = np.kron(image, np.ones((10, 10), np.uint8))
    assert untrained.predict_image(sketch_to_mnist(on_canvas)).digit != label


def test_model_without_errors_has_no_misclassified_digit(test_set, monkeypatch):
    images, _ = test_set
    classifier = load_classifier("net-8k")
    predicted = torch.from_numpy(classifier.probabilities(images)).argmax(1)
    assert find_misclassified(classifier, images, predicted) is None
    monkeypatch.setattr(mnist_digits, "_load_test_set", lambda: (images, predicted))
    with pytest.raises(gr.Error, match="classifies nearly every test digit correctly"):
        digit_for_canvas(classifier)


def test_missing_data_set_is_explained_and_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path))
    with pytest.raises(gr.Error, match=r"MNIST is not on this server\. Start a run on the Train tab"):
        digit_for_canvas()
    assert list(tmp_path.iterdir()) == []


def test_reason_of_a_failure_is_no_html(test_set, monkeypatch):
    def fail():
        raise mnist_digits.DataError("<b>corrupt</b>")

    monkeypatch.setattr(mnist_digits, "_load_test_set", fail)
    with pytest.raises(gr.Error, match=re.escape(html.escape("<b>corrupt</b>"))):
        digit_for_canvas()
