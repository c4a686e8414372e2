import base64
import io
import json

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import load_classifier
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.ui.components.sketchpad.sketchpad import Sketchpad
from tests.preprocessing.test_decoding import announced
from tests.support import PROJECT
from tests.support.digits import DIGITS
from tests.support.handwriting import render

DATA = json.loads((PROJECT / "mnist_cnn/ui/components/sketchpad/sketchpad.json").read_text(encoding="utf-8"))
PREFIX = "data:image/png;base64,"


def data_url(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def test_gives_the_ink_of_the_drawing_that_was_sent():
    drawing = render(DIGITS[2])
    ink = np.asarray(Sketchpad().preprocess(data_url(drawing)))
    assert (ink == np.asarray(drawing)[:, :, 3]).all()
    assert (sketch_to_mnist(ink) == sketch_to_mnist(drawing)).all()


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_pad_gives_none(empty):
    assert Sketchpad().preprocess(empty) is None


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("digit.json", "did not arrive as a PNG"),
        ("/etc/passwd", "did not arrive as a PNG"),
        ({"path": "/etc/passwd"}, "did not arrive as a PNG"),
        (5, "did not arrive as a PNG"),
        ("data:image/jpeg;base64,AAAA", "did not arrive as a PNG"),
        (PREFIX, "damaged"),
        (PREFIX + "no base64!", "damaged"),
        (PREFIX + base64.b64encode(b"no picture").decode(), "damaged"),
        (data_url(render(DIGITS[2]))[:-400], "damaged"),
        (data_url(Image.new("L", (1025, 1024))), "1,025 × 1,024 pixels"),
        (PREFIX + base64.b64encode(announced(20_000, 20_000)).decode(), "more than the 1,048,576 pixels"),
        (PREFIX + base64.b64encode(announced(280, 280)).decode(), "damaged"),
        (PREFIX + "A" * 400_000, "larger than the pad"),
    ],
)
def test_anything_else_is_refused_in_words(payload, words):
    with pytest.raises(gr.Error, match=words):
        Sketchpad().preprocess(payload)


def test_offers_an_example_of_each_digit_in_order():
    assert [example["digit"] for example in DATA["examples"]] == list(range(10))
    assert [example["name"] for example in DATA["examples"] if "," in example["name"]] == [
        "0, slashed",
        "1, with flag and foot",
        "7, crossed",
    ]
    for example in DATA["examples"]:
        assert example["name"].startswith(str(example["digit"]))
        points = np.concatenate(example["strokes"])
        assert (points.min() > 0.1) and (points.max() < 0.9)


@pytest.mark.parametrize("network", MODELS)
@pytest.mark.parametrize("example", DATA["examples"], ids=lambda example: example["name"])
def test_every_network_reads_the_examples(example, network):
    drawing = render(example["strokes"], width=280 * DATA["width"])
    assert load_classifier(network).predict(drawing).digit == example["digit"]
