"""Whether the page predicts the same digits as Python: pen trajectories drawn by mouse in a browser.

    python -m benchmarks.browser_parity FILE.jsonl.gz [--drawings 100]

Each is drawn in headless Chromium under the nominal condition of `benchmarks.drawings`. The digit that the page shows
is compared with the prediction of the same model for the same strokes drawn by `tests.support.strokes.render`, whether
it is right or wrong.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from mnist_cnn.classifier import load_classifier
from tests.support.browser import chromium, draw, open_page, settled
from tests.support.server import serve
from tests.support.strokes import load_strokes, place, render

RESULTS = Path(__file__).parent / "results" / "browser_parity.json"


def main() -> None:
    """Measure, print what differs and how many agree, and write that as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a stroke file of digits")
    parser.add_argument("--drawings", type=int, default=100, help="size of the random sample (default: %(default)s)")
    options = parser.parse_args()
    samples = load_strokes(options.file)
    classifier = load_classifier()
    matches = 0
    with serve() as url, chromium() as browser:
        page = open_page(browser.new_context(viewport={"width": 1280, "height": 800}), url)
        for index in np.random.default_rng(0).choice(len(samples), options.drawings, replace=False):
            strokes = place(samples[index]["strokes"])
            draw(page, strokes)
            shown = settled(page, "#reading .digit")
            prediction = classifier.predict(render(strokes))
            expected = str(prediction.digit) if prediction.is_digit else "?"
            matches += shown == expected
            if shown != expected:
                print(f"sample {index}: {shown} on the page, {expected} at {prediction.confidence:.0%} in Python")
            page.keyboard.press("c")
            settled(page, "#reading .digit")
    print(f"{matches} of {options.drawings} drawings of {options.file.name} have the same prediction")
    results = {"file": options.file.name, "drawings": options.drawings, "exact_matches": matches}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
