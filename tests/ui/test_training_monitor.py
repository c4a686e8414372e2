import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.jobs.history import History
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import get_settings
from mnist_cnn.ui.components.training_monitor.training_monitor import TrainingMonitor, training_monitor_value


@pytest.fixture(scope="module")
def run(small_sets):
    watched = small_sets[1][0][0].numpy()
    run = TrainingRun(get_settings("net-8k", epochs=2, batch_size=16), *small_sets, JobQueue(), watched=watched)
    run.start()
    run.join()
    return run


def picture(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_all_curves_have_their_points(run):
    value = training_monitor_value("Done.", run, before=run.history, pretrained=0.99)
    curves = value["curves"]
    for name in ("loss", "smoothed_loss", "batch_accuracy", "accuracy", "lr"):
        assert len(curves[name]) == len(curves["at"])
        assert np.allclose(curves[name], getattr(run.history, name), atol=1e-4)
    assert np.array(curves["watched"]).shape == (len(curves["at"]), 10)
    assert curves["test_accuracy"][-1] == (1, pytest.approx(run.test_accuracy))
    assert len(value["before"]["at"]) == -(-len(curves["at"]) // 2)
    assert value["peak"] == run.settings.lr
    assert value["percent"] == "100.0"


def test_it_is_short_enough_to_send_several_times_a_second(run):
    assert len(TrainingMonitor("").postprocess(training_monitor_value("Done.", run, run.history, 0.99))) < 20_000


def test_pictures_show_the_watched_digit_and_every_kernel(run):
    value = training_monitor_value("Done.", run)
    assert (picture(value["watched"]) == run.watched).all()
    kernels = picture(value["kernels"])
    assert kernels.shape == (2 * 4 - 1, 8 * 4 - 1)  # sixteen of 3×3 with lines between them
    weight = run.model.conv1.weight.detach().numpy()
    for number in (0, 7, 15):
        row, column = divmod(number, 8)
        tile = kernels[4 * row : 4 * row + 3, 4 * column : 4 * column + 3].astype(float)
        assert tile == pytest.approx(128 + 127 * weight[number, 0] / np.abs(weight).max(), abs=1)


def test_there_is_something_to_show_before_any_run():
    value = json.loads(TrainingMonitor("").postprocess(training_monitor_value("Welcome.", share=0.25)))
    assert value["headline"] == "Welcome."
    assert value["percent"] == "25.0"
    assert {text for _, text in value["figures"]} == {"–"}
    assert value["curves"]["at"] == History().at == []
    assert (value["watched"], value["kernels"], value["before"]) == (None, None, None)
