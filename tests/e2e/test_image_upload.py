"""The picture part of the Draw tab: a file, the clipboard and the camera, in headless Chromium."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import CONDITIONS, photograph
from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.browser import draw, settled
from tests.support.digits import DIGITS
from tests.support.page import DESKTOP, PHONE, centred

# What Ctrl+V does where the clipboard holds a picture.
PASTE = """async (url) => {
    const picture = await (await fetch(url)).blob();
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""


@pytest.fixture
def photo(tmp_path):
    """A photo of a 5 in lamp light, as a file."""
    file = tmp_path / "five.jpg"
    photograph(DIGITS[5], CONDITIONS["lamp"], np.random.default_rng(1)).convert("RGB").save(file, quality=95)
    return file


@pytest.fixture
def open_part(open_page):
    """Opens the page with the picture part unfolded."""

    def open_part(**options):
        page = open_page(**options)
        page.get_by_role("button", name="Classify a photo or image file").click()
        page.get_by_role("button", name="Upload file").wait_for()
        return page

    return open_part


def digit(page):
    return settled(page, "#image-prediction .digit")


def words(page):
    return settled(page, "#image-prediction .verdict .message")


def upload(page, file):
    page.set_input_files("#image input[type=file]", file)
    page.get_by_role("button", name="Remove Image").wait_for()


def test_a_file_is_read_and_shown_step_by_step(open_part, photo):
    page = open_part()
    assert not page.locator("#image-prediction").is_visible()
    upload(page, photo)
    assert digit(page) == "5"
    expected = load_classifier().predict(Image.open(photo))
    assert (centred(page, "#image-prediction") == expected.image).all()
    percents = page.locator("#image-prediction .percent").all_inner_texts()
    assert percents == [f"{100 * share:.1f}%" for share in expected.probabilities]
    steps = page.locator("#image-prediction .stages .name").all_inner_texts()
    assert steps == ["Extracted ink", "Cropped", "Resized to 20×20", "Centred", "Model input"]
    assert page.locator("#image-prediction .models tr").count() == 2
    page.locator("#model label").nth(1).click()
    assert settled(page, "#image-prediction tr.selected .name") == "net-8k"
    page.get_by_role("button", name="Remove Image").click()
    page.wait_for_selector("#image-prediction", state="hidden")
    upload(page, photo)
    assert digit(page) == "5"


def test_a_photo_and_the_pad_do_not_disturb_each_other(open_part, photo):
    page = open_part()
    draw(page, DIGITS[3])
    assert settled(page, "#reading .digit") == "3"
    upload(page, photo)
    assert digit(page) == "5"
    assert settled(page, "#reading .digit") == "3"


def test_an_empty_sheet_is_said_to_be_blank(open_part, tmp_path):
    page = open_part()
    photograph([], CONDITIONS["lamp"], np.random.default_rng(0)).convert("RGB").save(tmp_path / "empty.jpg")
    upload(page, tmp_path / "empty.jpg")
    assert words(page) == "The image is blank, or the drawing runs off its edges."
    assert digit(page) == ""


def test_a_paste_is_read(open_part, photo, tmp_path):
    page = open_part(permissions=["clipboard-read", "clipboard-write"])
    buffer = io.BytesIO()
    Image.open(photo).save(buffer, "PNG")
    page.evaluate(PASTE, "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
    page.get_by_role("button", name="Paste from clipboard").click()
    page.get_by_role("button", name="Remove Image").wait_for()
    assert digit(page) == "5"
    assert (centred(page, "#image-prediction") == sketch_to_mnist(Image.open(photo))).all()


def test_what_the_camera_sees_is_read_and_not_mirrored(open_part, camera):
    page = open_part()
    page.get_by_role("button", name="Capture from camera").click()
    page.get_by_role("button", name="Click to Access Webcam").click()
    page.get_by_role("button", name="capture photo").click()
    page.get_by_role("button", name="Remove Image").wait_for()
    assert digit(page) == "2"
    expected = sketch_to_mnist(Image.open(camera)).astype(int)
    differences = [np.abs(centred(page, "#image-prediction") - other).mean() for other in (expected, expected[:, ::-1])]
    assert differences[0] < 12 < differences[1]


def test_a_phone_offers_its_camera_beside_its_pictures(open_part):
    page = open_part(viewport=PHONE, has_touch=True, is_mobile=True)
    chooser = page.locator("#image input[type=file]")
    assert chooser.get_attribute("accept") == "image/*"
    assert chooser.get_attribute("capture") is None  # with it there would be the camera alone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_fits_the_screen(open_part, photo, viewport, scheme):
    page = open_part(viewport=viewport, color_scheme=scheme)
    upload(page, photo)
    assert digit(page) == "5"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    column = page.locator("#image-prediction").bounding_box()
    for part in ("#image", "#image-prediction .bars", "#image-prediction .evidence", "#image-prediction .stages"):
        box = page.locator(part).bounding_box()
        assert column["x"] <= box["x"] + 0.5 and box["x"] + box["width"] <= column["x"] + column["width"] + 0.5
