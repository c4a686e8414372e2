"""Hypothesis strategies for what anyone may send: JSON, drawings, files, arrays."""

import warnings

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS
from tests.support.http_client import FIVE_PNG, PNG_PREFIX, png_data_url
from tests.support.image_files import encode, png_with_header

_NAMES = ["net-25k", "user", "net-9k", "x.json", "/etc/passwd", "../weights/net-8k.pt", PNG_PREFIX, "data:,"]
_IMAGE_FILES = [encode(Image.effect_noise((40, 30), 60), kind) for kind in IMAGE_FORMATS]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(_NAMES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
invalid_drawings = st.sampled_from(
    [png_data_url(content) for content in (b"", b"not an image", FIVE_PNG[:-99], png_with_header(20_000, 20_000))]
    + [PNG_PREFIX + "?", PNG_PREFIX.replace("png", "gif") + "AAAA", PNG_PREFIX.upper(), "data:", "\ud800", "\0"]
)


@st.composite
def damaged_files(draw):
    """An image file with some bytes changed, and perhaps without its end."""
    content = bytearray(draw(st.sampled_from(_IMAGE_FILES)))
    for _ in range(draw(st.integers(1, 6))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@st.composite
def arrays(draw):
    """Arrays of any small shape and dtype that a sketch may have: constant, noisy, with one odd pixel."""
    shape = (draw(st.integers(1, 40)), draw(st.integers(1, 40)), *draw(st.sampled_from([(), (1,), (3,), (4,)])))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = np.full(shape, draw(st.sampled_from([0.0, 0.5, 1.0])))
    if draw(st.booleans()):
        values = np.where(random.random(shape) < draw(st.floats(0, 1)), random.random(shape), values)
    if draw(st.booleans()):
        values[tuple(random.integers(0, side) for side in shape)] = draw(st.floats(allow_subnormal=True) | st.just(1.0))
    dtype = draw(st.sampled_from(["uint8", "uint16", "bool", "float32", "float64"]))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (values * {"uint8": 255, "uint16": 65535}.get(dtype, 1)).astype(dtype)
