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
from tests.support.browser import draw, expect, load, new_page, settled, wait_until_idle
from tests.support.digits import DIGITS
from tests.support.page import (
    CONTRASTS,
    DESKTOP,
    HEADLINE,
    PHONE,
    centred,
    collect_errors,
    digit,
    enter,
    ink,
    metric,
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


@pytest.fixture(scope="module")
def trained(browser, url):
    """The Train tab after a run; a test that opens another tab or trains again goes back."""
    context = browser.new_context(viewport=DESKTOP)
    page = new_page(context)
    errors = collect_errors(page)
    load(page, url)
    open_train(page, "batch_size=16&seed=5&train_fraction=0.9")
    train(page)
    yield page
    context.close()
    assert errors == []


def download(page, button):
    """The file that a button downloads, and the name that it has there."""
    with page.expect_download() as download:
        page.click(button)
    return download.value.path(), download.value.suggested_filename


@pytest.mark.slow
def test_same_seed_gives_the_same_result_on_the_command_line(trained, root, tmp_path):
    metrics = tmp_path / "m.json"
    arguments = ["--batch-size", 16, "--seed", 5, "--train-fraction", 0.9, "--data-root", root, "--metrics", metrics]
    subprocess.run([sys.executable, "train.py", *map(str, arguments)], cwd=PROJECT, check=True, capture_output=True)
    expected = json.loads(metrics.read_text())
    assert f"Test accuracy {expected['test_accuracy']:.2%} " in trained.inner_text(HEADLINE)
    path, _ = download(trained, "#metrics")
    shown = json.loads(path.read_text())
    for metrics in (shown, expected):
        del metrics["epoch_seconds"], metrics["curves"]["probe_probabilities"]
    assert shown == expected


def test_weights_and_curves_can_be_downloaded(trained, root):
    path, name = download(trained, "#weights")
    assert name == "net-25k.pt"
    classifier = load_classifier(path=path)
    images, labels = load_mnist(root, train=False)
    accuracy = (classifier.probabilities(images).argmax(axis=1) == labels.numpy()).mean()
    assert f"Test accuracy {accuracy:.2%} " in trained.inner_text(HEADLINE)
    path, _ = download(trained, "#curves")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) > 20
    assert float(rows[-1]["progress"]) == 1


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_fits_the_screen_with_readable_contrast(trained, train_page, viewport, scheme):
    before = train_page(viewport=viewport, color_scheme=scheme).locator("#monitor").bounding_box()["height"]
    trained.set_viewport_size(viewport)
    trained.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour in between
    trained.wait_for_function("(dark) => document.body.classList.contains('dark') === dark", arg=scheme == "dark")
    trained.wait_for_function("document.getAnimations().every((animation) => animation.playState !== 'running')")
    assert trained.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert trained.locator("#monitor").bounding_box()["height"] <= before + 30  # a line more, of text
    ratios = trained.evaluate(CONTRASTS, "body *")
    trained.set_viewport_size(DESKTOP)
    trained.emulate_media(color_scheme="light")
    assert len(ratios) >= 40
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}


def test_trained_model_is_used_in_its_session_only_until_restored(trained, open_page):
    other = open_page()
    trained.click("#use")  # leads to the Draw tab
    trained.get_by_label("Your model").wait_for()
    for expected in (1, 8):
        draw(trained, DIGITS[expected])
        assert digit(trained) == str(expected)
        assert trained.locator("#reading .models tr").count() == 3
        assert trained.evaluate("document.documentElement.scrollHeight <= innerHeight")
        trained.keyboard.press("c")
    assert "Your model" not in settled(other, "#model")
    open_tab(trained, "Train")
    trained.click("#restore")
    open_tab(trained, "Draw")
    trained.get_by_label("Your model").wait_for(state="detached")
    draw(trained, DIGITS[3])
    assert digit(trained) == "3"
    assert trained.locator("#reading .models tr").count() == 2
    open_tab(trained, "Train")


def choose_file(page, button, path):
    """Click a button that asks for a file, and choose one; None cancels."""
    with page.expect_file_chooser() as chooser:
        page.click(button)
    chooser.value.set_files(path if path is not None else [])


def test_downloaded_weights_become_the_model_of_another_session(trained, open_page, tmp_path):
    path, _ = download(trained, "#weights")
    page = open_page()
    open_train(page)
    assert page.is_disabled("#restore") and not page.is_visible("#weights")
    choose_file(page, "#load", path)
    accuracy = re.search(r"Test accuracy (\S+) ", trained.inner_text(HEADLINE))[1]
    expect(page.get_by_test_id("toast-text")).to_contain_text(
        f"Loaded net-25k. Test accuracy according to the file: {accuracy}."
    )
    open_tab(page, "Draw")
    draw(page, DIGITS[8])
    assert digit(page) == "8"
    assert page.get_by_label("Your model").is_checked()
    assert page.locator("#reading .models tr").count() == 3
    open_tab(page, "Train")
    choose_file(page, "#load", PROJECT / "weights" / "net-8k.pt")  # in the place of the first
    open_tab(page, "Draw")
    expect(page.locator("#reading .models tr", has_text="Your model")).to_contain_text("8,530")
    (tmp_path / "foreign.pt").write_bytes(bytes(400_000))
    open_tab(page, "Train")
    choose_file(page, "#load", tmp_path / "foreign.pt")
    expect(page.get_by_test_id("toast-text").last).to_contain_text("The file is too large (limit 300,000 bytes).")
    page.click("#restore")
    open_tab(page, "Draw")
    page.get_by_label("Your model").wait_for(state="detached")


def test_hard_example_can_be_loaded_onto_the_canvas(trained, root):
    hard = trained.locator("#results .hard-examples button").first
    label = int(hard.inner_text()[0])
    hard.scroll_into_view_if_needed()
    hard.click()
    expect(trained.locator("#pad canvas")).to_be_in_viewport(ratio=1)
    wait_until_idle(trained)
    images, labels = load_mnist(root, train=False)
    differences = np.abs(images[labels == label].numpy().astype(int) - centred(trained)).max(axis=(1, 2))
    assert differences.min() <= 1
    trained.keyboard.press("c")
    assert digit(trained) == ""
    trained.keyboard.press("Control+z")
    assert digit(trained) != ""
    assert ink(trained).max() == 255
    open_tab(trained, "Train")


@pytest.mark.slow
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
    assert metric(page, "Samples seen") == "2,050"
    image = page.locator("#monitor .probe-image")
    shown = image.evaluate(
        """(image) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [28, 28];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, index) => index % 4 === 0);
        }"""
    )
    assert shown == cross.flatten().tolist()
    assert "7" in page.get_attribute("#monitor [data-chart=probe] svg", "aria-label")


@pytest.mark.slow
def test_runs_are_kept_and_compared(train_page):
    page = train_page("model=net-8k&batch_size=64")
    train(page)
    page.click("#use")
    open_tab(page, "Train")
    page.wait_for_function("document.querySelector('#use').disabled")
    page.get_by_label("net-25k").last.check()
    page.click("#settings button")
    page.wait_for_function("document.querySelector('#settings input[type=number]')?.value === '0.25'")
    page.click("#train")
    wait_for(page, "Training net-25k")
    wait_for(page, "Done")
    assert page.locator("#history .scroll tbody tr").count() == 2
    assert page.is_enabled("#use")  # the second model in place of the first
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
    expect(page.get_by_role("spinbutton", name="Learning rate")).to_have_value("0.1")
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
    wait_for(other, "This link cannot be used. Invalid training settings: seed must be a whole number from 0")


@pytest.mark.slow
def test_phone_shows_the_buttons_the_progress_and_the_accuracy_at_once(train_page):
    page = train_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    train(page)
    for part in ("#train", "#monitor .status", "#monitor .bar", "#monitor [data-chart=accuracy] svg"):
        box = page.locator(part).bounding_box()
        assert 0 <= box["y"] <= box["y"] + box["height"] <= 640
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_invalid_combination_of_settings_is_rejected_before_training(train_page):
    page = train_page()
    page.click("#settings button")
    enter(page.get_by_role("spinbutton", name="Learning rate"), "1.9")
    page.click("#train")
    wait_for(page, "use at most 1, or larger batches")
    assert page.is_enabled("#train")
    assert percent_done(page) == 0
