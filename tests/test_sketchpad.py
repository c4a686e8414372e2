import base64
import io
import struct
import zlib

import gradio as gr
import numpy as np
import pytest
from digits import DIGITS
from drawing import render
from PIL import Image

from mnist_cnn.ui.sketchpad import Sketchpad

PREFIX = "data:image/png;base64,"


def data_url(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def announced(width, height):
    """A PNG whose header announces a size that its few bytes do not hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + header, b"IDAT" + zlib.compress(b"few")):
        content += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return PREFIX + base64.b64encode(content).decode()


def test_gives_the_drawing_as_it_was_sent():
    drawing = render(DIGITS[2])
    assert (np.asarray(Sketchpad().preprocess(data_url(drawing))) == np.asarray(drawing)).all()


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
        (data_url(Image.new("L", (1025, 10))), "larger than 1024 pixels"),
        (announced(20_000, 20_000), "larger than 1024 pixels"),
        (announced(280, 280), "damaged"),
        (PREFIX + "A" * 400_000, "larger than the pad"),
    ],
)
def test_anything_else_is_refused_in_words(payload, words):
    with pytest.raises(gr.Error, match=words):
        Sketchpad().preprocess(payload)
