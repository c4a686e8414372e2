"""The page's styles, as a browser understands them: it would leave out what it does not know, without a word."""

import re

import pytest

from tests.support import PROJECT

STYLES = sorted((PROJECT / "mnist_cnn" / "ui").rglob("*.css"))
DECLARATION = re.compile(r"^\s*([\w-]+):\s*([^;{}]+?)(?: !important)?;", re.MULTILINE)

# Of a style sheet: what the browser makes of it, nested rules and all.
READ = """(css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return [...sheet.cssRules].map((rule) => rule.cssText).join("\\n");
}"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def unknown(page, css):
    """Declarations that the browser does not know, and how many blocks it left out."""
    declarations = [list(found) for found in DECLARATION.findall(css)]
    assert declarations
    refused = page.evaluate("(pairs) => pairs.filter(([name, value]) => !CSS.supports(name, value))", declarations)
    understood = page.evaluate(READ, f".component {{ {css} }}")
    selectors = [
        line.rstrip(" {,").strip() for line in css.splitlines() if re.search(r"[{,]$", line) and ":" not in line
    ]
    return refused + [selector for selector in selectors if selector not in understood]


@pytest.mark.parametrize("file", STYLES, ids=lambda file: file.name)
def test_browser_understands_every_style(page, file):
    assert unknown(page, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "mistake", ["colour: red;", "margin: 3 em;", ".a { } } .lost {\n  margin: 0;\n}", ".a..b {\n}"]
)
def test_mistakes_are_found(page, mistake):
    assert unknown(page, f"padding: 0;\n{mistake}\n")
