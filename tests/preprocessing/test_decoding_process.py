import threading

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.preprocessing import decoding_process
from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from mnist_cnn.preprocessing.decoding_process import decode_in_process
from tests.support.image_files import encode

RANDOM = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
LIMITS = (IMAGE_FORMATS, 64_000_000, 2048)


@pytest.mark.parametrize(
    "file",
    [
        encode(Image.fromarray(RANDOM)),
        encode(Image.fromarray(RANDOM[:, :, :3]), "JPEG"),
        encode(Image.fromarray(RANDOM[:, :, 0])),
        encode(Image.fromarray(RANDOM[:, :, 0] > 128)),
        encode(Image.fromarray(RANDOM[:, :, 0].astype(np.uint16) * 257)),
        encode(Image.fromarray(RANDOM[:, :, :3]).quantize(16), "GIF", transparency=3),
    ],
    ids=["alpha", "colour", "grey", "bits", "16 bits", "palette"],
)
def test_image_is_the_same_as_decoded_here(file):
    here, there = decode_image(file, *LIMITS), decode_in_process(file, *LIMITS)
    mode = here.mode if here.mode in ("L", "1", "I;16") else "RGBA"
    np.testing.assert_array_equal(there.convert(mode), here.convert(mode))


def test_undecodable_file_is_rejected_with_the_same_reason():
    with pytest.raises(ImageError) as here:
        decode_image(b"nothing", *LIMITS)
    with pytest.raises(ImageError) as there:
        decode_in_process(b"nothing", *LIMITS)
    assert str(there.value) == str(here.value)


def repeat_last_scan(times):
    """A progressive JPEG, whose last scan is 33 bytes long and takes a decoder some milliseconds."""
    content = encode(Image.new("L", (4000, 4000)), "JPEG", progressive=True, quality=1)
    last_scan = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + times * last_scan + content[-2:]


@pytest.mark.parametrize(
    ("file", "limit", "value"),
    [
        (encode(Image.new("1", (8000, 8000))), "_MAX_MEMORY", 2**27),  # 64 MB of pixels in 8 KB
        (repeat_last_scan(2000), "_MAX_SECONDS", 1),
    ],
    ids=["memory", "time"],
)
def test_demanding_file_is_rejected(file, limit, value, monkeypatch):
    monkeypatch.setattr(decoding_process, limit, value)
    with pytest.raises(ImageError, match="too much memory or time"):
        decode_in_process(file, *LIMITS)


def test_more_files_than_can_wait_are_rejected(monkeypatch):
    monkeypatch.setattr(decoding_process, "_accepted", threading.BoundedSemaphore(1))
    with decoding_process._accepted, pytest.raises(ImageError, match="Too many images are being processed"):
        decode_in_process(encode(Image.fromarray(RANDOM)), *LIMITS)
    assert decode_in_process(encode(Image.fromarray(RANDOM)), *LIMITS).size == (30, 40)
