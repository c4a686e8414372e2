"""Files of drawings and digits of the test set, in a browser."""

import io
import re

import numpy as np
from PIL import Image

from mnist_cnn.data import load_mnist
from tests.support.browser import draw, expect, settled, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.page import centred, digit, model_input, open_tab


def open_files(page):
    page.get_by_role("button", name="Files and test digits").click()
    page.locator("#test-digit").wait_for()


def download(page, button):
    with page.expect_download() as download:
        page.click(button)
    return download.value.path().read_bytes(), download.value.suggested_filename


def test_drawing_is_downloaded_as_it_is_shown(open_page):
    page = open_page(color_scheme="dark")
    open_files(page)
    page.click("#download-model-input")
    expect(page.locator("#label-feedback .score")).to_have_text("Draw a digit first.")
    draw(page, DIGITS[4])
    wait_until_idle(page)
    content, name = download(page, "#download-model-input")
    assert name == "model-input.png"
    assert (np.asarray(Image.open(io.BytesIO(content))) == model_input(page)).all()
    content, name = download(page, "#download-canvas")
    image = Image.open(io.BytesIO(content)).convert("L")
    assert name == "canvas.png"
    assert min(image.size) > 200
    assert 0.01 < np.mean(np.asarray(image) > 200) < 0.2  # light ink on the dark theme's background
    assert np.mean(np.asarray(image) < 60) > 0.75


def test_labelled_drawings_are_downloaded_and_loaded_in_another_session(open_page, tmp_path, app):
    files = sorted(app.cache.rglob("*"))
    page = open_page()
    open_files(page)
    draw(page, DIGITS[3])
    wait_until_idle(page)
    page.get_by_role("button", name="Correct label: 3").click()
    expect(page.locator("#label-feedback .score")).to_contain_text("Saved as 3.")
    content, name = download(page, "#save-drawings")
    assert name == "drawings.npz"
    with np.load(io.BytesIO(content)) as arrays:
        assert arrays["labels"].tolist() == [3]
        assert (arrays["images"][0] == centred(page)).all()

    other = open_page()
    open_files(other)
    (tmp_path / name).write_bytes(content)
    with other.expect_file_chooser() as chooser:
        other.click("#load-drawings")
    chooser.value.set_files(tmp_path / name)
    expect(other.locator("#label-feedback .score")).to_have_text("Loaded 1. Correct so far: 1 of 1.")
    assert sorted(app.cache.rglob("*")) == files
    open_tab(other, "Train")
    expect(other.get_by_label("Train on my labelled drawings (1, each in 50 augmented copies)")).to_be_enabled()


def test_test_digit_is_drawn_and_its_label_shown(open_page, root):
    page = open_page()
    open_files(page)
    images, labels = load_mnist(root, train=False)
    page.click("#test-digit")
    note = page.locator("#label-feedback .score")
    expect(note).to_have_text(re.compile(r"Test image \d+ has the label \d\."))
    index, shown = map(int, re.findall(r"\d+", note.inner_text()))
    assert labels[index] == shown
    assert digit(page) != ""  # the prediction is there
    wait_until_idle(page)
    assert np.abs(images[index].numpy().astype(int) - centred(page)).max() <= 1
    page.get_by_role("button", name="Example: 4").click()
    expect(note).to_have_text("")  # it is about what is no longer there
    assert digit(page) == "4"
    for _ in range(2):
        page.locator("#pad canvas").press("Control+z")
    assert settled(page, "#reading .digit") == ""
