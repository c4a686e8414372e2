"""How soon the page reads: from pen-up to the settled reading, and predictions a second during a stroke.

    python -m benchmarks.latency [--while-training]

The page's own ten examples are drawn with the mouse in headless Chromium, with a hand's pace. The clock is the
browser's: it starts with the last `pointerup` and stops with the last change of what the reading shows, which is 0
where nothing changed any more. With `--while-training`, other visitors train all the time, one after the other.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from tests.support import PROJECT
from tests.support.browser import chromium, draw
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results"
EXAMPLES = PROJECT / "mnist_cnn" / "ui" / "components" / "sketchpad" / "sketchpad.json"
PACE = 12  # milliseconds between two points of a stroke
REST = 600  # milliseconds after which a reading has settled on any machine
TRAININGS = 4  # one after the other
TARGETS = {"p50": 60, "p95": 100}  # milliseconds

# Notes when the pen goes down and up, when the reading changes, and how often the picture that was read does.
_WATCH = """() => {
    const notes = (window.notes = { down: 0, up: 0, settled: 0, pictures: [] });
    const canvas = document.querySelector("#pad canvas");
    canvas.addEventListener("pointerdown", () => { notes.down = performance.now(); notes.pictures = []; }, true);
    canvas.addEventListener("pointerup", () => { notes.up = notes.settled = performance.now(); }, true);
    const reading = new MutationObserver(() => { notes.settled = performance.now(); });
    for (const part of document.querySelectorAll("#reading .verdict, #reading .why, #reading .networks")) {
        reading.observe(part, { subtree: true, childList: true, attributes: true, characterData: true });
    }
    new MutationObserver(() => notes.pictures.push(performance.now()))
        .observe(document.querySelector("#reading .seen img"), { attributeFilter: ["src"] });
}"""


def measure(page: Page, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from pen-up to the settled reading, and predictions a second, of every drawing."""
    examples = [example["strokes"] for example in json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"]]
    latencies, rates = [], []
    page.evaluate(_WATCH)
    for _ in range(rounds):
        for strokes in examples:
            draw(page, strokes, pause=PACE)
            page.wait_for_timeout(REST)
            notes = page.evaluate("window.notes")
            latencies.append(notes["settled"] - notes["up"])
            during = sum(at < notes["up"] for at in notes["pictures"])
            rates.append(1000 * during / (notes["up"] - notes["down"]))
            page.keyboard.press("c")
            page.wait_for_timeout(REST / 3)
    return latencies, rates


def train(browser: Browser, url: str) -> Page:
    """Another visitor's page, in a window of its own, that trains or waits for its turn to."""
    page = browser.new_context().new_page()
    page.goto(f"{url}?tab=train&network=net-8k&batch_size=8")
    page.get_by_role("tab", name="Train").click()
    page.click("#train")
    return page


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each of the ten digits is drawn")
    parser.add_argument("--while-training", action="store_true", help="while other visitors train")
    options = parser.parse_args()
    with serve() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.wait_for_selector("#pad canvas")
        measure(page, 1)  # what is done once, at the first drawings, is not what a visitor feels
        others = [train(browser, url) for _ in range(TRAININGS)] if options.while_training else []
        if others:
            page.wait_for_timeout(3000)  # until the first has begun
        latencies, rates = measure(page, options.rounds)
        if others and others[-1].inner_text("#monitor .headline").startswith("Done"):
            raise RuntimeError("All trainings ended before the drawings did: draw fewer rounds.")
    figures = {
        "drawings": len(latencies),
        "pen_up_to_settled_ms": {
            "p50": float(np.percentile(latencies, 50)),
            "p95": float(np.percentile(latencies, 95)),
            "max": max(latencies),
        },
        "predictions_per_second": {"p5": float(np.percentile(rates, 5)), "p50": float(np.percentile(rates, 50))},
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }
    print(f"{'drawings':>8}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}{'per s p5':>10}{'per s p50':>11}{'load':>7}")
    latency, rate = figures["pen_up_to_settled_ms"], figures["predictions_per_second"]
    print(
        f"{len(latencies):>8}{latency['p50']:>9.0f}{latency['p95']:>9.0f}{latency['max']:>9.0f}"
        f"{rate['p5']:>10.1f}{rate['p50']:>11.1f}{figures['load_average']:>7.2f}"
    )
    print(f"aimed at: p50 ≤ {TARGETS['p50']} ms, p95 ≤ {TARGETS['p95']} ms, 8 predictions a second")
    RESULTS.mkdir(exist_ok=True)
    name = "latency_while_training.json" if options.while_training else "latency.json"
    (RESULTS / name).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
