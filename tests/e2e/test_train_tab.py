"""The Train tab as a visitor meets it, with a training set that the tests drew."""

import csv
import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from mnist_cnn.classifier import load_classifier
from mnist_cnn.data import load_mnist
from tests.support import PROJECT
from tests.support.browser import draw, settled
from tests.support.digits import DIGITS
from tests.support.mnist_files import write_mnist
from tests.support.page import CONTRASTS, DESKTOP, NO_NETWORK, PHONE, centred, digit, enter, ink, open_tab
from tests.support.server import serve

HEADLINE, BAR = "#monitor .status", "#monitor .bar"


@pytest.fixture(scope="module")
def root(small_arrays, tmp_path_factory):
    """A training set of the tests' own that takes some seconds an epoch."""
    (images, labels), test = small_arrays
    root = tmp_path_factory.mktemp("page")
    write_mnist(root, (np.tile(images, (50, 1, 1)), np.tile(labels, 50)), test)
    return root


@pytest.fixture(scope="module")
def url(root):
    with serve(MNIST_ROOT=str(root)) as url:
        yield url


@pytest.fixture
def open_train(open_page):
    """Opens the Train tab, with other settings than the recipe's where they are named."""

    def open_train(query="", **options):
        page = open_page(**options)
        if query:
            page.goto(f"{page.url}?tab=train&{query}")
            page.wait_for_selector("#monitor .metrics dd")
        open_tab(page, "Train")
        return page

    return open_train


def wait_for(page, words):
    """Until the headline has these words."""
    page.wait_for_function(
        "([selector, words]) => document.querySelector(selector)?.innerText.includes(words)", arg=[HEADLINE, words]
    )


def done(page):
    """The share of the run that is done, in percent."""
    return float(page.get_attribute(BAR, "aria-valuenow"))


def wait_until_done(page, percent):
    page.wait_for_function(
        "([selector, percent]) => Number(document.querySelector(selector).ariaValueNow) > percent", arg=[BAR, percent]
    )


def train(page, words="Done"):
    page.click("#train")
    wait_for(page, words)


def figure(page, name):
    return page.locator("#monitor .metrics div", has_text=name).locator("dd").inner_text()


def test_a_training_streams_and_shows_what_it_came_to(open_train):
    page = open_train()
    page.click("#train")
    percents = []
    while "Done" not in page.inner_text(HEADLINE):
        percents.append(done(page))
        page.wait_for_timeout(100)
    assert percents == sorted(percents)
    assert len(set(percents)) >= 5
    assert done(page) == 100
    assert re.search(r"Test accuracy \d+\.\d\d% \(target 95%\) with 23,930 parameters", page.inner_text(HEADLINE))
    assert figure(page, "Samples seen") == "20,000"

    assert page.locator("#results .hard-examples button").count() == 24
    matrix = page.locator("#results tbody td").all_inner_texts()
    assert sum(int(count) for count in matrix if count) == 100
    points = page.evaluate("[...document.querySelectorAll('polyline, circle')].map((line) => line.points?.length ?? 1)")
    assert 500 < sum(points) < 2000
    kernels = page.get_attribute("#monitor .filters img", "src")
    assert kernels.startswith("data:image/png")

    chart = page.locator("#monitor [data-chart=accuracy] svg").bounding_box()
    page.mouse.move(chart["x"] + chart["width"] * 0.9, chart["y"] + chart["height"] / 2)
    told = page.inner_text("#monitor [data-chart=accuracy] .values")
    assert re.search(r"at 9\d%", told)
    assert re.search(r"test \d+\.\d\d%", told)
    page.mouse.move(0, 0)
    assert not page.is_visible("#monitor [data-chart=accuracy] .values")


def test_the_same_seed_ends_the_same_in_the_command_line(open_train, root, tmp_path):
    page = open_train("model=net-8k&batch_size=64&seed=5&train_fraction=0.5")
    train(page)
    metrics = tmp_path / "m.json"
    arguments = ["--model", "net-8k", "--batch-size", "64", "--seed", "5", "--share", "0.5", "--data-root", root]
    command = [sys.executable, "train.py", *map(str, arguments), "--metrics", str(metrics)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    assert f"Test accuracy {json.loads(metrics.read_text())['test_accuracy']:.2%} " in page.inner_text(HEADLINE)
    with page.expect_download() as download:
        page.click("#metrics")
    figures = json.loads(download.value.path().read_text())
    ours = json.loads(metrics.read_text())
    assert {**figures, **ours, "epoch_seconds": 0} == {**figures, "epoch_seconds": 0}


def test_a_pause_holds_the_run_until_it_is_resumed(open_train):
    page = open_train("model=net-8k&batch_size=8")
    page.click("#train")
    wait_until_done(page, 1)
    page.click("#pause")
    wait_for(page, "Paused at")
    held = done(page)
    page.wait_for_timeout(1000)
    assert done(page) == held
    assert page.inner_text("#pause") == "Resume"
    page.click("#pause")
    wait_until_done(page, held)
    page.click("#stop")
    wait_for(page, "Stopped at")
    assert held < done(page) < 95
    assert page.is_enabled("#train")
    assert page.is_enabled("#use")


def test_others_wait_for_their_turn_and_can_leave(open_train):
    long = "model=net-8k&batch_size=8"
    first, second, third = open_train(long), open_train(long), open_train(long)
    first.click("#train")
    wait_until_done(first, 1)
    second.click("#train")
    wait_for(second, "Queued: 1 run ahead")
    third.click("#train")
    wait_for(third, "Queued: 2 runs ahead")
    assert third.inner_text("#stop") == "Leave queue"
    second.click("#stop")
    wait_for(second, "Left the queue")
    wait_for(third, "Queued: 1 run ahead")
    first.click("#pause")  # gives its turn away
    wait_for(third, "Training net-8k")
    first.click("#stop")
    wait_for(first, "Stopped at")
    wait_until_done(third, 0)
    third.click("#stop")
    wait_for(third, "Stopped at")


def test_closing_the_page_ends_its_training(open_train):
    page, next_one = open_train("model=net-8k&batch_size=8"), open_train("model=net-8k&batch_size=8")
    page.click("#train")
    wait_until_done(page, 2)
    next_one.click("#train")
    wait_for(next_one, "Queued: 1 run ahead")
    left = float(figure(page, "ETA").split()[0])
    page.close()
    closed = time.monotonic()
    wait_for(next_one, "Training net-8k")
    assert time.monotonic() - closed < max(2, left / 4)
    wait_until_done(next_one, 0)
    next_one.click("#stop")
    wait_for(next_one, "Stopped at")


def test_the_network_is_used_by_its_own_visitor_alone_until_it_is_put_back(open_train):
    page, other = open_train(), open_train()
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


def test_weights_and_curves_can_be_downloaded(open_train, root):
    page = open_train("train_fraction=0.4")
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


def test_a_hard_digit_can_be_put_onto_the_pad(open_train, root):
    page = open_train("train_fraction=0.2")
    train(page)
    hard = page.locator("#results .hard-examples button").first
    label = int(hard.inner_text()[0])
    hard.click()
    assert page.locator("#reading").is_visible()
    digit(page)
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
    assert np.abs(images[labels == label].numpy().astype(int) - centred(page)).max(axis=(1, 2)).min() <= 1


def test_the_digit_on_the_pad_is_watched_and_corrections_are_learnt(open_train):
    page = open_train("train_fraction=0.2")
    assert page.locator("#use-drawings input").is_disabled()
    train(page)
    open_tab(page, "Draw")
    draw(page, [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]])  # a cross, which is no digit yet
    digit(page)
    count = centred(page)
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
    assert figure(page, "Samples seen") == "4,050"
    image = page.locator("#monitor .probe-image")
    watched = image.evaluate(
        """(image) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [28, 28];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, index) => index % 4 === 0);
        }"""
    )
    assert watched == count.flatten().tolist()
    assert "7" in page.get_attribute("#monitor [data-chart=probe] svg", "aria-label")


def test_runs_are_kept_and_compared(open_train):
    page = open_train("model=net-8k&train_fraction=0.1&batch_size=64")
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


def test_a_link_restores_the_settings(open_train, open_page):
    page = open_train()
    page.get_by_label("reference").check()
    page.click("#settings button")
    assert page.get_by_role("spinbutton", name="Learning rate").input_value() == "0.1"
    enter(page.get_by_label("Seed"), "42")
    page.click("#link")
    page.wait_for_function("location.search.includes('seed=42')")

    other = open_page()
    other.goto(page.url)
    other.wait_for_selector("#train")
    other.click("#settings button")
    other.wait_for_function("document.querySelector('#settings input[type=number]')?.value === '0.1'")
    assert other.get_by_label("Seed").input_value() == "42"
    assert other.get_by_label("reference").is_checked()
    other.goto(page.url.replace("seed=42", "seed=-3"))
    wait_for(other, "This link cannot be used. Invalid training settings: seed must be from 0")


def test_settings_that_do_not_go_together_are_refused_before_training(open_train):
    page = open_train()
    page.click("#settings button")
    enter(page.get_by_role("spinbutton", name="Learning rate"), "1.9")
    page.click("#train")
    wait_for(page, "use at most 0.8, or larger batches")
    assert page.is_enabled("#train")
    assert done(page) == 0


def test_without_data_training_says_so_and_drawing_works(open_page, tmp_path):
    with serve(MNIST_ROOT=str(tmp_path), **NO_NETWORK) as url:
        page = open_page(url)
        open_tab(page, "Train")
        page.click("#train")
        wait_for(page, "MNIST_ROOT")
        assert "train-images-idx3-ubyte" in page.inner_text(HEADLINE)
        assert page.is_enabled("#train")
        open_tab(page, "Draw")
        draw(page, DIGITS[6])
        assert digit(page) == "6"
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_fits_the_screen_and_can_be_read(open_train, viewport, scheme):
    page = open_train("train_fraction=0.1", viewport=viewport, color_scheme=scheme)
    before = page.locator("#monitor").bounding_box()["height"]
    train(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#monitor").bounding_box()["height"] <= before + 30  # a line more, of words
    ratios = page.evaluate(CONTRASTS, "#monitor *, #results *, #history *")
    assert len(ratios) >= 40
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}
