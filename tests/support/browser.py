"""The page in a browser, for benchmarks and tests: serve it, start Chromium, draw by mouse, wait for the reading."""

import contextlib
import shutil
import time
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.strokes import Strokes

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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


def draw(page: Page, strokes: Strokes, lift: bool = True, pause: float = 0) -> None:
    """Draw strokes, in units of the pad's side, with the mouse.

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


def settled(page: Page, selector: str) -> str:
    """The text of an element once it has stayed the same for half a second."""
    text, since = None, time.monotonic()
    while time.monotonic() - since < 0.5:
        now = page.inner_text(selector)
        if now != text:
            text, since = now, time.monotonic()
        page.wait_for_timeout(50)
    return text.strip()
