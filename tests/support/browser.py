"""The page in a browser, for tests and benchmarks: start Chromium, open the page, draw with the mouse, wait for it."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.strokes import Strokes

__all__ = [
    "Page",
    "chromium",
    "chromium_path",
    "draw",
    "expect",
    "load",
    "new_page",
    "open_page",
    "settled",
    "wait_until_idle",
]

_TIMEOUT = 120_000  # milliseconds; other work on the machine may hold the page up
expect.set_options(timeout=_TIMEOUT)

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Runs before the page's own scripts: counts the pending requests for predictions, and keeps the last prediction and the
# last drawing that the canvas gave to Gradio, which may take a while to request its prediction.
_TRACK_REQUESTS = """
window.requests = { pending: 0, idleFrames: 0, prediction: null, drawing: "", answered: "" };
const encoded = new Set();
const encode = HTMLCanvasElement.prototype.toDataURL;
HTMLCanvasElement.prototype.toDataURL = function (...options) {
    const url = encode.apply(this, options);
    if (!this.isConnected) encoded.add((requests.drawing = url)); // the canvas's script encodes a copy
    return url;
};
addEventListener("canvas-cleared", () => (requests.drawing = ""), true);
const send = window.fetch;
window.fetch = async (address, options) => {
    if (!String(address).includes("/gradio_api/run/")) return send(address, options);
    requests.pending += 1;
    requests.idleFrames = 0;
    const { fn_index: event, data: [canvas] = [] } = JSON.parse(options.body);
    const drawing = canvas?.path ?? canvas?.unfinished ?? canvas ?? "";
    const isCanvasEvent = event === 0; // the page's first
    if (isCanvasEvent && !encoded.has(drawing)) requests.drawing = drawing; // an image, which is not encoded
    try {
        const response = await send(address, options);
        const body = await response.text();
        if (response.ok) {
            const [first] = JSON.parse(body).data;
            if (isCanvasEvent) requests.answered = canvas?.unfinished ? null : drawing;
            if (String(first).includes('"bars"')) requests.prediction = JSON.parse(first);
        }
        return new Response(body, response);
    } finally {
        requests.pending -= 1;
    }
};
"""

# Whether the last drawing was answered, nothing is pending and the last predictions are shown, in this frame and the
# two before: Gradio sends what was drawn during a request right after the response, before the browser paints.
_IS_IDLE = """() => {
    const texts = (part) => String(Array.from(document.querySelectorAll(`#reading ${part}`), (e) => e.textContent));
    const { digit, number, bars: first } = requests.prediction ?? { digit: "" };
    const selected = document.querySelector("#reading .number [aria-pressed=true]")?.dataset.index;
    const bars = number?.[selected]?.bars ?? first; // of the digit of a number that the pointer was over
    const percents = bars && String(bars.map((bar) => `${bar.percent}%`));
    const shown = texts(".verdict .digit") === digit && (!bars || texts(".percent") === percents);
    const answered = requests.drawing === requests.answered;
    requests.idleFrames = shown && answered && !requests.pending ? requests.idleFrames + 1 : 0;
    return requests.idleFrames > 2;
}"""


def chromium_path() -> str | None:
    """Where Chromium or Google Chrome is installed, if it is."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Chromium without a window.

    Args:
        flags: of its command line, besides those that it always gets.

    Raises:
        RuntimeError: it is not installed.
    """
    path = chromium_path()
    if path is None:
        raise RuntimeError("needs Chromium: apt-get install chromium (Debian), or install Google Chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags])
        yield browser
        browser.close()


def new_page(context: Browser | BrowserContext) -> Page:
    """An empty page for which `wait_until_idle` works once it shows the app; a browser makes a new context for it."""
    page = context.new_page()
    page.set_default_timeout(_TIMEOUT)
    page.add_init_script(_TRACK_REQUESTS)
    return page


def load(page: Page, url: str) -> None:
    """Go to an address of the app, and wait until its page can be drawn on."""
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#pad .examples button", state="attached")  # the last that the canvas's script adds


def open_page(context: Browser | BrowserContext, url: str) -> Page:
    """A new page that shows the app and can be drawn on."""
    page = new_page(context)
    load(page, url)
    return page


def draw(page: Page, strokes: Strokes, lift: bool = True, pause: float = 0) -> None:
    """Draw strokes, in units of the canvas's side, with the mouse.

    Args:
        page: shows the Draw tab.
        strokes: what to draw.
        lift: False leaves the pen down after the last point of the last stroke.
        pause: milliseconds to wait between two points.
    """
    box = page.locator("#pad canvas").bounding_box()
    for number, stroke in enumerate(strokes):
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            if pause:
                page.wait_for_timeout(pause)
            page.mouse.move(*point)
        if lift or number < len(strokes) - 1:
            page.mouse.up()


def wait_until_idle(page: Page) -> None:
    """Wait until no prediction is in progress and the page, made by `new_page`, shows the last one."""
    page.evaluate("requests.idleFrames = 0")
    page.wait_for_function(_IS_IDLE)


def settled(page: Page, selector: str) -> str:
    """The text of an element once the page is idle, see `wait_until_idle`."""
    wait_until_idle(page)
    return page.inner_text(selector).strip()
