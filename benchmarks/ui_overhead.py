"""What watching costs: an epoch on the Train tab beside the same epoch by train.py.

    python -m benchmarks.watched_epoch

The two take turns, from their first progress to the accuracy on all test digits, the page in headless Chromium on the
same machine. Both end at the same accuracy, since both have the same seed.
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

RESULTS = Path(__file__).parent / "results" / "watched_epoch.json"

# Notes when the progress first changes and when it is at its end, and how often it changes.
_WATCH = """() => {
    const notes = (window.notes = { first: 0, last: 0, updates: 0 });
    new MutationObserver(() => {
        const percent = Number(document.querySelector("#monitor .bar").ariaValueNow);
        if (percent > 0) notes.first ||= performance.now();
        notes.updates += 1;
        if (percent === 100) notes.last ||= performance.now();
    }).observe(document.body, { subtree: true, attributeFilter: ["aria-valuenow"] });
}"""


def by_command() -> tuple[float, str]:
    """Seconds of an epoch by train.py, and the accuracy it ends at, as it prints it."""
    with subprocess.Popen([sys.executable, "train.py"], cwd=PROJECT, stdout=subprocess.PIPE) as process:
        printed, started, ended = "", 0.0, 0.0
        while chunk := os.read(process.stdout.fileno(), 4096):
            printed += chunk.decode()
            if "] " in printed:
                started = started or time.perf_counter()
            if "test accuracy" in printed:
                ended = ended or time.perf_counter()
    return ended - started, re.search(r"test accuracy (\S+)", printed)[1]


def on_the_page(browser: Browser, url: str) -> tuple[float, str, float]:
    """Seconds of an epoch on the page, the accuracy it ends at, and updates a second."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.get_by_role("tab", name="Train").click()
    page.wait_for_selector("#monitor .figures dd")
    page.evaluate(_WATCH)
    page.click("#train")
    page.wait_for_function("document.querySelector('#monitor .headline').innerText.startsWith('Done')", timeout=600_000)
    notes = page.evaluate("window.notes")
    accuracy = re.search(r"reads (\S+) of", page.inner_text("#monitor .headline"))[1]
    page.close()
    seconds = (notes["last"] - notes["first"]) / 1000
    return seconds, accuracy, notes["updates"] / seconds


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each (default: %(default)s)")
    rounds = parser.parse_args().rounds
    rows = []
    print(f"{'train.py':>9}{'page':>8}{'times':>7}{'updates/s':>11}   test accuracy")
    with serve() as url, chromium() as browser:
        for _ in range(rounds):
            command, accuracy = by_command()
            page, seen, updates = on_the_page(browser, url)
            if seen != accuracy:
                raise RuntimeError(f"The page ended at {seen}, train.py at {accuracy}.")
            rows.append({"command_s": command, "page_s": page, "updates_per_second": updates, "accuracy": accuracy})
            print(f"{command:7.1f} s{page:6.1f} s{page / command:7.2f}{updates:11.1f}   {accuracy}", flush=True)
    times = median(row["page_s"] for row in rows) / median(row["command_s"] for row in rows)
    print(f"median of {rounds}: {times:.2f} times as long")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"times_as_long": times, "rounds": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
