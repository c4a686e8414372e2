"""Training runs that take a while: how they are shown, paused, queued and left."""

import re

import pytest

from tests.support.browser import draw, expect
from tests.support.mnist_files import write_tiled_mnist
from tests.support.page import BAR, HEADLINE, digit, metric, open_train, percent_done, train, wait_for, wait_until_done
from tests.support.server import serve

LONG = "model=net-8k&batch_size=8"


@pytest.fixture(scope="module")
def url(small_arrays, tmp_path_factory):
    """The app with 40,000 images, on which a run with `LONG` takes half a minute or more."""
    root = write_tiled_mnist(tmp_path_factory.mktemp("long"), *small_arrays, copies=100)
    with serve(cores=2, MNIST_ROOT=str(root)) as url:
        yield url


@pytest.fixture
def open_run(open_page):
    """Opens the Train tab with the settings of a link."""

    def open_run(query=LONG):
        page = open_page()
        open_train(page, query)
        return page

    return open_run


@pytest.mark.slow
def test_run_streams_its_progress_and_shows_its_results(open_run):
    page = open_run("batch_size=16&train_fraction=0.15")
    page.evaluate(
        """(selector) => {
            window.percents = [];
            window.statuses = [];
            const record = () => {
                percents.push(Number(document.querySelector(selector).ariaValueNow));
                statuses.push(document.querySelector("#monitor .status").textContent.split(" ", 2).join(" "));
            };
            new MutationObserver(record).observe(
                document.querySelector("#monitor"), { subtree: true, childList: true, attributes: true }
            );
        }""",
        BAR,
    )
    train(page)
    percents = page.evaluate("percents")
    assert percents == sorted(percents)
    assert len(set(percents)) >= 5
    statuses = page.evaluate("statuses.filter((status, index) => status !== statuses[index - 1])")
    assert statuses[-3:] == ["Training net-25k", "Training finished.", "Done after"]
    assert len(set(statuses)) == len(statuses)  # it never goes back
    assert percent_done(page) == 100
    assert re.search(r"Test accuracy \d+\.\d\d% \(target 95%\) with 23,930 parameters", page.inner_text(HEADLINE))
    assert metric(page, "Samples seen") == "6,000"

    assert page.locator("#results .hard-examples button").count() == 24
    matrix = page.locator("#results tbody td").all_inner_texts()
    assert sum(int(count) for count in matrix if count) == 100
    points = page.evaluate("[...document.querySelectorAll('polyline, circle')].map((line) => line.points?.length ?? 1)")
    assert 500 < sum(points) < 2000
    filters = page.get_attribute("#monitor .filters img", "src")
    assert filters.startswith("data:image/png")

    names = page.locator("#monitor [data-chart=accuracy] .key:visible").all_inner_texts()
    assert names == ["batch", "target", "pretrained", "training", "test"]
    first, half = page.evaluate(
        """["polyline.smoothed", ".grid:nth-of-type(2)"].map((selector) => {
            const line = document.querySelector(`#monitor [data-chart=accuracy] ${selector}`);
            return line.points ? line.points[0].y : line.y1.baseVal.value;
        })"""
    )
    assert first > half  # the accuracy of the first batch is about 10 %, which is lower than the tick at 50 %
    chart = page.locator("#monitor [data-chart=accuracy] svg").bounding_box()
    page.mouse.move(chart["x"] + chart["width"] * 0.9, chart["y"] + chart["height"] / 2)
    values = page.inner_text("#monitor [data-chart=accuracy] .values")
    assert re.search(r"at 9\d%", values)
    assert re.search(r"test \d+\.\d\d%", values)
    page.mouse.move(0, 0)
    assert not page.is_visible("#monitor [data-chart=accuracy] .values")


@pytest.mark.slow
def test_runs_queue_pause_resume_and_leave_the_queue(open_run):
    first, second, third = open_run(), open_run(), open_run("model=net-8k&train_fraction=0.01")
    first.click("#train")
    wait_until_done(first, 1)
    second.click("#train")
    wait_for(second, "Queued: 1 run ahead")
    third.click("#train")
    wait_for(third, "Queued: 2 runs ahead")
    assert third.inner_text("#stop") == "Leave queue"
    second.click("#stop")
    wait_for(second, "Run cancelled; nothing was trained.")
    wait_for(third, "Queued: 1 run ahead")

    first.click("#pause")  # which frees its slot
    wait_for(first, "Paused at")
    paused_at = percent_done(first)
    wait_for(third, "Done")
    assert percent_done(first) == paused_at
    assert first.inner_text("#pause") == "Resume"
    first.click("#pause")
    wait_until_done(first, paused_at)
    first.click("#stop")
    wait_for(first, "Stopped at")
    assert paused_at < percent_done(first) < 95
    assert first.is_enabled("#train")
    assert first.is_enabled("#use")


@pytest.mark.slow
def test_closing_the_page_ends_its_run(open_run):
    page, waiting = open_run(LONG + "&recipe=reference"), open_run("train_fraction=0.02")
    page.click("#train")
    wait_until_done(page, 1)
    waiting.click("#train")
    wait_for(waiting, "Queued: 1 run ahead")
    page.close()
    wait_for(waiting, "Done")  # long before the run of the closed page would have ended


def predicting_models(request):
    """The choice of the model in a request for a prediction; nothing for other requests."""
    data = (request.post_data_json or {}).get("data", []) if request.url.endswith("/run/predict") else []
    return [data[1]] if len(data) > 1 and str(data[0]).startswith("data:image/png") else []


@pytest.mark.slow
def test_model_is_trained_on_drawings_and_had_back(open_page):
    page = open_page()
    tuning = page.locator("#fine-tuning")
    assert not tuning.is_visible()
    draw(page, [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]])  # a cross, which is no digit yet
    assert digit(page) == "?"
    page.get_by_role("button", name="Correct label: 7").click()
    models = []  # that predictions are asked of
    page.on("request", lambda request: models.extend(predicting_models(request)))
    tuning.get_by_role("button", name="Train on my drawings (1)").click()
    expect(tuning.get_by_role("progressbar")).to_be_visible()
    expect(tuning.locator(".text")).to_contain_text("Your model: 1 of your 1 drawing correct (0 before), test accuracy")
    expect(page.locator("#reading .digit")).to_have_text("7")
    assert set(models) == {"user"}  # the answer for another one could come last
    assert page.get_by_label("Your model").is_checked()
    tuning.get_by_role("button", name="Undo").click()
    page.get_by_label("Your model").wait_for(state="detached")
    expect(page.locator("#reading .digit")).to_have_text("?")
    expect(tuning.locator(".text")).to_have_text("Undone: back to net-25k.")
    assert not tuning.get_by_role("button", name="Undo").is_visible()
