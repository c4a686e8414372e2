"""Latency of the page's predictions, from pen-up to the final one, and predictions a second during a stroke.

    python -m benchmarks.latency [--while-training]

The page's ten examples are drawn by mouse in headless Chromium at the pace of a hand. Times are the browser's: from the
last `pointerup` to the last change of the displayed prediction, 0 where nothing changed after pen-up. With
`--while-training`, other users train all the time, one run after another.
"""

import argparse
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from mnist_cnn.ui.training_form import TrainingForm
from tests.support import PROJECT
from tests.support.browser import chromium, draw
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results"
EXAMPLES = PROJECT / "mnist_cnn" / "ui" / "components" / "sketchpad" / "sketchpad.json"
POINT_INTERVAL = 12  # milliseconds between two points of a stroke
SETTLING_TIME = 600  # milliseconds after which the prediction no longer changes, on any machine
NUM_TRAININGS = 8  # one after another
TARGETS = {"p50": 60, "p95": 100}  # milliseconds

# Records when the pen goes down and up, when the prediction changes, and how often the model input does.
_RECORD = """() => {
    const times = (window.times = { down: 0, up: 0, settled: 0, predictions: [] });
    const canvas = document.querySelector("#pad canvas");
    canvas.addEventListener("pointerdown", () => { times.down = performance.now(); times.predictions = []; }, true);
    canvas.addEventListener("pointerup", () => { times.up = times.settled = performance.now(); }, true);
    const panel = new MutationObserver(() => { times.settled = performance.now(); });
    for (const part of document.querySelectorAll("#reading .verdict, #reading .explanation, #reading .models")) {
        panel.observe(part, { subtree: true, childList: true, attributes: true, characterData: true });
    }
    new MutationObserver(() => times.predictions.push(performance.now()))
        .observe(document.querySelector("#reading .model-input img"), { attributeFilter: ["src"] });
}"""


def measure(page: Page, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from pen-up to the final prediction, and predictions a second, of every drawing."""
    examples = [example["strokes"] for example in json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"]]
    latencies, rates = [], []
    page.evaluate(_RECORD)
    for _ in range(rounds):
        for strokes in examples:
            draw(page, strokes, pause=POINT_INTERVAL)
            page.wait_for_timeout(SETTLING_TIME)
            times = page.evaluate("window.times")
            latencies.append(times["settled"] - times["up"])
            during_strokes = sum(time < times["up"] for time in times["predictions"])
            rates.append(1000 * during_strokes / (times["up"] - times["down"]))
            page.keyboard.press("c")
            page.wait_for_timeout(SETTLING_TIME / 3)
    return latencies, rates


def start_training(browser: Browser, url: str) -> Page:
    """Another user's page, in a browser context of its own, which trains or is queued."""
    page = browser.new_context().new_page()
    form = dataclasses.replace(TrainingForm.from_recipe("net-8k", "default"), batch_size=8)
    page.goto(f"{url}?tab=train&{form.query()}")
    page.get_by_role("tab", name="Train").click()
    page.click("#train")
    return page


def is_training_finished(page: Page) -> bool:
    """Whether a page's training run has been evaluated: only then does its status give an accuracy."""
    return "%" in page.inner_text("#monitor .status")


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each of the ten digits is drawn")
    parser.add_argument("--while-training", action="store_true", help="while other users train")
    options = parser.parse_args()
    with serve() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.wait_for_selector("#pad canvas")
        measure(page, 1)  # warm up
        others = [start_training(browser, url) for _ in range(NUM_TRAININGS)] if options.while_training else []
        if others:
            page.wait_for_timeout(3000)  # until the first run has begun
        latencies, rates = measure(page, options.rounds)
        if others and is_training_finished(others[-1]):
            raise RuntimeError("All training runs ended before the drawings did: draw fewer rounds.")
    results = {
        "drawings": len(latencies),
        "latency_ms": {
            "p50": float(np.percentile(latencies, 50)),
            "p95": float(np.percentile(latencies, 95)),
            "max": max(latencies),
        },
        "predictions_per_second": {"p5": float(np.percentile(rates, 5)), "p50": float(np.percentile(rates, 50))},
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }
    print(f"{'drawings':>8}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}{'p5 per s':>10}{'p50 per s':>11}{'load':>7}")
    latency, rate = results["latency_ms"], results["predictions_per_second"]
    print(
        f"{len(latencies):>8}{latency['p50']:>9.0f}{latency['p95']:>9.0f}{latency['max']:>9.0f}"
        f"{rate['p5']:>10.1f}{rate['p50']:>11.1f}{results['load_average']:>7.2f}"
    )
    print(f"target: p50 ≤ {TARGETS['p50']} ms, p95 ≤ {TARGETS['p95']} ms, 8 predictions a second")
    RESULTS.mkdir(exist_ok=True)
    name = "latency_while_training.json" if options.while_training else "latency.json"
    (RESULTS / name).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
