"""The whole page by the rules of axe-core, and the focus, in headless Chromium."""

from importlib.resources import files

import pytest

from tests.support.browser import draw, expect
from tests.support.digits import DIGITS
from tests.support.image_files import encode
from tests.support.page import DESKTOP, PHONE, digit, open_tab, open_train, wait_for
from tests.support.strokes import render

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

# Violations as texts: the rule, what it says, and the elements.
RUN = """async () => {
    const { violations } = await axe.run();
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html)}`);
}"""

SCREENS = pytest.mark.parametrize(
    "options",
    [
        pytest.param({"viewport": DESKTOP}, id="light"),
        pytest.param({"viewport": DESKTOP, "color_scheme": "dark"}, id="dark", marks=pytest.mark.slow),
        pytest.param({"viewport": PHONE, "has_touch": True, "is_mobile": True}, id="phone"),
    ],
)


def violations(page):
    """What axe-core finds on the page once no colour changes any more."""
    page.wait_for_function("document.getAnimations().every((animation) => animation.playState !== 'running')")
    page.evaluate(AXE)
    return page.evaluate(RUN)


@SCREENS
def test_draw_tab_has_no_violations(open_page, options, tmp_path):
    page = open_page(**options)
    assert violations(page) == []
    draw(page, DIGITS[4])
    assert digit(page) == "4"
    page.get_by_role("checkbox", name="Feature maps").check()
    page.locator("#feature-maps .maps").first.wait_for()
    assert violations(page) == []
    page.keyboard.press("c")
    page.locator("#pad canvas").scroll_into_view_if_needed()
    draw(page, [[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]])  # an X
    assert digit(page) == "?"
    assert violations(page) == []
    for content, message in ((encode(render(DIGITS[5])), "5."), (b"", "The file is empty.")):
        (tmp_path / "image").write_bytes(content)
        page.set_input_files("#pad input[type=file]", tmp_path / "image")
        expect(page.locator("#reading .verdict")).to_contain_text(message)
        assert violations(page) == []


@pytest.mark.slow
@SCREENS
def test_train_tab_has_no_violations(open_page, options):
    page = open_page(**options)
    open_train(page, "model=net-8k&batch_size=8")  # takes long enough to be paused
    page.click("#settings button")
    assert violations(page) == []
    page.click("#train")
    wait_for(page, "Training net-8k")
    page.click("#pause")
    wait_for(page, "Paused")
    assert violations(page) == []
    page.click("#pause")
    wait_for(page, "Done")
    assert violations(page) == []


@pytest.mark.slow
def test_focus_stays_on_the_buttons_of_a_run(open_page):
    page = open_page()
    open_train(page, "batch_size=16")
    page.locator("#train").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pause")).to_be_focused()
    page.keyboard.press("Enter")
    wait_for(page, "Paused")
    expect(page.locator("#pause")).to_be_focused()
    page.keyboard.press("Enter")
    wait_for(page, "Done")
    expect(page.locator("#train")).to_be_focused()


@pytest.mark.slow
def test_focus_elsewhere_is_not_moved_by_a_run(open_page):
    page = open_page()
    open_train(page, "batch_size=16")
    page.locator("#train").focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Draw").focus()
    wait_for(page, "Done")
    expect(page.get_by_role("tab", name="Draw")).to_be_focused()


def test_arrow_keys_stay_in_their_group_and_the_focus_is_visible(open_page):
    page = open_page()
    groups = 0
    for tab in ("Draw", "Train"):
        open_tab(page, tab)
        page.locator("input[type=radio]:visible").first.wait_for()
        for radio in page.locator("input[type=radio]:visible:checked").all():
            groups += 1
            name = radio.get_attribute("name")
            others = page.locator(f"input[name='{name}']")
            radio.focus()
            for _ in range(others.count() + 1):
                page.keyboard.press("ArrowRight")
                assert page.evaluate("document.activeElement.name") == name
                label = page.locator("label:has(input:focus-visible)")
                assert label.evaluate("(label) => getComputedStyle(label).outlineStyle") == "solid"
    assert groups == 3
