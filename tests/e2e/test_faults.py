"""What the page does when the server, the connection or the data fails."""

import contextlib

import pytest

from tests.support.browser import draw, expect, load, open_page, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.page import DESKTOP, NO_NETWORK, digit, enter, open_tab
from tests.support.server import free_port, serving

LOST = "text=Connection to the server was lost"


class Server:
    """The app without data and without an internet connection to download them; it can be killed and started again."""

    def __init__(self, folder):
        self._environment = {"MNIST_ROOT": str(folder)} | NO_NETWORK
        self._port = free_port()
        self._running = contextlib.ExitStack()
        self.start()

    def start(self):
        self.url, self._process = self._running.enter_context(serving(self._port, **self._environment))

    def kill(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        self._running.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("empty"))
    yield server
    server.close()


@pytest.fixture
def page(browser, server):
    """A page in a context of its own; unlike those of `open_page`, it may log errors."""
    context = browser.new_context(viewport=DESKTOP)
    yield open_page(context, server.url)
    context.close()


def expect_digit(page, text):
    expect(page.locator("#reading .digit")).to_have_text(text)


@pytest.mark.slow
def test_restarted_server_gets_the_drawing_again(page, server):
    draw(page, DIGITS[4][:1])
    wait_until_idle(page)
    server.kill()
    draw(page, DIGITS[4][1:])
    page.wait_for_selector(LOST)
    server.start()
    page.wait_for_selector(LOST, state="detached")
    expect_digit(page, "4")
    # Every stroke can still be undone, those before the crash and those after it.
    for _ in DIGITS[4]:
        page.get_by_role("button", name="Undo").click()
    assert digit(page) == ""
    draw(page, DIGITS[7])
    assert digit(page) == "7"


def test_lost_connection_is_reported_and_the_drawing_kept(page):
    draw(page, DIGITS[4][:1])
    wait_until_idle(page)
    page.context.set_offline(True)
    draw(page, DIGITS[4][1:])
    page.wait_for_selector(LOST)
    page.context.set_offline(False)
    expect_digit(page, "4")


def test_last_prediction_on_a_slow_connection_is_that_of_the_last_drawing(page):
    holding, held = True, []
    page.route("**/gradio_api/run/*", lambda route: held.append(route) if holding else route.continue_())

    def expect_one_request_then(expected):
        nonlocal holding
        while not held:
            page.wait_for_timeout(10)
        assert len(held) == 1  # what was drawn since then waits in the page
        holding = False
        held.pop().continue_()
        assert digit(page) == expected
        holding = True

    for number in (2, 7, 3):
        draw(page, DIGITS[number])
        expect_one_request_then(str(number))
        page.keyboard.press("c")
        expect_one_request_then("")


def test_reloaded_page_shows_the_drawing_and_another_tab_does_not(page, server):
    draw(page, DIGITS[5])
    assert digit(page) == "5"
    page.reload()
    expect_digit(page, "5")
    other = page.context.new_page()
    load(other, server.url)
    expect_digit(other, "")


def test_canvas_works_without_session_storage(page, server):
    page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked'); } })")
    load(page, server.url)
    draw(page, DIGITS[5])
    assert digit(page) == "5"


def test_canvas_works_with_anything_in_session_storage(page, server):
    for content in ("[null]", '[{"points": [["a", {}]]}]'):
        page.evaluate(
            "(content) => addEventListener('pagehide', () => sessionStorage.setItem('sketchpad', content))", content
        )
        load(page, server.url)
        draw(page, DIGITS[5])
        assert digit(page) == "5"


def test_rejected_requests_are_explained(page):
    messages = page.get_by_test_id("toast-text")  # each disappears after ten seconds
    open_tab(page, "Train")
    page.click("#settings button")
    enter(page.get_by_label("Seed"), "1.5")
    page.click("#link")
    expect(messages.filter(has_text="seed must be a whole number from 0 to 2147483647.")).to_be_visible()


@pytest.mark.slow
def test_without_data_training_says_so_and_drawing_works(page):
    open_tab(page, "Train")
    page.click("#train")
    headline = page.locator("#monitor .status")
    expect(headline).to_contain_text("MNIST_ROOT")
    expect(headline).to_contain_text("train-images-idx3-ubyte")
    expect(page.locator("#train")).to_be_enabled()
    open_tab(page, "Draw")
    draw(page, DIGITS[6])
    assert digit(page) == "6"
