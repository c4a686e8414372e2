"""The benchmarks' own arithmetic, and their tables."""

import gzip
import io
import json
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from PIL import Image

from benchmarks import confidence, drawings, files, numbers, tables
from mnist_cnn.checkpoint import load_pretrained
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.components import label_components
from tests.support.digits import DIGITS
from tests.support.strokes import load_strokes, place, render

SAMPLES = [{"label": str(digit), "donor": "us", "strokes": strokes} for digit, strokes in DIGITS.items()]


@pytest.fixture(scope="module")
def pool():
    with ThreadPool(1) as pool:  # starts at once, as the benchmarks' processes do not
        yield pool


def test_flagged_samples_are_not_loaded(tmp_path):
    file = tmp_path / "some.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        for sample in [*SAMPLES, SAMPLES[0] | {"flag": "two digits"}]:
            lines.write(json.dumps(sample) + "\n")
    assert [sample["label"] for sample in load_strokes(file)] == [str(digit) for digit in DIGITS]


@pytest.mark.parametrize("name", drawings.CONDITIONS)
def test_drawing_stays_inside_the_canvas_under_every_condition(name):
    image = np.asarray(drawings.draw(DIGITS[4], drawings.CONDITIONS[name])).astype(int)
    background = image[0, 0]
    ink = np.abs(image - background).max(axis=2) > 60
    assert ink.any() and not (ink[0].any() or ink[-1].any() or ink[:, 0].any() or ink[:, -1].any())


def test_size_is_that_of_the_longer_side():
    points = np.concatenate(place(DIGITS[1], 0.3, (0.7, 0.4)))
    low, high = points.min(axis=0), points.max(axis=0)
    assert (high - low).max() == pytest.approx(0.3)
    assert (low + high) / 2 == pytest.approx((0.7, 0.4))


def test_last_stage_is_the_preprocessing_of_the_page():
    drawing = render(place(DIGITS[2]))
    images = [preprocess(drawing) for preprocess in drawings.STAGES.values()]
    assert all(image.shape == (28, 28) and image.dtype == np.uint8 for image in images)
    assert (images[-1] == sketch_to_mnist(drawing)).all()
    assert len({image.tobytes() for image in images}) == len(images)


def test_evaluation_counts_every_drawing(tmp_path, pool):
    images = drawings.images_of(SAMPLES * 2, {}, sketch_to_mnist, pool)
    data = drawings.LabelledImages(images, drawings.labels_of(SAMPLES * 2), np.array(["us"] * 20))
    row = drawings.evaluate("some.jsonl.gz", data, sheets=tmp_path / "sheets")
    assert list(row["models"]) == list(MODELS)
    assert (
        row["samples"] == 20
        and row["rejected"] * 20 == (drawings.rejection_scores(images) < drawings.rejection_threshold()).sum()
    )
    for model, metrics in row["models"].items():
        assert np.sum(metrics["confusion"], axis=1).tolist() == [2] * 10
        assert metrics["accuracy"] == np.trace(metrics["confusion"]) / 20
        assert metrics["by_donor"] == {"us": metrics["accuracy"]}
        assert (tmp_path / "sheets" / f"some-{model}.png").exists()


def test_files_of_images_are_enlarged_and_preprocessed(tmp_path, pool):
    images = np.stack([sketch_to_mnist(render(place(DIGITS[digit]))) for digit in (3, 8)])
    np.savez(tmp_path / "some.npz", images=images, labels=np.array([3, 8]))
    data = drawings.load_images(tmp_path / "some.npz", pool)
    assert (data.images == images).all()  # an enlarged MNIST image is reproduced
    assert data.labels.tolist() == [3, 8] and data.donors.tolist() == ["", ""]
    assert drawings.evaluate("some.npz", data, sheets=None)["models"]["net-25k"]["donor_mean"] is None


@pytest.mark.parametrize("name", files.KINDS)
def test_files_of_every_kind_have_their_side_and_differ_by_seed(name):
    kind = files.KINDS[name] | {"side": min(100, (files.NOMINAL | files.KINDS[name])["side"])}
    made = [files.make_file(DIGITS[3], kind, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert made[0] == made[1] != made[2]
    assert Image.open(io.BytesIO(made[0])).size == (kind["side"], kind["side"])


def test_outcomes_of_files_are_counted(tmp_path, pool, capsys):
    for name, image in {
        "3_paint1.png": render(place(DIGITS[3])),
        "4_paint2.png": render(place(DIGITS[3])),
        "5_scan1.png": Image.new("L", (40, 40)),
        "6_scan2.png": render([[(0.1, 0.1), (0.9, 0.9)], [(0.9, 0.1), (0.1, 0.9)]]),
    }.items():
        image.save(tmp_path / name)
    (tmp_path / "README.md").touch()
    rows = {row["name"]: row for row in files.evaluate_folder(tmp_path, pool, tmp_path / "sheets")}
    assert rows["paint"]["outcomes"]["net-25k"] == {"correct": 1, "rejected": 0, "blank": 0, "misclassified": 1}
    assert rows["scan"]["outcomes"]["net-25k"] == {"correct": 0, "rejected": 1, "blank": 1, "misclassified": 0}
    assert {path.name for path in (tmp_path / "sheets").iterdir()} == {"paint.png", "scan.png"}
    row = files.evaluate_kind("nominal", SAMPLES, pool, None)
    assert row["files"] == sum(row["outcomes"]["net-8k"].values()) == 10


@pytest.mark.parametrize("as_drawn", [False, True])
@pytest.mark.parametrize("length", [2, 6])
def test_digits_of_a_drawn_number_do_not_touch(length, as_drawn):
    samples = [sample for sample in SAMPLES if len(sample["strokes"]) == 1] * 3
    for (strokes, text, _), pen, random in numbers.write_numbers(samples, length, 3, min_pen=8):
        assert len(text) == len(strokes) == length
        image = np.asarray(numbers.draw_number(strokes, pen, random, as_drawn).getchannel("A"))
        assert not (image[0].any() or image[-1].any() or image[:, 0].any() or image[:, -1].any())
        assert label_components(image > 0).max() == length


def test_outcomes_of_numbers_are_counted():
    written = list(numbers.write_numbers(SAMPLES * 2, 3, 3))
    texts = iter([written[0][0].text, "", "7"])
    row = numbers.evaluate("some", 3, written, lambda *_: next(texts))
    assert row["outcomes"] == {"correct": 1, "rejected": 1, "misclassified": 1}
    assert [numbers.read_alone(*each) for each in written] == [number.text for number, _, _ in written]
    drawings = [render(DIGITS[3]), numbers.draw_number(written[0][0].strokes, *written[0][1:])]
    row = numbers.evaluate_others("some.jsonl.gz", drawings)
    assert (row["drawings"], row["several"]) == (2, 1)


def test_reliability_of_known_probabilities():
    # Eight predictions at 90 %, of which four are correct; two at 40 %, both correct.
    probabilities = np.full((10, 10), 0.1 / 9)
    probabilities[:, 0] = 0.9
    probabilities[8:] = 0.6 / 9
    probabilities[8:, 0] = 0.4
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    error, rows = confidence.reliability(probabilities, labels)
    assert error == pytest.approx(0.8 * 0.4 + 0.2 * 0.6)
    assert [(row["fraction"], row["accuracy"]) for row in rows] == [(0.2, 1.0), (0.8, 0.5)]


def test_roc_auc_counts_pairs():
    random = np.random.default_rng(0)
    positive, negative = random.integers(0, 10, 40) + 2.0, random.integers(0, 10, 30) + 0.0
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert confidence.roc_auc(positive, negative) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("generate", [confidence.scribble, confidence.blot, confidence.dash])
def test_generated_drawings_stay_inside_the_canvas_and_differ(generate):
    random = np.random.default_rng(0)
    generated = [np.concatenate(generate(random)) for _ in range(20)]
    assert all(points.min() >= 0 and points.max() <= 1 for points in generated)
    assert len({points.tobytes() for points in generated}) == 20


def test_figure_shows_every_model(tmp_path):
    sources = {"ipad_dev.jsonl.gz": {"ece": 0.01, "bins": [{"fraction": 1.0, "confidence": 0.9, "accuracy": 0.8}]}}
    roc = {"roc_auc": 0.987, "digits_rejected": [0.0, 0.1, 1.0], "letters_rejected": [0.2, 0.9, 1.0]}
    results = {"calibration": {"one": sources, "two": sources}, "roc": roc}
    results["rejected"] = {"ipad_dev.jsonl.gz": {"samples": 20}}
    confidence.plot(results, tmp_path / "figure.svg")
    svg = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for text in ("AUC 0.987", "iPad: ECE 1.0%", "Reliability, one", "Reliability, two"):
        assert text in svg


@pytest.mark.parametrize("name", tables.SECTIONS)
def test_sections_are_filled_between_their_markers(name):
    text = f"before\n<!-- {name} -->\nold\n<!-- /{name} -->\nafter\n"
    filled = tables.filled(text)
    assert filled == f"before\n<!-- {name} -->\n{tables.SECTIONS[name]()}\n<!-- /{name} -->\nafter\n"
    assert tables.filled(filled) == filled


@pytest.mark.parametrize("name", MODELS)
def test_results_are_those_of_the_pretrained_models(name):
    results = json.loads((tables.RESULTS / "preprocessing.json").read_text(encoding="utf-8"))
    assert results["accuracy"][name]["before"] == pytest.approx(load_pretrained(name).test_accuracy, abs=2e-4)
