"""How soon the page can be drawn on: from its first byte to the pad that takes a stroke, and to the first reading.

    python -m benchmarks.ready [--visits 10]

Each visit opens the page in headless Chromium with nothing in its cache, and draws a 7 with the mouse as soon as the
pad stands there. The clock is the browser's and starts with the first byte of the page, so it leaves out what a line
takes to carry the request.
"""

import argparse
import json
import os
import statistics
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.latency import EXAMPLES
from tests.support.browser import chromium, draw
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "ready.json"
TARGET = 1500  # milliseconds until the pad takes a stroke

_SINCE_FIRST_BYTE = "performance.now() - performance.getEntriesByType('navigation')[0].responseStart"


def visit(browser: Browser, url: str) -> dict[str, float]:
    """Open the page as somebody new and draw; gives milliseconds from the first byte to the pad and to the reading."""
    example = json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"][7]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#pad .examples button")  # which the pad's script makes after all else
    pad = page.evaluate(_SINCE_FIRST_BYTE)
    draw(page, example["strokes"])
    page.wait_for_function("document.querySelector('#reading .digit').innerText === '7'", polling=10)
    reading = page.evaluate(_SINCE_FIRST_BYTE)
    context.close()
    return {"pad_ms": pad, "reading_ms": reading}


def main() -> None:
    """Measure, print a line and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=10, help="how often the page is opened (default: %(default)s)")
    options = parser.parse_args()
    with serve() as url, chromium() as browser:
        visit(browser, url)  # the browser's and the server's own start is not the page's
        visits = [visit(browser, url) for _ in range(options.visits)]
    figures = {"visits": visits, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}
    for key in ("pad_ms", "reading_ms"):
        print(f"{key:>12}: {statistics.median(visit[key] for visit in visits):.0f} (median of {len(visits)} visits)")
    print(f"aimed at: the pad within {TARGET} ms; load average {figures['load_average']:.1f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
