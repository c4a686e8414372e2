"""The benchmarks' own arithmetic; what they measure is measured by running them."""

import gzip
import json
import multiprocessing

import numpy as np
import pytest

from benchmarks import confidence, drawings
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.digits import DIGITS
from tests.support.strokes import load_strokes, place, render

SAMPLES = [{"label": str(digit), "donor": "us", "strokes": strokes} for digit, strokes in DIGITS.items()]


@pytest.fixture(scope="module")
def pool():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


def test_stroke_files_are_read_without_what_is_broken(tmp_path):
    file = tmp_path / "some.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        for sample in [*SAMPLES, SAMPLES[0] | {"flag": "two digits"}]:
            lines.write(json.dumps(sample) + "\n")
    assert [sample["label"] for sample in load_strokes(file)] == [str(digit) for digit in DIGITS]


@pytest.mark.parametrize("name", drawings.CONDITIONS)
def test_conditions_keep_the_drawing_on_the_pad(name):
    picture = np.asarray(drawings.draw(DIGITS[4], drawings.CONDITIONS[name])).astype(int)
    paper = picture[0, 0]
    ink = np.abs(picture - paper).max(axis=2) > 60
    assert ink.any() and not (ink[0].any() or ink[-1].any() or ink[:, 0].any() or ink[:, -1].any())


def test_a_size_is_that_of_the_longer_side():
    points = np.concatenate(place(DIGITS[1], 0.3, (0.7, 0.4)))
    low, high = points.min(axis=0), points.max(axis=0)
    assert (high - low).max() == pytest.approx(0.3)
    assert (low + high) / 2 == pytest.approx((0.7, 0.4))


def test_the_steps_end_with_what_the_page_does():
    picture = render(place(DIGITS[2]))
    images = [prepare(picture) for prepare in drawings.STEPS.values()]
    assert all(image.shape == (28, 28) and image.dtype == np.uint8 for image in images)
    assert (images[-1] == sketch_to_mnist(picture)).all()
    assert len({image.tobytes() for image in images}) == len(images)


def test_nominal_counts_every_drawing(tmp_path, pool):
    rows = drawings.nominal(tmp_path / "some.jsonl.gz", SAMPLES * 2, pool, sheets=tmp_path / "sheets")
    assert [row["model"] for row in rows] == list(MODELS)
    for row in rows:
        assert np.sum(row["confusion"], axis=1).tolist() == [2] * 10
        assert row["accuracy"] == np.trace(row["confusion"]) / 20
        assert row["by_donor"] == {"us": row["accuracy"]}
        assert (tmp_path / "sheets" / f"some-{row['model']}.png").exists()


def test_reliability_of_known_probabilities():
    # Eight claims of 90 %, of which four are right; two of 40 %, both right.
    probabilities = np.full((10, 10), 0.1 / 9)
    probabilities[:, 0] = 0.9
    probabilities[8:] = 0.6 / 9
    probabilities[8:, 0] = 0.4
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    error, rows = confidence.reliability(probabilities, labels)
    assert error == pytest.approx(0.8 * 0.4 + 0.2 * 0.6)
    assert [(row["share"], row["accuracy"]) for row in rows] == [(0.2, 1.0), (0.8, 0.5)]


def test_the_area_under_the_roc_counts_pairs():
    random = np.random.default_rng(0)
    accepted, refused = random.integers(0, 10, 40) + 2.0, random.integers(0, 10, 30) + 0.0
    pairs = [(a > r) + 0.5 * (a == r) for a in accepted for r in refused]
    assert confidence.area_under_roc(accepted, refused) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("make", [confidence.scribble, confidence.blot, confidence.dash])
def test_random_drawings_stay_on_the_pad_and_differ(make):
    random = np.random.default_rng(0)
    made = [np.concatenate(make(random)) for _ in range(20)]
    assert all(points.min() >= 0 and points.max() <= 1 for points in made)
    assert len({points.tobytes() for points in made}) == 20


def test_the_figure_shows_every_network():
    claimed = {"a.jsonl.gz": {"error": 0.01, "bins": [{"share": 1.0, "confidence": 0.9, "accuracy": 0.8}]}}
    roc = {"area": 0.987, "digits_refused": [0.0, 0.1, 1.0], "letters_refused": [0.2, 0.9, 1.0]}
    svg = confidence.plot({"calibration": {"one": claimed, "two": claimed}, "roc": roc})
    for text in ("area 0.987", "one, a: error 1.0%", "two, a: error 1.0%"):
        assert text in svg
