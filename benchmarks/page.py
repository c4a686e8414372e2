"""The page in a browser, for benchmarks and tests: serve it, start Chromium, draw by mouse, wait for the reading."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from playwright.sync_api import Browser, Page, sync_playwright

from .strokes import Strokes

PROJECT = Path(__file__).parent.parent
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def serve(
    port: int | None = None,
    log: IO[bytes] | None = None,
    folder: Path = PROJECT,
    python: Path = Path(sys.executable),
    **environment: str,
) -> Iterator[str]:
    """`python app.py` in a process of its own; gives its address.

    Args:
        port: where it listens, a free one where none is named.
        log: takes what it writes to its standard output and error.
        folder: holds app.py; it is the process's working directory.
        python: the interpreter.
        environment: variables of the process, beside those of this one.

    Raises:
        RuntimeError: it ended, or did not answer within a minute.
    """
    with serving(port, log, folder, python, **environment) as (url, _):
        yield url


@contextlib.contextmanager
def serving(
    port: int | None = None,
    log: IO[bytes] | None = None,
    folder: Path = PROJECT,
    python: Path = Path(sys.executable),
    **environment: str,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `serve`, and gives the process too."""
    port = port or free_port()
    env = os.environ | {"GRADIO_SERVER_PORT": str(port), "NO_PROXY": "127.0.0.1"} | environment
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen([python, "app.py"], cwd=folder, env=env, stdout=log, stderr=log) as process:
        try:
            _wait_for(url, process)
            yield url, process
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.2)
    raise RuntimeError("app.py ended at its start, or never answered.")


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
