"""The Train tab as a user meets it, with a training set of the tests' own."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import load_mnist
from tests.support import PROJECT
from tests.support.browser import draw, load, settled, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.page import (
    CONTRASTS,
    DESKTOP,
    HEADLINE,
    PHONE,
    centred,
    digit,
    enter,
    figure,
    ink,
    open_tab,
    open_train,
    percent_done,
    train,
    wait_for,
)


@pytest.fixture
def train_page(open_page):
    """Opens the Train tab as a new session, with other settings than the recipe's where a link's query names them."""

    def train_page(query="", **options):
        page = open_page(**options)
        open_train(page, query)
        return page

    return train_page


def test_same_seed_gives_the_same_result_on_the_command_line(train_page, root, tmp_path):
    page = train_page("model=net-8k&batch_size=32&seed=5&train_fraction=0.5")
    train(page)
    metrics = tmp_path / "m.json"
    arguments = [
        "--model",
        "net-8k",
        "--batch-size",
        "32",
        "--seed",
        "5",
        "--train-fraction",
        "0.5",
        "--data-root",
        root,
    ]
    command = [sys.executable, "train.py", *map(str, arguments), "--metrics", str(metrics)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    assert f"Test accuracy {json.loads(metrics.read_text())['test_accuracy']:.2%} " in page.inner_text(HEADLINE)
    with page.expect_download() as download:
        page.click("#metrics")
    figures = json.loads(download.value.path().read_text())
    ours = json.loads(metrics.read_text())
    assert {**figures, **ours, "epoch_seconds": 0} == {**figures, "epoch_seconds": 0}


def test_trained_model_is_used_in_its_session_only_until_restored(train_page):
    page, other = train_page("batch_size=16"), train_page()
    train(page)
    page.click("#use")
    open_tab(page, "Draw")
    page.get_by_label("Your model").wait_for()
    for expected in (1, 8):
        draw(page, DIGITS[expected])
        assert digit(page) == str(expected)
        assert page.locator("#reading .models tr").count() == 3
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        page.keyboard.press("c")
    open_tab(other, "Draw")
    assert "Your model" not in settled(other, "#model")
    open_tab(page, "Train")
    page.click("#restore")
    open_tab(page, "Draw")
    page.get_by_label("Your model").wait_for(state="detached")
    draw(page, DIGITS[3])
    assert digit(page) == "3"
    assert page.locator("#reading .models tr").count() == 2


def test_weights_and_curves_can_be_downloaded(train_page, root):
    page = train_page("batch_size=16")
    train(page)
    with page.expect_download() as download:
        page.click("#weights")
    assert download.value.suggested_filename == "net-25k.pt"
    classifier = load_classifier(path=download.value.path())
    images, labels = load_mnist(root, train=False)
    accuracy = (classifier.probabilities(images).argmax(axis=1) == labels.numpy()).mean()
    assert f"Test accuracy {accuracy:.2%} " in page.inner_text(HEADLINE)
    with page.expect_download() as download:
        page.click("#curves")
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(rows) > 20
    assert float(rows[-1]["progress"]) == 1


def test_hard_example_can_be_loaded_onto_the_canvas(train_page, root):
    page = train_page("batch_size=16")
    train(page)
    hard = page.locator("#results .hard-examples button").first
    label = int(hard.inner_text()[0])
    hard.click()
    assert page.locator("#reading").is_visible()
    wait_until_idle(page)
    images, labels = load_mnist(root, train=False)
    differences = np.abs(images[labels == label].numpy().astype(int) - centred(page)).max(axis=(1, 2))
    assert differences.min() <= 1
    page.keyboard.press("c")
    assert digit(page) == ""
    page.keyboard.press("Control+z")
    assert digit(page) != ""
    assert ink(page).max() == 255
    page.reload()
    page.wait_for_function("document.querySelector('#reading .digit')?.innerText")
    wait_until_idle(page)
    assert np.abs(images[labels == label].numpy().astype(int) - centred(page)).max(axis=(1, 2)).min() <= 1


def test_drawing_is_probed_and_labelled_drawings_are_learnt(train_page):
    page = train_page("batch_size=16")
    assert page.locator("#use-drawings input").is_disabled()
    train(page)
    open_tab(page, "Draw")
    draw(page, [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]])  # a cross, which is no digit yet
    wait_until_idle(page)
    cross = centred(page)
    page.get_by_role("button", name="Correct label: 7").click()
    settled(page, "#label-feedback .score")
    open_tab(page, "Train")
    page.locator("#use-drawings input").check()
    page.click("#train")
    wait_for(page, "Training net-25k")
    wait_for(page, "Done")
    assert "Your drawings: 1 of 1 correct (0 before)." in page.inner_text(HEADLINE)
    assert re.search(
        r"Test accuracy without them, in run 1: \d+\.\d\d% \([+-]\d+\.\d\d points\)", page.inner_text(HEADLINE)
    )
    assert figure(page, "Samples seen") == "2,050"
    image = page.locator("#monitor .probe-image")
    watched = image.evaluate(
        """(image) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [28, 28];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, index) => index % 4 === 0);
        }"""
    )
    assert watched == cross.flatten().tolist()
    assert "7" in page.get_attribute("#monitor [data-chart=probe] svg", "aria-label")


def test_runs_are_kept_and_compared(train_page):
    page = train_page("model=net-8k&batch_size=64")
    train(page)
    page.click("#use")
    page.wait_for_function("document.querySelector('#use').disabled")
    page.get_by_label("net-25k").last.check()
    page.click("#settings button")
    page.wait_for_function("document.querySelector('#settings input[type=number]')?.value === '0.2'")
    page.click("#train")
    wait_for(page, "Training net-25k")
    wait_for(page, "Done")
    assert page.locator("#history .scroll tbody tr").count() == 2
    assert page.is_enabled("#use")  # the second network in place of the first
    assert not page.is_visible("#history .comparison")
    for box in page.locator("#history input").all():
        box.check()
    rows = page.locator("#history .comparison tr.differs th").all_inner_texts()
    assert "model" in rows
    assert "seed" not in rows
    assert page.locator("#history .comparison polyline").count() == 2


def test_link_restores_the_settings(train_page, open_page):
    page = train_page()
    page.get_by_label("reference").check()
    page.click("#settings button")
    assert page.get_by_role("spinbutton", name="Learning rate").input_value() == "0.1"
    enter(page.get_by_label("Seed"), "42")
    page.click("#link")
    page.wait_for_function("location.search.includes('seed=42')")

    other = open_page()
    load(other, page.url)
    other.click("#settings button")
    other.wait_for_function("document.querySelector('#settings input[type=number]')?.value === '0.1'")
    assert other.get_by_label("Seed").input_value() == "42"
    assert other.get_by_label("reference").is_checked()
    other.goto(page.url.replace("seed=42", "seed=-3"))
    wait_for(other, "This link cannot be used. Invalid training settings: seed must be from 0")


def test_invalid_combination_of_settings_is_rejected_before_training(train_page):
    page = train_page()
    page.click("#settings button")
    enter(page.get_by_role("spinbutton", name="Learning rate"), "1.9")
    page.click("#train")
    wait_for(page, "use at most 0.8, or larger batches")
    assert page.is_enabled("#train")
    assert percent_done(page) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_fits_the_screen_with_readable_contrast(train_page, viewport, scheme):
    page = train_page("batch_size=64", viewport=viewport, color_scheme=scheme)
    before = page.locator("#monitor").bounding_box()["height"]
    train(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#monitor").bounding_box()["height"] <= before + 30  # a line more, of words
    ratios = page.evaluate(CONTRASTS, "#monitor *, #results *, #history *")
    assert len(ratios) >= 40
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}
