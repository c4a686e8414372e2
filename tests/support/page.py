"""What a user of the page sees and does, for tests in a browser."""

import numpy as np

from tests.support.browser import expect, load, settled
from tests.support.image_files import decode

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
NO_NETWORK = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}

# The contrast of every text that can be seen inside a selector with what is behind it, by WCAG's formula.
CONTRASTS = """(selector) => {
    const parse = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return colour.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((value, i) => a * value + (1 - a) * below[i]);
    const behind = (element) => {
        if (!element) return [255, 255, 255];
        return over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    };
    const opacity = (element) => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
    const luminance = (colour) => {
        const [r, g, b] = colour.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratios = {};
    for (const element of document.querySelectorAll(selector)) {
        const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        const text = texts.map((node) => node.data.trim()).join("");
        if (!text || element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
        const [r, g, b, a] = parse(getComputedStyle(element).color);
        const below = behind(element);
        const lights = [over([r, g, b, a * opacity(element)], below), below].map(luminance);
        const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
        ratios[text] = Math.min(ratio, ratios[text] ?? Infinity);
    }
    return ratios;
}"""


def digit(page):
    return settled(page, "#reading .digit")


def model_input(page):
    """The 28×28 image that the page shows as the model input, uint8."""
    return np.asarray(decode(page.get_attribute("#reading .model-input img", "src")))


def centred(page):
    """The drawing as an MNIST image, before `normalize`: uint8 (28, 28)."""
    stage = page.locator("#reading .stages li", has_text="Centred")
    return np.asarray(decode(stage.locator("img").get_attribute("src")))


def ink(page):
    """The ink on the canvas, 0 to 255."""
    return np.asarray(decode(page.evaluate("document.querySelector('#pad canvas').toDataURL()")))[:, :, 3]


def percents(fractions):
    return [f"{100 * fraction:.1f}%" for fraction in fractions]


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def collect_errors(page):
    """A list that gets the errors of the page's scripts and console."""
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    return errors


VALUE_AFTER_TWO_FRAMES = """async (field) => {
    for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
    return field.value;
}"""

HEADLINE, BAR = "#monitor .status", "#monitor .bar"


def open_train(page, query=""):
    """Open the Train tab, with other settings than the recipe's where the query of a link names them."""
    if query:
        load(page, f"{page.url}?tab=train&{query}")
    open_tab(page, "Train")
    page.wait_for_selector("#monitor .metrics dd")


def wait_for(page, message):
    """Wait until the headline contains a message."""
    expect(page.locator(HEADLINE)).to_contain_text(message)


def train(page, message="Done"):
    """Train, until the headline contains a message."""
    page.click("#train")
    wait_for(page, message)


def percent_done(page):
    """How much of the run is done, in percent."""
    return float(page.get_attribute(BAR, "aria-valuenow"))


def wait_until_done(page, percent):
    """Wait until more than `percent` of the run is done."""
    page.wait_for_function(
        "([selector, percent]) => Number(document.querySelector(selector).ariaValueNow) > percent", arg=[BAR, percent]
    )


def metric(page, name):
    """A metric of the monitor, by its name."""
    return page.locator("#monitor .metrics div", has_text=name).locator("dd").inner_text()


def enter(field, text):
    """Type into one of Gradio's fields, which puts its first value back in the frame after it has appeared."""
    field.fill(text)
    while field.evaluate(VALUE_AFTER_TWO_FRAMES) != text:
        field.fill(text)
    field.press("Tab")
