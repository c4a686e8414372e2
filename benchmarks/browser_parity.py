"""Whether the page reads real handwriting as Python does: pen trajectories drawn by mouse in a browser.

    python -m benchmarks.replay FILE.jsonl.gz [--drawings 100]

Each is drawn in headless Chromium as `benchmarks.drawings` draws it: in the middle of the pad, its longer side 60 % of
the pad's, with the pen as it is at first. The digit that the page shows is compared with the one that the same network
reads in `render` of the same strokes. Right or wrong does not matter here.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from mnist_cnn.classifier import load_classifier
from tests.support.browser import chromium, draw, settled
from tests.support.server import serve
from tests.support.strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "replay.json"


def main() -> None:
    """Measure, print what differs and how many agree, and write that as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a stroke file of digits")
    parser.add_argument("--drawings", type=int, default=100, help="how many are drawn at random from the file")
    arguments = parser.parse_args()
    samples = load_strokes(arguments.file)
    classifier = load_classifier()
    agreed = 0
    with serve() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.wait_for_selector("#pad canvas")
        for index in np.random.default_rng(0).choice(len(samples), arguments.drawings, replace=False):
            strokes = place(samples[index]["strokes"])
            draw(page, strokes)
            read = settled(page, "#reading .digit")
            expected = classifier.predict(render(strokes))
            shown = str(expected.digit) if expected.is_digit else "?"
            agreed += read == shown
            if read != shown:
                print(f"sample {index}: {read} on the page, {shown} at {expected.confidence:.0%} in Python")
            page.keyboard.press("c")
            settled(page, "#reading .digit")
    print(f"{agreed} of {arguments.drawings} drawings of {arguments.file.name} are read alike")
    figures = {"file": arguments.file.name, "drawings": arguments.drawings, "read_alike": agreed}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
