"""What the page does when the server or the line to it fails."""

import pytest

from tests.support.browser import draw, settled
from tests.support.digits import DIGITS
from tests.support.server import free_port, serve, serving

LOST = "text=Connection to the server was lost"


def digit(page):
    return settled(page, "#reading .digit")


def open_page(browser, url):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.wait_for_selector("#pad canvas")
    return page


@pytest.fixture(scope="module")
def url(small_root):
    with serve(MNIST_ROOT=str(small_root)) as url:
        yield url


def test_a_server_started_anew_finds_the_drawing_on_the_pad(browser, small_root):
    port = free_port()
    with serving(port, MNIST_ROOT=str(small_root)) as (url, process):
        page = open_page(browser, url)
        draw(page, DIGITS[4][:1])
        digit(page)
        process.kill()
        process.wait()
    draw(page, DIGITS[4][1:])
    page.wait_for_selector(LOST)
    with serving(port, MNIST_ROOT=str(small_root)):
        page.wait_for_selector(LOST, state="detached")
        page.wait_for_function("document.querySelector('#reading .digit')?.innerText === '4'")
        # What was drawn before and after the server went away can still be taken back, stroke by stroke.
        for _ in DIGITS[4]:
            page.get_by_role("button", name="Undo").click()
        assert digit(page) == ""
        draw(page, DIGITS[7])
        assert digit(page) == "7"
    page.close()


def test_a_line_that_drops_is_said_and_nothing_drawn_is_lost(browser, url):
    page = open_page(browser, url)
    draw(page, DIGITS[4][:1])
    digit(page)
    page.context.set_offline(True)
    draw(page, DIGITS[4][1:])
    page.wait_for_selector(LOST)
    page.context.set_offline(False)
    page.wait_for_function("document.querySelector('#reading .digit')?.innerText === '4'")
    page.close()


def test_over_a_slow_line_the_last_reading_is_that_of_the_last_drawing(browser, url):
    page = open_page(browser, url)
    asked = []

    def delay(route):
        asked.append(route.request.url)
        page.wait_for_timeout(500)
        route.continue_()

    page.route("**/gradio_api/run/*", delay)
    page.evaluate("""() => {
        const ask = window.fetch;
        let underWay = 0;
        window.mostUnderWay = 0;
        window.fetch = async (address, ...rest) => {
            if (!String(address).includes("/run/")) return ask(address, ...rest);
            window.mostUnderWay = Math.max(window.mostUnderWay, ++underWay);
            try { return await ask(address, ...rest); } finally { underWay--; }
        };
    }""")
    for expected in (2, 7, 3):
        draw(page, DIGITS[expected], pause=20)
        page.wait_for_function(
            "(digit) => document.querySelector('#reading .digit').innerText === digit", arg=str(expected)
        )
        page.keyboard.press("c")
    page.wait_for_function("document.querySelector('#reading .digit').innerText === ''")
    assert len(asked) >= 4
    assert page.evaluate("window.mostUnderWay") == 1  # one more waits in the page, with the latest drawing
    page.close()


def test_a_page_loaded_again_shows_the_drawing_and_another_tab_does_not(browser, url):
    context = browser.new_context()
    page, other = context.new_page(), context.new_page()
    page.goto(url)
    page.wait_for_selector("#pad canvas")
    draw(page, DIGITS[5])
    assert digit(page) == "5"
    page.reload()
    page.wait_for_selector("#pad canvas")
    page.wait_for_function("document.querySelector('#reading .digit').innerText === '5'")
    other.goto(url)
    other.wait_for_selector("#pad canvas")
    assert digit(other) == ""
    context.close()


def test_without_the_tabs_storage_the_pad_works(browser, url):
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked'); } })")
    page.goto(url)
    page.wait_for_selector("#pad canvas")
    draw(page, DIGITS[5])
    assert digit(page) == "5"
    page.close()
