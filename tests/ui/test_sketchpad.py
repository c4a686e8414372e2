import base64
import io
import json
import zlib

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import load_classifier
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.decoding import ImageError
from mnist_cnn.ui.components.sketchpad.sketchpad import Sketchpad, UnfinishedDrawing, sketch_image
from tests.support import PROJECT
from tests.support.digits import DIGITS
from tests.support.handwriting import render
from tests.support.image_files import png_chunk, png_with_header

DATA = json.loads((PROJECT / "mnist_cnn/ui/components/sketchpad/sketchpad.json").read_text(encoding="utf-8"))
PREFIX = "data:image/png;base64,"


def data_url(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def test_drawing_is_decoded_to_its_ink():
    drawing = render(DIGITS[2])
    ink = np.asarray(Sketchpad().preprocess(data_url(drawing)))
    assert (ink == np.asarray(drawing)[:, :, 3]).all()
    assert (sketch_to_mnist(ink) == sketch_to_mnist(drawing)).all()


def test_only_the_pixels_of_a_drawing_are_decoded():
    drawing = data_url(render(DIGITS[2]))
    content = base64.b64decode(drawing.removeprefix(PREFIX))
    start = content.index(b"IDAT") - 4
    for kind in (b"zTXt", b"iCCP"):
        text = png_chunk(kind, b"name\0\0" + zlib.compress(bytes(2**21)))  # longer than Pillow accepts
        longer = PREFIX + base64.b64encode(content[:start] + text + content[start:]).decode()
        assert Sketchpad().preprocess(longer) == Sketchpad().preprocess(drawing)


def test_drawing_is_unfinished_while_the_pen_is_down():
    drawing = data_url(render(DIGITS[2]))
    unfinished = Sketchpad().preprocess({"unfinished": drawing})
    assert isinstance(unfinished, UnfinishedDrawing)
    assert sketch_image(unfinished) == Sketchpad().preprocess(drawing)


ERASED = data_url(Image.new("RGBA", (280, 280)))


@pytest.mark.parametrize(
    "empty", [None, "", ERASED, {"unfinished": ERASED}], ids=["none", "", "erased", "erased so far"]
)
def test_empty_canvas_gives_none(empty):
    assert Sketchpad().preprocess(empty) is None


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("digit.json", "not a PNG image"),
        ("/etc/passwd", "not a PNG image"),
        ({"path": 5}, "not a PNG image"),
        ({"unfinished": {"unfinished": PREFIX}}, "not a PNG image"),
        ({"unfinished": PREFIX}, "damaged"),
        ({"url": "http://127.0.0.1:9/digit.png"}, "not a PNG image"),
        (5, "not a PNG image"),
        ("data:image/jpeg;base64,AAAA", "not a PNG image"),
        (PREFIX, "damaged"),
        (PREFIX + "no base64!", "damaged"),
        (PREFIX + base64.b64encode(b"no image").decode(), "damaged"),
        (data_url(render(DIGITS[2]))[:-400], "damaged"),
        (data_url(Image.new("L", (281, 280))), "281 × 280 pixels"),
        (PREFIX + base64.b64encode(png_with_header(20_000, 20_000)).decode(), "more than the 78,400 pixels"),
        (PREFIX + base64.b64encode(png_with_header(280, 280)).decode(), "damaged"),
        (PREFIX + "A" * 400_000, "too large"),
    ],
)
def test_invalid_drawing_is_rejected(payload, message):
    with pytest.raises(gr.Error, match=message):
        Sketchpad().preprocess(payload)


def test_image_file_is_decoded_later_and_only_from_the_folder_of_uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = tmp_path / "uploaded"
    render(DIGITS[2]).save(file, "PNG")
    upload = Sketchpad().preprocess({"path": str(file)})
    assert (np.asarray(sketch_image(upload)) == np.asarray(render(DIGITS[2]))).all()
    for path in ("/etc/passwd", str(PROJECT / "docs" / "draw.png"), str(tmp_path)):
        with pytest.raises(ImageError, match="not found"):
            sketch_image(Sketchpad().preprocess({"path": path}))


def test_examples_show_each_digit_in_order():
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


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("example", DATA["examples"], ids=lambda example: example["name"])
def test_every_model_recognises_the_examples(example, model):
    drawing = render(example["strokes"], width=280 * DATA["width"])
    assert load_classifier(model).predict(drawing).digit == example["digit"]
