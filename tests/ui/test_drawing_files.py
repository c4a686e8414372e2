"""Files of drawings, through the handlers of their buttons."""

import base64
import io
import re

import gradio as gr
import numpy as np
import pytest

from mnist_cnn.classifier import load_classifier
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.ui import drawing_files
from mnist_cnn.ui.drawing_files import load_drawings, save_drawings
from tests.support.handwriting import handwriting

IMAGES, LABELS = handwriting(10, seed=5)


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("net-8k")


@pytest.fixture
def drawings():
    drawings = LabelledDrawings()
    for image, label in zip(IMAGES, LABELS, strict=True):
        drawings = drawings.add(image, int(label), None)
    return drawings


def test_saved_drawings_are_loaded_and_classified(drawings, classifier):
    blot = np.full((28, 28), 255, np.uint8)
    text, loaded = load_drawings(save_drawings(drawings.add(blot, 8, 8)), classifier, LabelledDrawings())
    assert text == "Loaded 11. Correct so far: 10 of 11."
    assert (loaded.images[:10].numpy() == IMAGES).all()
    assert loaded.labels.tolist() == [*LABELS, 8]
    assert loaded.predictions.tolist() == [*LABELS, -1]  # as on the canvas, where a blot is rejected


def test_loaded_drawings_join_those_of_the_session(drawings, classifier):
    text, joined = load_drawings(save_drawings(drawings), classifier, drawings)
    assert text == "Loaded 10. Correct so far: 10 of 20."
    assert (joined.count, drawings.count) == (20, 10)


def test_python_line_of_the_page_loads_the_file(drawings, tmp_path, monkeypatch):
    (tmp_path / "drawings.npz").write_bytes(base64.b64decode(save_drawings(drawings).split(",")[1]))
    monkeypatch.chdir(tmp_path)
    names = {"np": np}
    exec(drawing_files._EXAMPLE, names)
    assert (names["images"] == IMAGES).all() and names["images"].dtype == np.uint8
    assert (names["labels"] == LABELS).all() and names["labels"].dtype == np.int64


def test_nothing_to_save_and_no_file_to_load(drawings, classifier):
    with pytest.raises(gr.Error, match="no labelled drawings to download"):
        save_drawings(LabelledDrawings())
    assert load_drawings("", classifier, drawings) == ("", drawings)


def test_unsuitable_file_is_rejected_with_the_reason(drawings, classifier):
    file = io.BytesIO()
    np.savez(file, images=IMAGES, labels=LABELS + 1)
    for content, message in ((b"no zip", "damaged"), (file.getvalue(), "whole numbers from 0 to 9")):
        text = f"data:;base64,{base64.b64encode(content).decode()}"
        with pytest.raises(gr.Error, match=re.escape(message)):
            load_drawings(text, classifier, drawings)
