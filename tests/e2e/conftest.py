"""One app and one browser for all tests of the page; a page and its context are new or as good as new."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.photos import CONDITIONS, photograph
from tests.support.browser import chromium, chromium_path, load, new_page
from tests.support.clients import Events
from tests.support.digits import DIGITS
from tests.support.http_client import HttpClient, assert_works
from tests.support.mnist_files import write_tiled_mnist
from tests.support.page import DESKTOP, collect_errors
from tests.support.server import serving


class App(NamedTuple):
    """The app that the tests share: its address, its process, its log, and its folder for temporary files."""

    url: str
    pid: int
    log: Path
    cache: Path


@pytest.fixture(scope="session")
def app(root, tmp_path_factory):
    """`python app.py`, which trains on a data set of the tests' own; no error may be left in its log."""
    folder = tmp_path_factory.mktemp("app")
    cache = folder / "cache"
    cache.mkdir()
    with (
        (folder / "log").open("wb") as log,
        serving(log=log, cores=2, MNIST_ROOT=str(root), GRADIO_TEMP_DIR=str(cache)) as (url, process),
    ):
        yield App(url, process.pid, folder / "log", cache)
        assert_works(HttpClient(url))
    assert "Traceback" not in (folder / "log").read_text()


@pytest.fixture(scope="session")
def url(app):
    return app.url


@pytest.fixture(scope="session")
def events(url):
    """The IDs of the app's events."""
    return Events(url)


@pytest.fixture(scope="session")
def root(small_arrays, tmp_path_factory):
    """2,000 images: an epoch takes about a second."""
    return write_tiled_mnist(tmp_path_factory.mktemp("root"), *small_arrays, copies=5)


@pytest.fixture(scope="session")
def camera(tmp_path_factory):
    """A file of what the browser's camera sees, a 2 on paper in lamp light."""
    file = tmp_path_factory.mktemp("camera") / "two.mjpeg"
    photograph(DIGITS[2], CONDITIONS["lamp"], np.random.default_rng(0)).convert("RGB").save(file, "JPEG", quality=90)
    return file


@pytest.fixture(scope="session")
def browser(camera):
    """Headless Chromium with a camera."""
    if chromium_path() is None:
        pytest.skip("needs Chromium: apt-get install chromium (Debian), or install Google Chrome")
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with chromium(*flags, f"--use-file-for-fake-video-capture={camera}") as browser:
        yield browser


@pytest.fixture(scope="session")
def contexts(browser):
    """Browser contexts by their options and a number. Their caches make all pages but the first open fast."""
    contexts = {}
    yield contexts
    for context in contexts.values():
        context.close()


@pytest.fixture
def open_page(browser, contexts, url):
    """Opens the app's page as a new session, each page of a test in a context of its own.

    Any error in a page fails the test.
    """
    pages, errors = [], []  # of each page

    def open_page(url=url, **options):
        key = (len(pages), repr(sorted(options.items())))
        if key not in contexts:
            contexts[key] = browser.new_context(**{"viewport": DESKTOP} | options)
        page = new_page(contexts[key])
        pages.append(page)
        errors.append(collect_errors(page))
        load(page, url)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not any(errors), errors
