"""Image files as people make them: small, compressed, faint, framed, dirty, cut off."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.files import BLANK_KINDS, KINDS, make_file
from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import BlankSketchError, sketch_to_mnist
from mnist_cnn.preprocessing.ink import extract_ink, to_pixels
from tests.support.digits import DIGITS
from tests.support.strokes import place, render


def open_file(strokes, kind, seed):
    return Image.open(io.BytesIO(make_file(strokes, kind, np.random.default_rng(seed))))


def on_page(size=0.5, middle=(0.5, 0.5), background=255, ink=0, digit=5):
    """A digit on a page of one grey level, uint8 (280, 280)."""
    alpha = np.asarray(render(place(DIGITS[digit], size, middle)))[..., 3] / 255
    return np.rint(background + alpha * (ink - background)).astype(np.uint8)


def squared_paper():
    """Squares on a sheet that lies askew, uint8 (280, 280)."""
    y, x = np.mgrid[:280, :280]
    is_line = ((x + 0.05 * y) % 20 < 2) | ((y - 0.05 * x) % 20 < 2)
    noise = np.random.default_rng(0).normal(0, 2, is_line.shape)
    return (np.where(is_line, 140, 220) + noise).astype(np.uint8)


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


@pytest.mark.parametrize(
    "kind",
    [
        "32 pixels",
        "JPEG 50, 32 pixels",
        "JPEG 90, 28 pixels, light on black",
        "scanned form, 32 pixels, JPEG 75",
        "pencil 0.4, JPEG 75",
        "pencil 0.2, JPEG 75",
        "off-white with a white border",
        "specks, JPEG 75",
        "dark rule",
        "frame",
        "frame inside the page",
        "screenshot",
        "touches one side, JPEG 90, 28 pixels",
        "touches two sides, JPEG 75",
        "uneven light, touches one side",
        "rotated by up to 20°, JPEG 75",
    ],
)
def test_files_are_classified_correctly(kind, classifier):
    predictions = [classifier.predict(open_file(strokes, KINDS[kind], digit)) for digit, strokes in DIGITS.items()]
    correct = [prediction.is_digit and prediction.digit == digit for digit, prediction in enumerate(predictions)]
    assert sum(correct) >= 9


@pytest.mark.parametrize("kind", BLANK_KINDS)
def test_blank_pages_raise(kind):
    for seed in range(2):
        with pytest.raises(BlankSketchError):
            sketch_to_mnist(open_file([], BLANK_KINDS[kind], seed))


@pytest.mark.parametrize("middle", [(0.5, 0.5), (0.7, 0.6)])
def test_stray_pixels_do_not_change_the_image(middle):
    page = on_page(middle=middle)
    expected = sketch_to_mnist(page)
    for y, x, level in ((0, 0, 254), (279, 279, 250), (3, 270, 0)):
        page[y, x] = level
    page[260:268, 8:16] = 243  # a dot that was not quite erased
    assert (sketch_to_mnist(page) == expected).all()


def test_white_border_of_an_off_white_page_is_no_ink():
    page = on_page(background=253)
    expected = sketch_to_mnist(page)
    page[:8] = page[-8:] = 255
    page[:, :8] = page[:, -8:] = 255
    assert np.abs(sketch_to_mnist(page).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("middle", [(0.5, 0.5), (0.28, 0.5), (0.5, 0.72)])  # the others touch a side
def test_jpeg_gives_the_image_of_the_png(middle):
    page = on_page(middle=middle)
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=75)
    assert np.abs(sketch_to_mnist(Image.open(file)).astype(int) - sketch_to_mnist(page)).mean() < 5


def test_pencil_gives_the_image_of_ink():
    random = np.random.default_rng(0)
    images = []
    for ink in (0, 120, 200):
        noisy = on_page(background=240, ink=ink) + random.normal(0, 2, (280, 280))
        images.append(sketch_to_mnist(np.clip(noisy, 0, 255).astype(np.uint8)).astype(int))
    assert all(np.abs(image - images[0]).mean() < 3 for image in images[1:])


def test_digit_in_a_dark_frame_is_extracted_alone():
    page = on_page(ink=150)
    expected = sketch_to_mnist(page)
    page[:4] = page[-4:] = 0
    page[:, :4] = page[:, -4:] = 0
    assert (sketch_to_mnist(page) == expected).all()


def test_ink_at_a_side_is_kept_in_uneven_light():
    page = on_page(middle=(0.26, 0.5)) * np.linspace(0.5, 1, 280)
    noisy = page + np.random.default_rng(0).normal(0, 2, page.shape)
    ink = extract_ink(to_pixels(np.clip(noisy, 0, 255).astype(np.uint8)))
    drawn = on_page(middle=(0.26, 0.5)) < 128
    assert ((ink > 0.5) & drawn).sum() > 0.9 * ((ink > 0.5) | drawn).sum()


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (np.full((280, 280), 255, np.uint8), "The image is blank"),
        (on_page(background=200, ink=192), "The ink is too faint"),
        (on_page(background=200, ink=192) + np.eye(280, dtype=np.uint8), "The ink is too faint"),
        (squared_paper(), "lines or a texture"),
    ],
)
def test_message_says_why_there_is_no_ink(page, message):
    with pytest.raises(BlankSketchError, match=message):
        sketch_to_mnist(page)
