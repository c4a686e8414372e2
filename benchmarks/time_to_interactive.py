"""Time from the first byte of the page until its canvas takes a stroke, and until the first prediction.

    python -m benchmarks.time_to_interactive [--loads 10]

Each load opens the page in headless Chromium with an empty cache, and draws a 7 by mouse as soon as the canvas is
ready. Times are the browser's and start with the page's first byte, so the request's way to the server is not included.
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

RESULTS = Path(__file__).parent / "results" / "time_to_interactive.json"
TARGET = 1500  # milliseconds until the canvas takes a stroke

_SINCE_FIRST_BYTE = "performance.now() - performance.getEntriesByType('navigation')[0].responseStart"


def load_and_draw(browser: Browser, url: str) -> dict[str, float]:
    """Open the page in a new browser context and draw: milliseconds from the first byte to canvas and prediction."""
    example = json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"][7]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#pad .examples button")  # which the sketchpad's script adds last
    canvas_ms = page.evaluate(_SINCE_FIRST_BYTE)
    draw(page, example["strokes"])
    page.wait_for_function("document.querySelector('#reading .digit').innerText === '7'", polling=10)
    prediction_ms = page.evaluate(_SINCE_FIRST_BYTE)
    context.close()
    return {"canvas_ms": canvas_ms, "prediction_ms": prediction_ms}


def main() -> None:
    """Measure, print the medians and write all times as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loads", type=int, default=10, help="how often the page is opened (default: %(default)s)")
    options = parser.parse_args()
    with serve() as url, chromium() as browser:
        load_and_draw(browser, url)  # warm up browser and server
        loads = [load_and_draw(browser, url) for _ in range(options.loads)]
    results = {"loads": loads, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}
    for key in ("canvas_ms", "prediction_ms"):
        print(f"{key:>13}: {statistics.median(load[key] for load in loads):.0f} (median of {len(loads)} loads)")
    print(f"target: canvas ready within {TARGET} ms; load average {results['load_average']:.1f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
