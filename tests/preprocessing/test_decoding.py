import numpy as np
import pytest
from PIL import Image

from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from tests.support.image_files import encode, png_with_header

ORIENTATION = 274


def decode(content, formats=IMAGE_FORMATS):
    return decode_image(content, formats, max_pixels=1_000_000, max_side=500)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_small_image_is_unchanged(mode):
    grey = np.random.default_rng(0).integers(0, 256, (30, 20)).astype(np.uint8)
    image = Image.fromarray(grey).convert(mode) if mode != "I;16" else Image.fromarray(grey.astype(np.uint16) * 257)
    decoded = decode(encode(image))
    assert decoded.mode == mode
    assert (np.asarray(decoded) == np.asarray(image)).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_large_image_is_reduced(mode):
    grey = np.zeros((800, 1200), np.uint8)
    grey[:400] = 255
    image = Image.fromarray(grey).convert(mode) if mode != "I;16" else Image.fromarray(grey.astype(np.uint16) * 257)
    decoded = decode(encode(image))
    assert decoded.size == (400, 267)
    halves = np.asarray(decoded.convert("L") if mode != "I;16" else np.asarray(decoded) // 257)
    assert (halves[:133] == 255).all() and (halves[134:] == 0).all()


@pytest.mark.parametrize("size", [(40, 60), (600, 900)])
def test_exif_orientation_is_applied(size):
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # rotate by 90° clockwise
    decoded = decode(encode(Image.new("RGB", size), "JPEG", exif=exif))
    assert decoded.width > decoded.height
    assert ORIENTATION not in decoded.getexif()


def test_first_frame_of_an_animation_is_decoded():
    frames = [Image.new("L", (20, 20), grey) for grey in (10, 200)]
    decoded = decode(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.asarray(decoded.convert("L")).max() == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged, or not a PNG, JPEG, WEBP, GIF, BMP file"),
        (b"no image", "damaged"),
        (encode(Image.effect_noise((200, 200), 50))[:-500], "damaged"),
        (png_with_header(280, 280), "damaged"),
        (png_with_header(1001, 1000), r"1,001 × 1,000 pixels; at most 1,000,000"),
        (png_with_header(20_000, 20_000), "more than the 1,000,000 pixels"),
        (png_with_header(2**31 - 1, 2**31 - 1), "more than the 1,000,000 pixels"),
    ],
)
def test_undecodable_file_is_rejected_with_the_reason(content, message):
    with pytest.raises(ImageError, match=message):
        decode(content)


@pytest.mark.parametrize("kind", IMAGE_FORMATS)
def test_every_format_is_decoded(kind):
    assert decode(encode(Image.new("RGB", (9, 9), "white"), kind)).size == (9, 9)


def test_only_the_given_formats_are_tried():
    with pytest.raises(ImageError, match="not a PNG file"):
        decode(encode(Image.new("L", (9, 9)), "BMP"), formats=("PNG",))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
        (encode(Image.new("L", (9, 9)), "TIFF"), "TIFF"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'<?xml version="1.0"?>\n<!-- a digit -->\n<svg/>', "SVG"),
    ],
)
def test_unsupported_format_is_named_with_what_to_do(content, name):
    with pytest.raises(ImageError, match=rf"the format {name}, which is not supported\. (Save|Set|Send|Export) "):
        decode(content)
