"""The whole app as a user meets it: served by `python app.py`, used in headless Chromium."""

import json
import re

import numpy as np
import pytest
import torch

from mnist_cnn.classifier import load_classifier
from mnist_cnn.evaluation import predict_logits
from mnist_cnn.feature_maps import feature_maps
from mnist_cnn.model_summary import receptive_fields, summarize
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.normalization import deslant
from mnist_cnn.ui.components.feature_maps.feature_maps import feature_maps_value
from mnist_cnn.ui.images import png_url
from tests.support import PROJECT
from tests.support.browser import draw, expect, load, new_page, settled, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.image_files import decode
from tests.support.page import CONTRASTS, DESKTOP, PHONE, centred, digit, ink, model_input, percents
from tests.support.strokes import place, render

EXAMPLES = json.loads((PROJECT / "mnist_cnn/ui/components/sketchpad/sketchpad.json").read_text(encoding="utf-8"))[
    "examples"
]
CROSS = [[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]]


def test_ten_drawn_digits_are_classified(open_page):
    page = open_page()
    for expected, strokes in DIGITS.items():
        draw(page, strokes)
        assert digit(page) == str(expected)
        page.get_by_role("button", name="Clear").click()
        assert digit(page) == ""


def test_prediction_updates_during_the_stroke(open_page):
    page = open_page()
    draw(page, DIGITS[7], lift=False)
    expect(page.locator("#reading .digit")).to_have_text("7")
    page.mouse.up()


def test_models_are_compared_once_the_pen_is_up(open_page):
    page = open_page()
    models, rows = page.locator("#reading .models"), page.locator("#reading .models tr .prediction")
    outdated = re.compile(r"\boutdated\b")
    draw(page, DIGITS[7])
    assert digit(page) == "7"
    before = rows.all_inner_texts()
    assert len(before) == 2
    draw(page, [[(0.2, 0.1), (0.8, 0.9)]], lift=False)
    expect(page.locator("#reading .digit")).not_to_have_text("7")
    expect(models).to_have_class(outdated)
    assert rows.all_inner_texts() == before
    page.mouse.up()
    expect(models).not_to_have_class(outdated)
    assert all(text != old for text, old in zip(rows.all_inner_texts(), before, strict=True))


def test_model_input_and_probabilities_are_shown(open_page):
    page = open_page()
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    # The browser's and PIL's strokes differ by their soft edges alone.
    assert np.abs(centred(page).astype(int) - sketch_to_mnist(render(DIGITS[3]))).mean() < 6
    assert (model_input(page) == deslant(torch.tensor(centred(page)[None]))[0].numpy()).all()
    expected = percents(load_classifier().probabilities(centred(page)[None])[0])
    assert page.locator("#reading .percent").all_inner_texts() == expected


@pytest.mark.parametrize("count", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_last_prediction_is_that_of_the_last_drawing(open_page, count):
    page = open_page(viewport={"width": 346, "height": 740})
    # As large as the image that is sent, so that both have the same pixels.
    assert page.evaluate("document.querySelector('#pad canvas').width") == 280
    random = np.random.default_rng(0)
    classifier = load_classifier()
    for number in range(count):
        if number % 2:
            strokes = DIGITS[number // 2]
        else:  # scribbled as fast as the browser takes it
            walks = random.normal(0, 0.1, (random.integers(1, 4), 20, 2)).cumsum(axis=1) + random.uniform(0.3, 0.7, 2)
            strokes = np.clip(walks, 0.05, 0.95).tolist()
        draw(page, strokes)
        predicted = digit(page)
        sent = decode(page.evaluate("requests.drawing")).getchannel("A")
        if number % 2:
            assert np.abs(np.asarray(sent).astype(int) - ink(page)).max() <= 2
        expected = classifier.predict_number(sent)  # several strokes may be predicted as a number
        assert predicted == (expected.text or "?")
        prediction = expected.digits[0] if expected.digits else classifier.predict(sent)
        # The ink's colour differs, and with it now and then the rounding of a soft edge.
        shown = [float(text.rstrip("%")) for text in page.locator("#reading .percent").all_inner_texts()]
        assert shown == pytest.approx(100 * prediction.probabilities, abs=0.5)
        page.keyboard.press("c")


def test_drawing_that_is_not_a_digit_is_rejected(open_page):
    page = open_page()
    draw(page, CROSS)
    assert digit(page) == "?"
    sent = decode(page.evaluate("requests.drawing")).getchannel("A")
    prediction = load_classifier().predict(sent)
    message = f"Not recognised as a digit. Closest: {prediction.digit}."
    assert page.inner_text("#reading .verdict .message") == message
    assert page.locator("#reading .bar.predicted").count() == 0
    assert page.inner_text("#reading .subject") == str(prediction.digit)


def test_mean_of_the_class_activation_map_is_the_logit(open_page):
    page = open_page()
    responses = []
    page.on("requestfinished", lambda request: "run/predict" in request.url and responses.append(request.response()))
    draw(page, DIGITS[8])
    assert digit(page) == "8"
    class_activation_maps = np.array(json.loads(responses[-1].json()["data"][0])["class_activation_maps"])  # (10, 49)
    classifier = load_classifier()
    logits = predict_logits(classifier.model, torch.tensor(centred(page)[None]))[0].numpy()
    logits /= classifier.calibration.temperature
    assert class_activation_maps.mean(axis=1) == pytest.approx(logits, abs=1e-3)

    for inspected in (8, 0):
        page.hover(f"#reading .bar[data-digit='{inspected}']")
        cells = page.evaluate(
            "[...document.querySelector('#reading canvas').getContext('2d').getImageData(0, 0, 7, 7).data]"
        )
        red, _, blue, alpha = np.array(cells).reshape(49, 4).T
        expected = (
            np.where(class_activation_maps[inspected] > 0, 1, -1)
            * 200
            * np.sqrt(np.abs(class_activation_maps[inspected]) / np.abs(class_activation_maps).max())
        )
        visible = alpha > 20  # fainter colours are rounded by their transparency
        assert visible.any()
        assert (np.sign(red - blue) == np.sign(expected))[visible].all()
        assert alpha == pytest.approx(np.abs(expected), abs=1)


def test_class_activation_map_follows_pointer_and_focus(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    assert page.inner_text("#reading .subject") == "4"
    page.hover("#reading .bar[data-digit='0']")
    assert page.inner_text("#reading .subject") == "0"
    page.hover("#pad canvas")
    assert page.inner_text("#reading .subject") == "4"
    page.focus("#reading .bar[data-digit='8']")
    assert (
        page.inner_text("#reading figcaption")
        == "Evidence for an 8: orange supports, blue opposes (class activation map)"
    )


def test_class_activation_map_follows_a_tap_until_the_next_drawing(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Example: 4").tap()
    assert digit(page) == "4"
    # Safari gives no button that is pressed the focus.
    page.evaluate("document.querySelector('#reading .bars').addEventListener('mousedown', (e) => e.preventDefault())")
    page.locator("#reading .bar[data-digit='9']").tap()
    assert settled(page, "#reading .subject") == "9"
    page.get_by_role("button", name="Example: 4").tap()
    assert settled(page, "#reading .subject") == "4"


def test_empty_canvas_has_no_prediction(open_page):
    page = open_page()
    assert (
        page.inner_text("#reading .verdict")
        == "Draw a digit, or up to six side by side. Predictions update as you draw."
    )
    assert not any(percent.is_visible() for percent in page.locator("#reading .percent").all())
    assert page.inner_text("#reading .stages").split("\n") == [
        "Drawing",
        "Cropped",
        "Resized to 20×20",
        "Centred",
        "Model input",
    ]
    top = page.locator("#model").bounding_box()["y"]
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    assert page.locator("#reading .percent").first.is_visible()
    assert page.locator("#model").bounding_box()["y"] == top  # nothing jumps


@pytest.mark.parametrize(
    "drawings",
    [
        pytest.param([DIGITS[1], DIGITS[4], DIGITS[7]], id="some"),
        pytest.param(
            [*DIGITS.values(), *(example["strokes"] for example in EXAMPLES)], id="all", marks=pytest.mark.slow
        ),
    ],
)
def test_digit_drawn_by_mouse_has_the_same_prediction_as_its_strokes_in_python(open_page, drawings):
    page = open_page()
    classifier = load_classifier()
    for strokes in drawings:
        strokes = place(strokes)  # as benchmarks.browser_parity does with real handwriting
        draw(page, strokes)
        prediction = classifier.predict(render(strokes))
        assert digit(page) == (str(prediction.digit) if prediction.is_digit else "?")
        page.keyboard.press("c")


def ring(radius, angles):
    """Points on a circle around the middle of the canvas."""
    return 0.5 + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def inked(page, points):
    """Whether there is ink at points (N, 2) of the canvas, in units of its side."""
    alpha = ink(page)
    x, y = (np.asarray(points) * len(alpha)).astype(int).T
    return alpha[y, x] > 127


def test_stroke_of_few_points_is_smooth_and_keeps_its_corners(open_page):
    page = open_page()
    corners = np.radians(np.arange(0, 361, 45))
    draw(page, [ring(0.3, corners)])
    digit(page)
    # The outer edge of straight lines would be at 0.306 of the side from the middle, that of a circle is at 0.329.
    assert inked(page, ring(0.317, corners[1:-2] + np.radians(22.5))).all()

    page.keyboard.press("c")
    draw(page, [[(0.2, 0.3), (0.8, 0.3), (0.4, 0.9)]])
    digit(page)
    assert inked(page, [(0.5, 0.28), (0.82, 0.3), (0.6, 0.6)]).all()
    assert not inked(page, [(0.5, 0.25), (0.85, 0.35)]).any()


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


def test_every_tool_and_key(open_page):
    page = open_page()

    def button(name):
        return page.get_by_role("button", name=name, exact=True)

    def ink_sum():
        wait_until_idle(page)  # the canvas paints once a frame
        return int(ink(page).astype(int).sum())

    line = [[(0.2, 0.5), (0.8, 0.5)]]
    assert not any(button(name).is_enabled() for name in ("Undo", "Redo", "Clear"))
    draw(page, line)
    thin = ink_sum()
    button("Undo").click()
    assert ink_sum() == 0
    button("Redo").click()
    assert ink_sum() == thin
    page.keyboard.press("Control+z")
    assert ink_sum() == 0
    page.keyboard.press("Control+y")
    assert ink_sum() == thin
    button("Eraser").click()
    draw(page, [[(0.5, 0.4), (0.5, 0.6)]])
    assert 0 < ink_sum() < thin
    button("Undo").click()
    button("Pen").click()
    page.locator("#pad [data-width]").fill("32")
    draw(page, line)
    assert ink_sum() == pytest.approx(2 * thin, rel=0.1)
    for clear in (lambda: button("Clear").click(), lambda: page.keyboard.press("Delete")):
        clear()
        assert ink_sum() == 0
        page.keyboard.press("Control+z")
        assert ink_sum() > thin
    page.keyboard.press("c")
    assert ink_sum() == 0


def test_tap_draws_a_round_dot(open_page):
    page = open_page()
    box = page.locator("#pad canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # as a pen reports its pressure
    page.mouse.up()
    wait_until_idle(page)
    dot = ink(page) / 255
    width = 16 / 280 * len(dot)
    rows, columns = (np.flatnonzero(dot.any(axis=axis)) for axis in (1, 0))
    assert [np.ptp(rows) + 1, np.ptp(columns) + 1] == pytest.approx([width, width], abs=2)
    assert dot.sum() == pytest.approx(np.pi / 4 * width**2, rel=0.05)


def test_clear_returns_to_the_pen(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    page.keyboard.press("e")
    page.get_by_role("button", name="Clear").click()
    assert page.get_by_role("button", name="Pen").get_attribute("aria-pressed") == "true"
    draw(page, DIGITS[4])
    assert digit(page) == "4"


def test_width_is_previewed_while_it_is_set(open_page):
    page = open_page()
    brush, canvas = page.locator("#pad .brush"), page.locator("#pad canvas")
    expect(brush).to_be_hidden()
    page.locator("#pad [data-width]").focus()
    page.keyboard.press("End")
    expect(brush).to_be_visible()
    assert brush.bounding_box()["width"] == pytest.approx(34 / 280 * canvas.bounding_box()["width"], abs=1)
    canvas.focus()
    expect(brush).to_be_hidden()


def test_keys_work_wherever_the_focus_is_but_in_a_text_field(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    page.evaluate("document.body.prepend(document.createElement('input'))")
    page.locator("body > input").focus()
    page.keyboard.type("cez")
    assert page.locator("body > input").input_value() == "cez"
    assert digit(page) == "4"
    page.locator("#model input").first.focus()
    page.keyboard.press("c")
    assert digit(page) == ""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    assert digit(page) == "4"


def test_pencil_strokes_are_not_taken_for_handwriting(open_page):
    page = open_page(has_touch=True)
    prevented = page.locator("#pad canvas").evaluate(
        "(canvas) => !canvas.dispatchEvent(new TouchEvent('touchmove', { cancelable: true }))"
    )
    assert prevented


def test_canvas_that_cannot_be_read_is_explained(open_page):
    page = open_page()
    warning = page.locator("#pad .warning")
    expect(warning).to_be_hidden()
    page.add_init_script("""
        const read = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = function (...box) {
            const image = read.apply(this, box);
            image.data.fill(255); // as Firefox does where it resists fingerprinting
            return image;
        };
    """)
    load(page, page.url)
    expect(warning).to_contain_text("This browser changes what the page reads from the canvas")


def test_receptive_field_follows_the_pointer(open_page):
    page = open_page()
    page.get_by_role("checkbox", name="Feature maps").check()
    draw(page, DIGITS[5])
    assert digit(page) == "5"
    rectangle = page.locator("#feature-maps .field")
    expect(rectangle).to_be_hidden()
    fields = receptive_fields(summarize(load_classifier("net-25k").model))
    for strip, field, cells in zip(page.locator("#feature-maps .maps").all(), fields, (14, 14, 7, 7, 7), strict=True):
        strip.scroll_into_view_if_needed()
        image, box = strip.bounding_box(), page.locator("#feature-maps .input img").bounding_box()
        cell = image["width"] / (16 * (cells + 1) - 1)
        x, y = cells + 1 + 2, 3  # in the second map
        page.mouse.move(image["x"] + (x + 0.5) * cell, image["y"] + (y + 0.5) * cell)
        shown = rectangle.bounding_box()
        for axis, side, index in (("x", "width", 2), ("y", "height", 3)):
            first = field.start + index * field.stride
            first, end = max(0, first), min(28, first + field.size)
            assert shown[axis] - box[axis] == pytest.approx(first / 28 * box[side], abs=1)
            assert shown[side] == pytest.approx((end - first) / 28 * box[side], abs=1)
    page.hover("#feature-maps p")
    expect(rectangle).to_be_hidden()


def test_tooltips_name_the_keys(open_page):
    page = open_page()
    titles = {
        button.inner_text() or button.get_attribute("aria-label"): button.get_attribute("title")
        for button in page.locator("#pad .tools button").all()
    }
    assert titles["Pen"] == "Pen (E switches pen and eraser)"
    assert titles["Eraser"] == "Eraser (E switches pen and eraser)"
    assert titles["↶"] == "Undo (Ctrl+Z or ⌘Z)"
    assert titles["↷"] == "Redo (Shift+Ctrl+Z or ⇧⌘Z)"
    assert titles["Clear"] == "Clear (Delete or C)"


def test_screen_reader_gets_names_in_tab_order(open_page):
    page = open_page()
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    verdict = page.locator("#reading .verdict")
    assert verdict.aria_snapshot() == "- text: Almost certainly a 4."  # not the digit twice
    page.evaluate("document.activeElement.blur()")
    page.locator("#pad [data-tool=pen]").focus()
    order = []
    for _ in range(35):
        name, _, rest = page.locator("*:focus").aria_snapshot().removeprefix("- ").partition('"')
        order.append((name.strip(), rest.split('"')[0]))
        page.keyboard.press("Tab")
    names = [name for _, name in order]
    assert names[:8] == [
        "Pen",
        "Eraser",
        "Width",
        "Undo",
        "Clear",
        "Drawing area. Draw a digit, or up to six side by side, with mouse, pen or finger.",
        "Image",
        "Camera",
    ]
    assert names[8:18] == [f"Example: {example['name']}" for example in EXAMPLES]
    assert [name.split()[0] for name in names[18:28]] == [str(number) for number in range(10)]
    assert [kind for kind, _ in order[28:31]] == ["radio", "radio", "checkbox"]
    assert names[30:35] == [
        "Feature maps",
        "Correct label: 0",
        "Correct label: 1",
        "Correct label: 2",
        "Correct label: 3",
    ]


def test_screen_reader_gets_settled_predictions_only(open_page):
    page = open_page()
    assert page.locator("#reading [aria-live]").count() == 1
    announcement = page.locator("#reading [aria-live=polite]")
    page.evaluate(
        """() => {
            window.announcedAtOnce = [];
            const [shown, announced] = ["message", "announcement"].map((name) =>
                document.querySelector(`#reading .${name}`));
            const record = () => announcedAtOnce.push(shown.textContent === announced.textContent);
            new MutationObserver(record).observe(shown, { childList: true });
        }"""
    )
    draw(page, DIGITS[8], pause=10)
    assert digit(page) == "8"
    expect(announcement).to_have_text(page.inner_text("#reading .message"))
    changes = page.evaluate("announcedAtOnce")
    assert len(changes) >= 2
    assert not any(changes)


@pytest.mark.parametrize(
    "viewport", [{"width": 1920, "height": 1080}, {"width": 800, "height": 360}], ids=["projector", "phone sideways"]
)
def test_canvas_and_prediction_fill_the_screen_side_by_side(open_page, viewport):
    page = open_page(viewport=viewport)
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    canvas, verdict = (page.locator(part).bounding_box() for part in ("#pad canvas", "#reading .verdict"))
    assert canvas["x"] + canvas["width"] <= verdict["x"]
    for box in (canvas, verdict):
        assert 0 <= box["y"] <= box["y"] + box["height"] <= viewport["height"]
    assert canvas["height"] >= 0.6 * viewport["height"]
    if viewport["height"] >= 1080:
        assert page.locator("#reading .bars li").first.bounding_box()["height"] >= 24


def test_targets_are_large_enough_for_a_finger(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    for part in ("#pad button", "#label-feedback button", "#model label", "#show-feature-maps"):
        for box in (target.bounding_box() for target in page.locator(part).all()):
            assert min(box["width"], box["height"]) >= 44


def test_motion_is_reduced_on_request(open_page):
    page = open_page(reduced_motion="reduce")
    # Waits, since Gradio may still be adding elements, and its style sheets come before the page's own.
    page.wait_for_function(
        """[...document.querySelectorAll("*")].every((element) =>
            getComputedStyle(element).transitionDuration.split(", ").every((part) => parseFloat(part) < 0.001))"""
    )


def test_bars_and_selected_tool_are_visible_in_forced_colours(open_page):
    page = open_page(forced_colors="active")
    draw(page, DIGITS[4])
    assert digit(page) == "4"

    def style(selector, name):
        return page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{name}")

    fill, others = (style(f"#reading .bar{kind} .fill", "backgroundColor") for kind in (".predicted", ".other"))
    background = style("body", "backgroundColor")
    assert len({fill, others, background}) == 3
    assert style("#reading .supports", "backgroundColor") != style("#reading .opposes", "backgroundColor")
    assert style("#model input:checked", "outlineStyle") != style("#model input:not(:checked)", "outlineStyle")
    assert style("#pad [data-tool=pen]", "outlineStyle") != style("#pad [data-tool=eraser]", "outlineStyle")
    page.get_by_role("button", name="Challenge").click()
    assert style(".challenge", "outlineStyle") == "solid"
    page.get_by_role("tab", name="Train").click()
    page.locator("#train").wait_for()
    assert {style(f"#{name}", "borderStyle") for name in ("train", "pause", "stop", "load")} == {"solid"}


def test_stroke_that_leaves_the_canvas_and_returns_is_one_stroke(open_page):
    page = open_page()
    draw(page, [[(0.5, 0.5), (1.3, 0.5), (1.3, 0.6), (0.5, 0.6)]])
    wait_until_idle(page)
    rows = ink(page)[:, -10:].any(axis=1)  # near the edge over which it left and came back
    assert np.flatnonzero(np.diff(rows.astype(int))).size == 4
    page.keyboard.press("Control+z")
    wait_until_idle(page)
    assert not ink(page).any()


def test_drawing_survives_rotation_of_the_phone(open_page):
    page = open_page(viewport=PHONE)
    draw(page, DIGITS[6])
    assert digit(page) == "6"
    side, before = len(ink(page)), sketch_to_mnist(ink(page)).astype(int)
    page.set_viewport_size({"width": 740, "height": 360})
    page.wait_for_function("(side) => document.querySelector('#pad canvas').width !== side", arg=side)
    assert np.abs(sketch_to_mnist(ink(page)) - before).mean() < 6
    assert digit(page) == "6"


def test_canvas_resolution_follows_the_zoom(open_page):
    page = open_page()
    draw(page, DIGITS[6])
    session = page.context.new_cdp_session(page)
    for zoom in (1.1, 1.25):
        size = {"width": round(DESKTOP["width"] / zoom), "height": round(DESKTOP["height"] / zoom)}
        session.send("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": zoom, "mobile": False})
        page.wait_for_function(
            """(zoom) => {
                const { width, clientWidth } = document.querySelector("#pad canvas");
                const zoomed = Math.abs(devicePixelRatio - zoom) < 0.01;
                return zoomed && width === Math.round(clientWidth * devicePixelRatio);
            }""",
            arg=zoom,
        )
        assert ink(page).any()


def test_example_is_put_on_the_canvas_as_strokes(open_page):
    page = open_page()
    draw(page, DIGITS[2])
    page.get_by_role("button", name="Example: 7, crossed").click()
    assert digit(page) == "7"
    page.get_by_role("button", name="Undo").click()  # its two strokes, and the clearing of the canvas for them
    assert digit(page) == "2"
    page.get_by_role("button", name="Example: 3").focus()
    page.keyboard.press("Enter")
    assert digit(page) == "3"


def test_every_example_is_classified(open_page):
    page = open_page()
    examples = page.get_by_role("group", name="Examples").get_by_role("button")
    assert examples.count() == 10
    for number in range(10):
        examples.nth(number).click()
        assert digit(page) == str(number)


def test_loaded_image_survives_a_reload(open_page):
    page = open_page()
    image = sketch_to_mnist(render(DIGITS[6]))
    page.evaluate(
        "(detail) => document.dispatchEvent(new CustomEvent('load-image', { detail }))", png_url(image, as_alpha=True)
    )
    expect(page.locator("#reading .digit")).to_have_text("6")
    wait_until_idle(page)
    shown = centred(page)
    assert np.abs(shown.astype(int) - image).max() <= 1
    page.reload()
    expect(page.locator("#reading .digit")).to_have_text("6")
    wait_until_idle(page)
    assert (centred(page) == shown).all()


def test_touch_draws_and_a_second_finger_is_ignored(open_page):
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


def test_pen_takes_over_from_a_palm(open_page):
    page = open_page(has_touch=True)
    box = page.locator("#pad canvas").bounding_box()
    session = page.context.new_cdp_session(page)
    place = {"x": box["x"] + 0.9 * box["width"], "y": box["y"] + 0.9 * box["height"]}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{**place, "id": 0}]})

    def pen(kind, x, y):
        place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        rest = {"button": "left", "buttons": int(kind != "mouseReleased"), "pointerType": "pen"}
        session.send("Input.dispatchMouseEvent", {"type": kind, **place, **rest, "clickCount": 1})

    first, *rest = DIGITS[7][0]
    pen("mousePressed", *first)
    for point in rest:
        pen("mouseMoved", *point)
    pen("mouseReleased", *point)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert digit(page) == "7"
    assert not ink(page)[-100:, -100:].any()
    page.get_by_role("button", name="Undo").click()
    assert digit(page) == ""


def test_canvas_works_after_lost_pointer_capture(open_page):
    page = open_page()
    draw(page, [[(0.2, 0.1), (0.8, 0.1)]], lift=False)
    page.evaluate("document.querySelector('#pad canvas').releasePointerCapture(1)")  # the mouse
    page.mouse.move(10, 10)
    page.mouse.up()
    page.keyboard.press("c")
    draw(page, DIGITS[7])
    assert digit(page) == "7"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_fits_the_screen_with_readable_contrast(open_page, viewport, scheme):
    page = open_page(viewport=viewport, color_scheme=scheme, device_scale_factor=2)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    canvas = page.evaluate("(({width, clientWidth}) => ({width, clientWidth}))(document.querySelector('#pad canvas'))")
    assert canvas["width"] == 2 * canvas["clientWidth"]
    for drawn in (False, True):
        if drawn:
            draw(page, DIGITS[2])
            assert digit(page) == "2"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if viewport == DESKTOP:
            assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
            widths = [page.locator(f"#pad .{part}").bounding_box()["width"] for part in ("drawing-area", "sources")]
            assert widths[0] == widths[1]
        ratios = page.evaluate(CONTRASTS, "body *")
        assert len(ratios) >= 28
        assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}  # WCAG AA
    for part in ("parameters", "milliseconds"):
        assert page.locator(f"#reading tr.selected .{part}").is_visible()


def test_bold_text_uses_the_same_font(open_page):
    page = open_page()
    widths = page.evaluate("""async () => {
        const context = document.createElement("canvas").getContext("2d");
        const width = (font) => { context.font = font; return context.measureText("MNIST sketchpad 100.0%").width; };
        return Promise.all([400, 600].map(async (weight) => {
            await document.fonts.load(`${weight} 20px "Source Sans Pro"`);
            return [width(`${weight} 20px "Source Sans Pro", monospace`), width(`${weight} 20px monospace`)];
        }));
    }""")
    for letters, others in widths:
        assert letters < 0.95 * others  # of a letter that the font lacks it would be the other's


def test_page_requests_nothing_from_other_hosts(browser, url):
    page = new_page(browser)  # with nothing in its cache
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    load(page, url)
    page.close()
    assert [address for address in urls if not address.startswith((url, "data:", "blob:"))] == []


def test_model_can_be_selected(open_page):
    page = open_page()
    draw(page, DIGITS[9])
    assert digit(page) == "9"
    assert settled(page, "#reading tr.selected .name") == "net-25k"
    page.locator("#model label").nth(1).click()
    assert digit(page) == "9"
    assert settled(page, "#reading tr.selected .name") == "net-8k"


@pytest.mark.slow
def test_labels_are_counted_for_each_session(open_page):
    page, other = open_page(), open_page()

    def label(page, name):
        before = page.inner_text("#label-feedback .score")
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(
            "(text) => document.querySelector('#label-feedback .score').innerText !== text", arg=before
        )
        return page.inner_text("#label-feedback .score")

    assert label(page, "Correct label: 3") == "Draw a digit first."
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    assert label(page, "Correct label: 3") == "Saved as 3. Correct so far: 1 of 1."
    draw(page, [[(0.8, 0.8), (0.85, 0.85)]])
    digit(page)
    assert label(page, "Correct label: 8") == "Saved as 8. Correct so far: 1 of 2."
    page.get_by_role("button", name="Correct label: 3", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#label-feedback .score').innerText.endsWith('2 of 2.')")
    page.locator("#pad canvas").focus()
    assert label(page, "Correct label: 8") == "Saved as 8. Correct so far: 1 of 2."
    page.keyboard.press("c")
    assert digit(page) == ""
    expect(page.locator("#label-feedback .score")).to_have_text("")
    draw(other, DIGITS[1])
    assert digit(other) == "1"
    assert label(other, "Correct label: 1") == "Saved as 1. Correct so far: 1 of 1."


def test_challenge_counts_misclassified_digits(open_page):
    page = open_page()
    challenge, prompt = page.get_by_role("button", name="Challenge"), page.locator("#label-feedback .prompt")
    score = page.locator("#label-feedback .score")
    challenge.click()
    expect(challenge).to_have_attribute("aria-pressed", "true")
    digits = []
    for strokes in (CROSS, None):  # None for the digit that is wanted, which is no miss
        text = prompt.inner_text()
        wanted = re.fullmatch(r"Draw an? (\d) that the model misclassifies, then press \1\.", text)[1]
        digits.append(wanted)
        page.keyboard.press("c")
        draw(page, strokes or DIGITS[int(wanted)])
        assert digit(page) == ("?" if strokes else wanted)
        page.get_by_role("button", name=f"Correct label: {wanted}").click()
        expect(score).to_have_text(f"Saved as {wanted}. Misclassified so far: 1 of {len(digits)}.")
        expect(prompt).not_to_have_text(text)
    assert digits[0] != digits[1]
    challenge.click()
    expect(prompt).to_have_text("")


def test_feature_maps_are_shown_on_request(open_page):
    page = open_page()
    page.get_by_role("checkbox", name="Feature maps").check()
    draw(page, DIGITS[5])
    assert digit(page) == "5"
    strips = page.locator("#feature-maps .maps")
    model = load_classifier("net-25k").model
    fields = receptive_fields(summarize(model))
    expected = feature_maps_value(model_input(page), feature_maps(model, centred(page)), fields)
    assert [strip.get_attribute("src") for strip in strips.all()] == [layer["image"] for layer in expected["layers"]]
    assert page.get_attribute("#feature-maps .input img", "src") == expected["model_input"]
    page.locator("#model label").nth(1).click()
    assert settled(page, "#feature-maps ol").splitlines() == [
        "Layer 1: 16 maps of 28×28",
        "Layer 2: 24 maps of 28×28",
        "Layer 3: 16 maps of 14×14",
        "Layer 4: 24 maps of 14×14",
    ]
    page.get_by_role("checkbox", name="Feature maps").uncheck()
    strips.first.wait_for(state="detached")
