import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image

ORIENTATION = 274


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def announced(width, height):
    """A PNG whose header announces a size that its few bytes do not hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + header, b"IDAT" + zlib.compress(b"few")):
        content += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content


def decode(content, formats=IMAGE_FORMATS):
    return decode_image(content, formats, max_pixels=1_000_000, max_side=500)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_a_small_picture_comes_back_as_it_is(mode):
    grey = np.random.default_rng(0).integers(0, 256, (30, 20)).astype(np.uint8)
    picture = Image.fromarray(grey).convert(mode) if mode != "I;16" else Image.fromarray(grey.astype(np.uint16) * 257)
    back = decode(encoded(picture))
    assert back.mode == mode
    assert (np.asarray(back) == np.asarray(picture)).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_a_large_picture_comes_back_smaller(mode):
    grey = np.zeros((800, 1200), np.uint8)
    grey[:400] = 255
    picture = Image.fromarray(grey).convert(mode) if mode != "I;16" else Image.fromarray(grey.astype(np.uint16) * 257)
    back = decode(encoded(picture))
    assert back.size == (400, 267)
    halves = np.asarray(back.convert("L") if mode != "I;16" else np.asarray(back) // 257)
    assert (halves[:133] == 255).all() and (halves[134:] == 0).all()


@pytest.mark.parametrize("size", [(40, 60), (600, 900)])
def test_a_camera_s_picture_is_turned_as_its_note_says(size):
    note = Image.Exif()
    note[ORIENTATION] = 6  # a quarter to the right
    back = decode(encoded(Image.new("RGB", size), "JPEG", exif=note))
    assert back.width > back.height
    assert ORIENTATION not in back.getexif()


def test_of_an_animation_the_first_picture_is_taken():
    frames = [Image.new("L", (20, 20), grey) for grey in (10, 200)]
    back = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.asarray(back.convert("L")).max() == 10


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged, or not a PNG, JPEG, WEBP, GIF, BMP file"),
        (b"no picture", "damaged"),
        (encoded(Image.effect_noise((200, 200), 50))[:-500], "damaged"),
        (encoded(Image.new("L", (9, 9)), "TIFF"), "damaged, or not a"),
        (announced(280, 280), "damaged"),
        (announced(1001, 1000), r"1,001 × 1,000 pixels, more than the 1,000,000"),
        (announced(20_000, 20_000), "more than the 1,000,000 pixels"),
        (announced(2**31 - 1, 2**31 - 1), "more than the 1,000,000 pixels"),
    ],
)
def test_anything_else_is_refused_in_words(content, words):
    with pytest.raises(ImageError, match=words):
        decode(content)


@pytest.mark.parametrize("kind", IMAGE_FORMATS)
def test_every_format_is_read(kind):
    assert decode(encoded(Image.new("RGB", (9, 9), "white"), kind)).size == (9, 9)


def test_only_the_named_formats_are_tried():
    with pytest.raises(ImageError, match="not a PNG file"):
        decode(encoded(Image.new("L", (9, 9)), "BMP"), formats=("PNG",))
