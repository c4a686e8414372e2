"""The whole app as a visitor meets it: served by `python app.py`, used in headless Chromium."""

import base64
import io
import re
import time

import numpy as np
import pytest
from conftest import write_mnist
from digits import DIGITS
from drawing import render
from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.page import draw, serve
from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import sketch_to_mnist

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
NO_NETWORK = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def url(small_arrays, tmp_path_factory):
    """The app with a training set of the tests' own that takes some seconds an epoch."""
    (images, labels), test = small_arrays
    root = tmp_path_factory.mktemp("page")
    write_mnist(root, (np.tile(images, (50, 1, 1)), np.tile(labels, 50)), test)
    with serve(MNIST_ROOT=str(root)) as url:
        yield url


@pytest.fixture
def open_page(browser, url):
    """Opens the app as a visitor of one's own; any error in the page fails the test."""
    contexts, errors = [], []

    def open_page(url=url, **options):
        context = browser.new_context(**{"viewport": DESKTOP} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.goto(url)
        page.wait_for_selector("#pad canvas")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def settled(page, selector):
    """The text of an element once it has stayed the same for half a second."""
    text, since = None, time.monotonic()
    while time.monotonic() - since < 0.5:
        now = page.inner_text(selector)
        if now != text:
            text, since = now, time.monotonic()
        page.wait_for_timeout(50)
    return text.strip()


def digit(page):
    return settled(page, "#reading .digit")


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def test_ten_drawn_digits_are_read(open_page):
    page = open_page()
    for expected, strokes in DIGITS.items():
        draw(page, strokes)
        assert digit(page) == str(expected)
        page.get_by_role("button", name="Clear").click()
        assert digit(page) == ""


def test_is_read_during_the_stroke(open_page):
    page = open_page()
    draw(page, DIGITS[7], lift=False)
    assert digit(page) == "7"
    page.mouse.up()


def test_shows_what_the_network_saw_and_what_it_made_of_it(open_page):
    page = open_page()
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    source = page.get_attribute("#reading .seen img", "src")
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))
    # The browser's and PIL's strokes differ by their soft edges alone.
    assert np.abs(seen.astype(int) - sketch_to_mnist(render(DIGITS[3]))).mean() < 6
    expected = [f"{100 * share:.1f}%" for share in load_classifier().probabilities(seen[None])[0]]
    assert page.locator("#reading .percent").all_inner_texts() == expected


def test_the_evidence_for_any_digit_can_be_asked_for(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    assert page.inner_text("#reading .subject") == "4"

    def colours():
        """How strongly the overlay speaks for (red over blue) and against (blue over red), summed over its cells."""
        return page.evaluate(
            """() => {
                const data = document.querySelector("#reading canvas").getContext("2d").getImageData(0, 0, 7, 7).data;
                let pro = 0, contra = 0;
                for (let i = 0; i < data.length; i += 4) {
                    if (data[i] > data[i + 2]) pro += data[i + 3] ** 2; else contra += data[i + 3] ** 2;
                }
                return [pro, contra];
            }"""
        )

    pro, contra = colours()
    assert pro > contra
    page.hover("#reading .bar[data-digit='0']")
    assert page.inner_text("#reading .subject") == "0"
    pro, contra = colours()
    assert pro < contra


def test_undo_redo_and_erase(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    page.keyboard.press("Control+z")
    assert digit(page) != "4"
    page.keyboard.press("Control+Shift+z")
    assert digit(page) == "4"
    page.keyboard.press("Delete")
    assert digit(page) == ""
    page.get_by_role("button", name="Undo").click()
    assert digit(page) == "4"

    page.keyboard.press("e")
    assert page.get_by_role("button", name="Eraser").get_attribute("aria-pressed") == "true"
    page.locator("#pad [data-width]").fill("34")
    draw(page, [[(0.2, y / 50), (0.8, y / 50)] for y in range(5, 46, 3)])
    assert digit(page) == ""


def test_an_example_is_put_on_the_pad_as_if_drawn(open_page):
    page = open_page()
    draw(page, DIGITS[2])
    page.get_by_role("button", name="Example: 7, crossed").click()
    assert digit(page) == "7"
    page.get_by_role("button", name="Undo").click()  # the bar across
    assert digit(page) == "7"
    for _ in range(2):  # the rest of the 7, and that the pad was emptied for it
        page.keyboard.press("Control+z")
    assert digit(page) == "2"
    page.get_by_role("button", name="Example: 3").focus()
    page.keyboard.press("Enter")
    assert digit(page) == "3"


def test_every_example_is_read(open_page):
    page = open_page()
    examples = page.get_by_role("group", name="Examples").get_by_role("button")
    assert examples.count() == 10
    for number in range(10):
        examples.nth(number).click()
        assert digit(page) == str(number)


def test_touch_draws_and_a_second_finger_does_not_disturb(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    box = page.locator("#pad canvas").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        places = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(points)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    first, *rest = DIGITS[7][0]
    touch("touchStart", first)
    touch("touchMove", rest[0])
    touch("touchStart", rest[0], (0.1, 0.9))
    touch("touchMove", rest[1], (0.2, 0.9))
    touch("touchEnd")
    assert digit(page) == "7"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_fits_the_screen(open_page, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme, device_scale_factor=2)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if viewport == DESKTOP:
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    canvas = page.evaluate("(({width, clientWidth}) => ({width, clientWidth}))(document.querySelector('#pad canvas'))")
    assert canvas["width"] == 2 * canvas["clientWidth"]
    draw(page, DIGITS[2])
    assert digit(page) == "2"


def test_asks_nothing_of_other_hosts(open_page, browser, url):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    page.wait_for_selector("#pad canvas")
    page.close()
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []


def test_a_training_streams_ends_and_serves_its_own_visitor_alone(open_page):
    page, other = open_page(), open_page()
    open_tab(page, "Train")
    page.click("#train")
    open_tab(other, "Train")
    other.click("#train")
    other.wait_for_function("document.querySelector('#status .headline').innerText.startsWith('Waiting')")
    percents = set()
    while "Done" not in page.inner_text("#status .headline"):
        percents.add(float(page.get_attribute("#status .bar", "aria-valuenow")))
        page.wait_for_timeout(100)
    assert len(percents) >= 5
    assert re.search(r"this network reads \d+\.\d\d% of MNIST", page.inner_text("#status .headline"))
    assert page.get_attribute("#status .bar", "aria-valuenow") == "100.0"
    assert len(page.get_attribute("#curves polyline.test", "points").split()) >= 5

    page.click("#use")
    open_tab(page, "Draw")
    assert "yours" in settled(page, "#network")
    for expected in (1, 8):
        draw(page, DIGITS[expected])
        assert digit(page) == str(expected)
        page.keyboard.press("c")
    other.wait_for_function("document.querySelector('#status .headline').innerText.startsWith('Training')")
    other.click("#stop")
    open_tab(other, "Draw")
    assert "yours" not in settled(other, "#network")


def test_stop_ends_a_training(open_page):
    page = open_page()
    open_tab(page, "Train")
    page.get_by_label("net-8k").last.check()
    page.click("#train")
    page.wait_for_function("Number(document.querySelector('#status .bar').ariaValueNow) > 1")
    page.click("#stop")
    page.wait_for_function("document.querySelector('#status .headline').innerText.startsWith('Stopped at')")
    assert float(page.get_attribute("#status .bar", "aria-valuenow")) < 90
    assert page.locator("#train").is_enabled()
    assert page.locator("#use").is_enabled()


def test_without_data_training_says_so_and_drawing_works(open_page, tmp_path):
    with serve(MNIST_ROOT=str(tmp_path), **NO_NETWORK) as url:
        page = open_page(url)
        open_tab(page, "Train")
        page.click("#train")
        page.wait_for_function("document.querySelector('#status .headline').innerText.includes('MNIST_ROOT')")
        assert "train-images-idx3-ubyte" in page.inner_text("#status .headline")
        open_tab(page, "Draw")
        draw(page, DIGITS[6])
        assert digit(page) == "6"
        page.close()


def test_the_network_can_be_chosen(open_page):
    page = open_page()
    draw(page, DIGITS[9])
    assert digit(page) == "9"
    before = settled(page, "#reading .bars")
    page.locator("#network label").nth(1).click()
    assert digit(page) == "9"
    assert settled(page, "#reading .bars") != before


def test_predict_is_an_api(url, tmp_path):
    file = tmp_path / "digit.png"
    page = Image.new("RGB", (280, 280), "white")
    page.paste(render(DIGITS[5], ink=(20, 40, 160)), mask=render(DIGITS[5]))
    page.save(file)
    client = Client(url, verbose=False)
    assert [name for name in client.view_api(return_format="dict")["named_endpoints"]] == ["/predict"]
    result = client.predict(handle_file(file), api_name="/predict")
    assert result["label"] == "5"
    confidences = {entry["label"]: entry["confidence"] for entry in result["confidences"]}
    expected = load_classifier().predict(page).probabilities
    assert confidences == pytest.approx({str(digit): float(share) for digit, share in enumerate(expected)}, abs=1e-5)
    with pytest.raises(Exception, match="no picture"):
        client.predict(None, api_name="/predict")
