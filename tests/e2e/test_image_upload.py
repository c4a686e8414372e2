"""The upload of images on the Draw tab: a file, the clipboard and the camera, in headless Chromium."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import CONDITIONS, photograph
from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.browser import draw, expect
from tests.support.digits import DIGITS
from tests.support.page import DESKTOP, PHONE, centred, digit

# What Ctrl+V does where the clipboard holds an image.
PASTE = """async (url) => {
    const image = await (await fetch(url)).blob();
    await navigator.clipboard.write([new ClipboardItem({ "image/png": image })]);
}"""


@pytest.fixture
def photo(tmp_path):
    """A photo of a 5 in lamp light, as a file."""
    file = tmp_path / "five.jpg"
    photograph(DIGITS[5], CONDITIONS["lamp"], np.random.default_rng(1)).convert("RGB").save(file, quality=95)
    return file


@pytest.fixture
def open_upload(open_page):
    """Opens the page with the upload of images unfolded."""

    def open_upload(**options):
        page = open_page(**options)
        page.get_by_role("button", name="Classify a photo or image file").click()
        page.get_by_role("button", name="Upload file").wait_for()
        return page

    return open_upload


def expect_digit(page, text):
    expect(page.locator("#image-prediction .digit")).to_have_text(text)


def upload(page, file):
    page.set_input_files("#image input[type=file]", file)
    page.get_by_role("button", name="Remove Image").wait_for()


def test_file_is_classified_and_its_stages_shown(open_upload, photo):
    page = open_upload()
    assert not page.locator("#image-prediction").is_visible()
    upload(page, photo)
    expect_digit(page, "5")
    expected = load_classifier().predict(Image.open(photo))
    assert (centred(page, "#image-prediction") == expected.image).all()
    percents = page.locator("#image-prediction .percent").all_inner_texts()
    assert percents == [f"{100 * probability:.1f}%" for probability in expected.probabilities]
    steps = page.locator("#image-prediction .stages .name").all_inner_texts()
    assert steps == ["Extracted ink", "Cropped", "Resized to 20×20", "Centred", "Model input"]
    assert page.locator("#image-prediction .models tr").count() == 2
    page.locator("#model label").nth(1).click()
    expect(page.locator("#image-prediction tr.selected .name")).to_have_text("net-8k")
    page.get_by_role("button", name="Remove Image").click()
    page.wait_for_selector("#image-prediction", state="hidden")
    upload(page, photo)
    expect_digit(page, "5")


def test_photo_and_canvas_are_independent(open_upload, photo):
    page = open_upload()
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    upload(page, photo)
    expect_digit(page, "5")
    assert digit(page) == "3"


def test_empty_sheet_is_reported_as_blank(open_upload, tmp_path):
    page = open_upload()
    photograph([], CONDITIONS["lamp"], np.random.default_rng(0)).convert("RGB").save(tmp_path / "empty.jpg")
    upload(page, tmp_path / "empty.jpg")
    message = page.locator("#image-prediction .verdict .message")
    expect(message).to_contain_text("The image is blank")
    expect_digit(page, "")


def test_pasted_image_is_classified(open_upload, photo, tmp_path):
    page = open_upload(permissions=["clipboard-read", "clipboard-write"])
    buffer = io.BytesIO()
    Image.open(photo).save(buffer, "PNG")
    page.evaluate(PASTE, "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
    page.get_by_role("button", name="Paste from clipboard").click()
    page.get_by_role("button", name="Remove Image").wait_for()
    expect_digit(page, "5")
    assert (centred(page, "#image-prediction") == sketch_to_mnist(Image.open(photo))).all()


def test_camera_image_is_classified_and_not_mirrored(open_upload, camera):
    page = open_upload()
    page.get_by_role("button", name="Capture from camera").click()
    page.get_by_role("button", name="Click to Access Webcam").click()
    page.get_by_role("button", name="capture photo").click()
    page.get_by_role("button", name="Remove Image").wait_for()
    expect_digit(page, "2")
    expected = sketch_to_mnist(Image.open(camera)).astype(int)
    differences = [np.abs(centred(page, "#image-prediction") - other).mean() for other in (expected, expected[:, ::-1])]
    assert differences[0] < 12 < differences[1]


def test_phone_offers_its_camera_and_its_photos(open_upload):
    page = open_upload(viewport=PHONE, has_touch=True, is_mobile=True)
    chooser = page.locator("#image input[type=file]")
    assert chooser.get_attribute("accept") == "image/*"
    assert chooser.get_attribute("capture") is None  # with it there would be the camera alone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_panel_fits_the_screen(open_upload, photo, viewport, scheme):
    page = open_upload(viewport=viewport, color_scheme=scheme)
    upload(page, photo)
    expect_digit(page, "5")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    column = page.locator("#image-prediction").bounding_box()
    for part in ("#image", "#image-prediction .bars", "#image-prediction .evidence", "#image-prediction .stages"):
        box = page.locator(part).bounding_box()
        assert column["x"] <= box["x"] + 0.5 and box["x"] + box["width"] <= column["x"] + column["width"] + 0.5
