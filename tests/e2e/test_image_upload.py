"""Image files on the canvas: chosen, dropped, pasted and photographed, in headless Chromium."""

import base64

import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import CONDITIONS, photograph
from mnist_cnn.classifier import load_classifier
from mnist_cnn.feature_maps import feature_maps
from mnist_cnn.model_summary import receptive_fields, summarize
from mnist_cnn.preprocessing import preprocess_with_stages, sketch_to_mnist
from mnist_cnn.ui.components.feature_maps.feature_maps import feature_maps_value
from tests.support.browser import draw, expect, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.image_files import encode
from tests.support.page import DESKTOP, PHONE, centred, digit, open_tab, percents
from tests.support.strokes import render

# Puts an image into the clipboard.
COPY = """async (url) => {
    const image = await (await fetch(url)).blob();
    await navigator.clipboard.write([new ClipboardItem({ "image/png": image })]);
}"""

# What the browser does when a file is dropped onto an element.
DROP = """async (element, url) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([await (await fetch(url)).blob()], "dropped.png"));
    for (const type of ["dragover", "drop"]) {
        const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
        if (element.dispatchEvent(event)) throw new Error(`The browser would handle ${type}.`);
    }
}"""

# What the canvas shows, (H, W) colours.
PIXELS = """() => {
    const canvas = document.querySelector("#pad canvas");
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def png_url(image):
    return "data:image/png;base64," + base64.b64encode(encode(image)).decode()


@pytest.fixture
def photo(tmp_path):
    """A photo of a 5 in lamp light, as a file."""
    file = tmp_path / "five.jpg"
    photograph(DIGITS[5], CONDITIONS["lamp"], np.random.default_rng(1)).convert("RGB").save(file, quality=95)
    return file


@pytest.fixture
def landscape(tmp_path):
    """A photo of a 5 at the left side of a sheet that is twice as wide as high, as a file."""
    file = tmp_path / "landscape.jpg"
    square = photograph(DIGITS[5], CONDITIONS["even light"], np.random.default_rng(1)).convert("RGB")
    image = Image.new("RGB", (2 * square.width, square.height), square.getpixel((0, 0)))
    image.paste(square, (0, 0))
    image.save(file, quality=95)
    return file


def choose(page, file):
    page.set_input_files("#pad input[type=file]", file)


def expect_digit(page, text):
    expect(page.locator("#reading .digit")).to_have_text(text)
    wait_until_idle(page)


def expect_message(page, text):
    expect(page.locator("#reading .verdict")).to_contain_text(text)


def hint(page):
    """The text in the middle of the canvas, or None if it is hidden."""
    element = page.locator("#pad .hint")
    return element.inner_text() if element.is_visible() else None


def pixels(page):
    """The colours that the canvas shows, int (H, W, 4)."""
    values = np.array(page.evaluate(PIXELS))
    side = round((values.size / 4) ** 0.5)
    return values.reshape(side, side, 4)


def test_chosen_file_has_the_prediction_its_stages_and_feature_maps(open_page, photo):
    page = open_page()
    page.get_by_role("checkbox", name="Feature maps").check()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Image", exact=True).click()
    chooser.value.set_files(photo)
    expect_digit(page, "5")
    expected = load_classifier().predict(Image.open(photo))
    assert (centred(page) == expected.image).all()
    assert page.locator("#reading .percent").all_inner_texts() == percents(expected.probabilities)
    steps = page.locator("#reading .stages .name").all_inner_texts()
    assert steps == ["Extracted ink", "Cropped", "Resized to 20×20", "Centred", "Model input"]
    assert page.locator("#reading .models tr").count() == 2
    model = load_classifier().model
    fields = receptive_fields(summarize(model))
    maps = feature_maps_value(expected.model_input, feature_maps(model, expected.image), fields)
    strips = page.locator("#feature-maps .maps")
    assert [strip.get_attribute("src") for strip in strips.all()] == [layer["image"] for layer in maps["layers"]]
    page.locator("#model label").nth(1).click()
    expect(page.locator("#reading tr.selected .name")).to_have_text("net-8k")


def test_image_can_be_labelled(open_page, photo):
    page = open_page()
    choose(page, photo)
    expect_digit(page, "5")
    page.get_by_role("button", name="Correct label: 5").click()
    expect(page.locator("#label-feedback .score")).to_have_text("Saved as 5. Correct so far: 1 of 1.")


def test_image_takes_the_place_of_the_drawing_and_back(open_page, photo):
    page = open_page()
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    choose(page, photo)
    expect_digit(page, "5")
    label = page.locator("#pad canvas").get_attribute("aria-label")
    assert label.startswith("Image five.jpg.")
    page.get_by_role("button", name="Undo").click()
    expect_digit(page, "3")
    page.get_by_role("button", name="Redo").click()
    expect_digit(page, "5")
    page.get_by_role("button", name="Clear").click()
    expect_digit(page, "")
    assert hint(page).startswith("Draw a digit")
    draw(page, DIGITS[7])
    assert digit(page) == "7"


@pytest.fixture
def pair(tmp_path):
    """A 5 and a 2 on a sheet that is twice as wide as high, as an image and a file."""
    image = Image.new("RGB", (600, 300), "white")
    for left, drawn in ((0, 5), (300, 2)):
        image.paste(drawing := render(DIGITS[drawn], 300, 14), (left, 0), mask=drawing)
    image.save(tmp_path / "pair.png")
    return image, tmp_path / "pair.png"


def test_image_is_cropped_to_the_box_that_is_dragged_and_had_back(open_page, pair):
    page = open_page()
    image, file = pair
    choose(page, file)
    expect_digit(page, "52")
    expect(page.locator("#pad .crop-hint")).to_be_visible()
    draw(page, [[(0.75, 0.5), (0.755, 0.505)]])  # hardly more than a click
    draw(page, [[(0.999, 0.95), (0.5, -0.2)]])  # beyond the image, which has a margin above and below
    expect_digit(page, "2")
    expected = sketch_to_mnist(image.crop((300, 0, 600, 300)))
    assert np.abs(centred(page).astype(int) - expected).max() <= 1
    assert not page.locator("#pad .digit-boxes div").count()
    page.get_by_role("button", name="Correct label: 2").click()
    expect(page.locator("#label-feedback .score")).to_have_text("Saved as 2. Correct so far: 1 of 1.")
    page.get_by_role("button", name="Undo").click()
    expect_digit(page, "52")
    page.get_by_role("button", name="Redo").click()
    expect_digit(page, "2")
    page.get_by_role("button", name="Clear").click()
    expect_digit(page, "")
    expect(page.locator("#pad .crop-hint")).to_be_hidden()


@pytest.mark.slow
def test_image_is_cropped_with_the_keyboard(open_page, pair):
    page = open_page()
    image, file = pair
    choose(page, file)
    expect_digit(page, "52")
    page.locator("#pad canvas").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Escape")
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect_digit(page, "5")
    expected = sketch_to_mnist(image.crop((0, 0, 300, 300)))
    assert np.abs(centred(page).astype(int) - expected).max() <= 1


@pytest.mark.slow
def test_image_is_cropped_by_touch(open_page, pair):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    choose(page, pair[1])
    expect_digit(page, "52")
    box = page.locator("#pad canvas").bounding_box()
    session = page.context.new_cdp_session(page)
    for kind, *places in (
        ("touchStart", (0.1, 0.3)),
        ("touchMove", (0.4, 0.7)),
        ("touchCancel",),
        ("touchStart", (0.5, 0.2)),
        ("touchMove", (0.99, 0.8)),
        ("touchEnd",),
    ):
        points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect_digit(page, "2")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="light"),
        pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.slow),
        pytest.param({"forced_colors": "active"}, id="forced colours", marks=pytest.mark.slow),
    ],
)
def test_image_fits_the_canvas_and_the_extracted_ink_is_tinted(open_page, landscape, options):
    page = open_page(**options)
    choose(page, landscape)
    expect_digit(page, "5")
    page.wait_for_function("!document.querySelector('#pad .hint:not([hidden])')")
    ink = preprocess_with_stages(Image.open(landscape)).ink  # (H, W)
    page.wait_for_function(  # until the tint is painted
        f"() => {{ const data = ({PIXELS})(); let count = 0;"
        "for (let i = 0; i < data.length; i += 4) count += data[i] - data[i + 2] > 120; return count > 100; }"
    )
    shown = pixels(page)
    side = len(shown)
    width, height = Image.open(landscape).size
    height = round(side * height / width)
    top = (side - height) // 2
    assert not shown[: top - 2, :, 3].any() and not shown[top + height + 2 :, :, 3].any()
    assert shown[top + 2 : top + height - 2, 2:-2, 3].min() == 255
    mask = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((side, height)))
    orange = shown[top : top + height, :, 0] - shown[top : top + height, :, 2]
    assert np.median(orange[mask > 0.95]) > 120
    assert np.median(orange[mask == 0]) < 60


@pytest.mark.slow
def test_empty_sheet_is_shown_with_the_reason(open_page, tmp_path):
    page = open_page()
    photograph([], CONDITIONS["lamp"], np.random.default_rng(0)).convert("RGB").save(tmp_path / "empty.jpg")
    choose(page, tmp_path / "empty.jpg")
    expect_message(page, "The image is blank")
    expect_digit(page, "")
    assert hint(page) is None
    assert pixels(page)[:, :, 3].any()


@pytest.mark.slow
def test_refused_file_gets_the_reason_in_place_of_a_prediction_and_its_name_on_the_canvas(open_page, tmp_path):
    page = open_page()
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    for name, content, message in (
        ("document.pdf", b"%PDF-1.7", "The file has the format PDF, which is not supported."),
        ("nothing.png", b"", "The file is empty."),
        ("damaged.png", encode(Image.new("RGB", (9, 9)))[:40], "The image is damaged"),
        ("large.png", bytes(11 * 2**20), "The file has 11.0 MiB; at most 10.0 MiB are accepted."),
    ):
        (tmp_path / name).write_bytes(content)
        choose(page, tmp_path / name)
        expect_message(page, message)
        expect(page.locator("#reading .digit")).to_have_text("")
        expect(page.locator("#pad .hint")).to_have_text(name)
        assert not pixels(page).any()
    draw(page, DIGITS[7])
    assert digit(page) == "7"
    assert hint(page) is None


def test_dropped_image_is_classified(open_page, photo):
    page = open_page()
    page.locator("#pad canvas").evaluate(DROP, png_url(Image.open(photo)))
    expect_digit(page, "5")
    assert (centred(page) == sketch_to_mnist(Image.open(photo))).all()
    assert not page.locator("#pad .dropping").count()


def test_image_is_pasted_anywhere_but_in_a_text_field(open_page, photo):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, png_url(Image.open(photo)))
    open_tab(page, "Train")
    page.click("#settings button")
    page.get_by_label("Seed").focus()
    page.keyboard.press("Control+v")
    page.get_by_role("tab", name="Train").focus()
    assert not page.locator("#pad canvas").is_visible()
    page.keyboard.press("Control+v")
    expect_digit(page, "5")
    assert (centred(page) == sketch_to_mnist(Image.open(photo))).all()


def test_camera_photo_is_classified_and_not_mirrored(open_page, camera):
    page = open_page()
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("document.querySelector('#pad video').videoWidth")
    page.get_by_role("button", name="Clear").click()  # closes the camera
    expect(page.locator("#pad video")).to_be_hidden()
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("document.querySelector('#pad video').videoWidth")
    page.get_by_role("button", name="Take photo").click()
    expect_digit(page, "2")
    expect(page.locator("#pad video")).to_be_hidden()
    expected = sketch_to_mnist(Image.open(camera)).astype(int)
    differences = [np.abs(centred(page) - other).mean() for other in (expected, expected[:, ::-1])]
    assert differences[0] < 12 < differences[1]


def test_camera_that_is_denied_is_explained(open_page):
    page = open_page()
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied')); }")
    page.get_by_role("button", name="Camera").click()
    expect_message(page, "The camera cannot be used.")
    draw(page, DIGITS[7])
    assert digit(page) == "7"


def test_phone_offers_its_camera_and_its_photos(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    chooser = page.locator("#pad input[type=file]")
    assert chooser.get_attribute("accept") == "image/*"
    assert chooser.get_attribute("capture") is None  # with it there would be the camera alone


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_with_an_image_fits_the_screen(open_page, photo, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme)
    page.locator("#show-feature-maps").wait_for()  # which Gradio adds beside the models
    before = {part: page.locator(part).bounding_box() for part in ("#pad canvas", "#reading .verdict", "#model")}
    choose(page, photo)
    expect_digit(page, "5")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if viewport == DESKTOP:
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for part, box in before.items():
        assert page.locator(part).bounding_box() == pytest.approx(box, abs=2)  # nothing jumps
