"""What several test files need: a small data set of the tests' own, MNIST where it is, a browser where there is one."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.photos import CONDITIONS, photograph
from mnist_cnn.data import load_mnist
from tests.support.browser import chromium, chromium_path
from tests.support.digits import DIGITS
from tests.support.handwriting import handwriting
from tests.support.mnist_files import write_mnist
from tests.support.page import DESKTOP
from tests.support.server import serve

# Other work on the machine would make a second thread, and with it every small operation, wait; here, and in processes
# that are started from here.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def small_arrays():
    """Training and test digits that the tests drew: ((images, labels), (images, labels))."""
    return handwriting(400, seed=1), handwriting(100, seed=2)


@pytest.fixture(scope="session")
def small_root(small_arrays, tmp_path_factory):
    """A folder that holds the small data set as MNIST's files."""
    root = tmp_path_factory.mktemp("small")
    write_mnist(root, *small_arrays)
    return root


@pytest.fixture(scope="session")
def small_sets(small_root):
    """The small data set as `load_mnist` gives it: (images, labels) for training and for testing."""
    return load_mnist(small_root, train=True), load_mnist(small_root, train=False)


@pytest.fixture(scope="session")
def mnist_root():
    root = os.environ.get("MNIST_ROOT")
    if not root:
        pytest.skip("needs MNIST: set MNIST_ROOT to the folder that holds MNIST/raw")
    return Path(root)


@pytest.fixture(scope="session")
def mnist_test(mnist_root) -> tuple[torch.Tensor, torch.Tensor]:
    return load_mnist(mnist_root, train=False)


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


@pytest.fixture(scope="module")
def url():
    """Where `python app.py` serves the app."""
    with serve() as url:
        yield url


@pytest.fixture
def open_page(browser, url):
    """Opens the app at a test file's own `url` as a visitor of one's own; any error in the page fails the test."""
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
