"""Metrics and curves of a run that is made up."""

import csv
import dataclasses
import json

import pytest
import torch

from mnist_cnn.training import Progress, get_settings
from mnist_cnn.training.history import History
from mnist_cnn.training.metrics import curves_csv, run_metrics

PROGRESS = Progress(
    step=3,
    total_steps=4,
    epoch=2,
    samples_seen=48,
    loss=0.5,
    batch_accuracy=0.75,
    smoothed_loss=0.625,
    smoothed_accuracy=0.875,
    epoch_accuracy=0.8125,
    lr=0.1,
    seconds=1.5,
)


@pytest.fixture
def history():
    history = History()
    for step in (1, 2, 3):
        accuracy = 0.25 * step if step != 2 else None
        history.record(dataclasses.replace(PROGRESS, step=step, loss=1 / step, test_accuracy=accuracy))
    return history


def test_metrics_are_plain_values(history):
    settings = get_settings("net-8k", epochs=2, batch_size=16)
    confusion = torch.eye(10, dtype=torch.int64)
    metrics = run_metrics(settings, 8530, PROGRESS, history, 0.75, confusion, num_extra=3)
    assert json.loads(json.dumps(metrics)) == {
        "model": "net-8k",
        "parameters": 8530,
        "epochs": 2,
        "seed": 0,
        "recipe": "default",
        "epoch_seconds": 0.75,
        "train_accuracy": 0.8125,
        "test_accuracy": 0.75,
        "trained_fraction": 0.75,
        "num_extra": 3,
        "settings": json.loads(json.dumps(dataclasses.asdict(settings))),
        "curves": json.loads(json.dumps(dataclasses.asdict(history))),
        "confusion": confusion.tolist(),
    }


def test_curves_csv_has_a_row_for_each_point(history):
    rows = list(csv.DictReader(curves_csv(history).splitlines()))
    assert [float(row["progress"]) for row in rows] == [0.25, 0.5, 0.75]
    assert [float(row["loss"]) for row in rows] == history.loss == [1, 1 / 2, 1 / 3]
    assert [row["test_accuracy"] for row in rows] == ["0.25", "", "0.75"]
