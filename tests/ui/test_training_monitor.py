import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.training.history import CURVES, History
from mnist_cnn.ui.components.training_monitor.training_monitor import TrainingMonitor, training_monitor_value


def decode(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_curves_have_a_point_for_each_progress(finished_run):
    value = training_monitor_value("Done.", finished_run, previous=finished_run.history, pretrained_accuracy=0.99)
    curves = value["curves"]
    for name in CURVES:
        assert len(curves[name]) == len(curves["progress"])
        assert np.allclose(curves[name], getattr(finished_run.history, name), atol=1e-4)
    assert np.array(curves["probe_probabilities"]).shape == (len(curves["progress"]), 10)
    assert curves["test_accuracy"][-1] == (1, pytest.approx(finished_run.test_accuracy))
    assert len(value["previous"]["progress"]) == -(-len(curves["progress"]) // 2)
    assert (value["pretrained_accuracy"], value["target"]) == (0.99, 0.95)
    assert value["peak_lr"] == finished_run.settings.lr
    assert value["percent"] == "100.0"


def test_value_is_short_enough_to_send_several_times_a_second(finished_run):
    assert (
        len(TrainingMonitor("").postprocess(training_monitor_value("Done.", finished_run, finished_run.history, 0.99)))
        < 20_000
    )


def test_images_show_the_probe_and_every_filter(finished_run):
    value = training_monitor_value("Done.", finished_run)
    assert (decode(value["probe_image"]) == finished_run.probe_image).all()
    filters = decode(value["filters"])
    assert filters.shape == (2 * 4 - 1, 8 * 4 - 1)  # sixteen of 3×3 with lines between them
    weight = finished_run.model.conv1.weight.detach().numpy()
    for number in (0, 7, 15):
        row, column = divmod(number, 8)
        tile = filters[4 * row : 4 * row + 3, 4 * column : 4 * column + 3].astype(float)
        assert tile == pytest.approx(128 + 127 * weight[number, 0] / np.abs(weight).max(), abs=1)


def test_monitor_without_run_shows_status_and_no_values():
    value = json.loads(TrainingMonitor("").postprocess(training_monitor_value("Welcome.", fraction=0.25)))
    assert value["status"] == "Welcome."
    assert value["percent"] == "25.0"
    assert {text for _, text in value["metrics"]} == {"–"}
    assert value["curves"]["progress"] == History().progress == []
    assert (value["probe_image"], value["filters"], value["previous"]) == (None, None, None)
