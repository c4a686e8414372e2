"""Duration of an epoch on the Train tab relative to the same epoch by train.py.

    python -m benchmarks.ui_overhead

Both are measured in turn, from the first progress to the accuracy on the whole test set, the page in headless Chromium
on the same machine. Both end at the same accuracy, since they have the same settings and seed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from tests.support import PROJECT
from tests.support.browser import chromium
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "ui_overhead.json"
TIMEOUT = 600_000  # milliseconds for a run

# Records when the progress bar first moves and when it is full, and how often it moves.
_RECORD = """() => {
    const times = (window.times = { first: 0, last: 0, updates: 0 });
    new MutationObserver(() => {
        const percent = Number(document.querySelector("#monitor .bar").ariaValueNow);
        if (percent > 0) times.first ||= performance.now();
        times.updates += 1;
        if (percent === 100) times.last ||= performance.now();
    }).observe(document.body, { subtree: true, attributeFilter: ["aria-valuenow"] });
}"""


def train_by_command() -> tuple[float, str]:
    """Seconds of an epoch by train.py, and its test accuracy in per cent as printed."""
    with subprocess.Popen([sys.executable, "train.py"], cwd=PROJECT, stdout=subprocess.PIPE) as process:
        output, started, ended = "", 0.0, 0.0
        while chunk := os.read(process.stdout.fileno(), 4096):
            output += chunk.decode()
            if "] " in output:
                started = started or time.perf_counter()
            if "test accuracy" in output:
                ended = ended or time.perf_counter()
    return ended - started, re.search(r"test accuracy ([\d.]+)", output)[1]


def train_on_page(browser: Browser, url: str) -> tuple[float, str, float]:
    """Seconds of an epoch on the page, its test accuracy in per cent as shown, and updates a second."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.get_by_role("tab", name="Train").click()
    page.wait_for_selector("#monitor .metrics dd")
    page.evaluate(_RECORD)
    page.click("#train")
    # Only the status of a run that has been evaluated gives a percentage, and first the test accuracy.
    page.wait_for_function("document.querySelector('#monitor .status').innerText.includes('%')", timeout=TIMEOUT)
    times = page.evaluate("window.times")
    accuracy = re.search(r"([\d.]+)\s?%", page.inner_text("#monitor .status"))[1]
    page.close()
    seconds = (times["last"] - times["first"]) / 1000
    return seconds, accuracy, times["updates"] / seconds


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each (default: %(default)s)")
    options = parser.parse_args()
    rows = []
    print(f"{'train.py':>9}{'page':>8}{'ratio':>7}{'updates/s':>11}   test accuracy")
    with serve() as url, chromium() as browser:
        for _ in range(options.rounds):
            command_s, command_accuracy = train_by_command()
            page_s, page_accuracy, updates = train_on_page(browser, url)
            if page_accuracy != command_accuracy:
                raise RuntimeError(f"Test accuracy is {page_accuracy} % on the page, {command_accuracy} % by train.py.")
            rows.append(
                {
                    "command_s": command_s,
                    "page_s": page_s,
                    "updates_per_second": updates,
                    "test_accuracy": float(page_accuracy),
                }
            )
            print(f"{command_s:7.1f} s{page_s:6.1f} s{page_s / command_s:7.2f}{updates:11.1f}   {page_accuracy} %")
    ratio = median(row["page_s"] for row in rows) / median(row["command_s"] for row in rows)
    print(f"ratio of the medians: {ratio:.2f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"ratio": ratio, "rounds": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
