"""Numbers of several digits on the Draw tab, in headless Chromium."""

import re

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import load_classifier
from tests.support.browser import draw, expect
from tests.support.digits import DIGITS
from tests.support.numbers import number
from tests.support.page import CONTRASTS, DESKTOP, PHONE, digit
from tests.support.strokes import place, render

NUMBER = number("425", 0.25, 0.09)
BOXES = "#pad .digit-boxes div"


def buttons(page):
    return page.locator("#reading .number button")


def shown(page):
    """The digit that the bars, the model input and its evidence are about."""
    return page.inner_text("#reading .bar.predicted .name"), page.inner_text("#reading .subject")


def expect_shown(page, text):
    expect(page.locator("#reading .bar.predicted .name")).to_have_text(text)
    assert shown(page) == (text, text)


def test_number_is_shown_with_its_digits_and_boxes(open_page):
    page = open_page()
    draw(page, NUMBER)
    assert digit(page) == "425"
    names = buttons(page).locator(".name").all_inner_texts()
    assert names == ["4", "2", "5"]
    for text in buttons(page).locator(".confidence").all_inner_texts():
        assert re.fullmatch(r"\d+\.\d%", text)
    assert shown(page) == ("4", "4")
    canvas = page.locator("#pad canvas").bounding_box()
    boxes = [box.bounding_box() for box in page.locator(BOXES).all()]
    assert len(boxes) == 3
    for box, (strokes, middle) in zip(boxes, [("4", 0.2), ("2", 0.5), ("5", 0.8)], strict=True):
        assert canvas["x"] <= box["x"] and box["x"] + box["width"] <= canvas["x"] + canvas["width"], strokes
        assert abs((box["x"] + box["width"] / 2 - canvas["x"]) / canvas["width"] - middle) < 0.15
        assert 0.25 < box["height"] / canvas["height"] < 0.4
    page.keyboard.press("c")
    assert digit(page) == ""
    assert page.locator(BOXES).count() == buttons(page).count() == 0


def test_single_digit_has_no_boxes(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    assert page.locator(BOXES).count() == buttons(page).count() == 0


def test_digit_that_is_pointed_at_is_shown(open_page):
    page = open_page()
    draw(page, NUMBER)
    assert digit(page) == "425"
    model_inputs = set()
    for index, name in enumerate("425"):
        buttons(page).nth(index).hover()
        expect_shown(page, name)
        model_inputs.add(page.get_attribute("#reading .model-input img", "src"))
        expect(page.locator(BOXES).nth(index)).to_have_class("selected")
    assert len(model_inputs) == 3
    box = page.locator(BOXES).nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect_shown(page, "2")
    page.hover("#reading .bar[data-digit='7']")
    expect(page.locator("#reading .subject")).to_have_text("7")


def test_digits_are_reached_with_the_keyboard(open_page):
    page = open_page()
    draw(page, NUMBER)
    assert digit(page) == "425"
    buttons(page).first.focus()
    for name in "25":
        page.keyboard.press("Tab")
        expect_shown(page, name)
        assert page.locator("*:focus").get_attribute("aria-pressed") == "true"


def test_strokes_inside_a_box_belong_to_its_digit(open_page):
    page = open_page()
    cross = [(0.42, 0.52), (0.68, 0.5)]
    seven = place([*DIGITS[7], cross], 0.3, (0.7, 0.5))
    draw(page, [*place(DIGITS[1], 0.3, (0.3, 0.5)), seven[0]])
    assert digit(page) == "17"
    assert page.locator(BOXES).count() == 2
    draw(page, [seven[1]])
    assert digit(page) == "17"
    assert page.locator(BOXES).count() == 2


def test_boxes_are_on_the_image_of_a_file(open_page, tmp_path):
    file = Image.new("RGB", (600, 300), "white")
    drawing = render(number("42", 0.5, 0.15), 300, 14)
    file.paste(drawing, (250, 0), mask=drawing)
    file.save(tmp_path / "number.png")
    page = open_page()
    page.set_input_files("#pad input[type=file]", tmp_path / "number.png")
    expect(page.locator("#reading .verdict .digit")).to_have_text("42")
    canvas = page.locator("#pad canvas").bounding_box()
    for box, (left, top, right, bottom) in zip(
        page.locator(BOXES).all(), load_classifier().predict_number(file).boxes, strict=True
    ):
        middle = box.evaluate("(box) => [box.offsetLeft + box.offsetWidth / 2, box.offsetTop + box.offsetHeight / 2]")
        # The image is as wide as the canvas, and half as high.
        expected = [(left + right) / 2 / 600, 0.25 + (top + bottom) / 2 / 600]
        assert np.array(middle) / canvas["width"] == pytest.approx(expected, abs=0.01)


def test_touching_digits_get_a_hint(open_page):
    page = open_page()
    draw(page, number("238", 0.3, -0.02))
    assert digit(page) == "?"
    assert page.inner_text("#reading .message").endswith("Digits that touch are not recognised: leave a gap.")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_six_digits_fit_the_screen(open_page, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme, has_touch=viewport is PHONE)
    page.locator("#pad [data-width]").fill("8")
    draw(page, number("471236", 0.17, 0.07))
    assert digit(page) == "471236"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert min(page.evaluate(CONTRASTS, "#reading .verdict *").values()) >= 4.5
    panel = page.locator("#reading").bounding_box()
    for button in buttons(page).all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert panel["x"] <= box["x"] and box["x"] + box["width"] <= panel["x"] + panel["width"]
    if viewport is PHONE:
        buttons(page).nth(3).tap()
        expect_shown(page, "2")
