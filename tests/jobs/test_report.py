import csv
import json

import pytest
import torch

from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import get_settings


@pytest.fixture(scope="module")
def run(small_sets):
    run = TrainingRun(get_settings("net-8k", epochs=2, batch_size=16), *small_sets, JobQueue())
    run.start()
    run.join()
    return run


def test_the_confusion_matrix_counts_every_test_image(run, small_sets):
    report = Report.from_run(run)
    assert report.confusion.sum() == len(small_sets[1][1])
    assert report.confusion.sum(1).tolist() == torch.bincount(small_sets[1][1], minlength=10).tolist()
    assert report.confusion.diag().sum().item() / len(small_sets[1][1]) == pytest.approx(report.test_accuracy)


def test_the_hardest_are_those_whose_label_is_least_likely(run, small_sets):
    report = Report.from_run(run)
    images, labels = small_sets[1]
    likely = run.test_logits.softmax(1)[torch.arange(len(labels)), labels]  # (N,)
    order = likely.argsort()[:24]
    assert [misread.label for misread in report.hardest] == labels[order].tolist()
    assert all(torch.equal(misread.image, images[i]) for misread, i in zip(report.hardest, order, strict=True))
    assert [misread.read for misread in report.hardest] == run.test_logits[order].argmax(1).tolist()
    assert all(0 < misread.confidence <= 1 for misread in report.hardest)


def test_the_figures_go_through_json(run):
    figures = json.loads(json.dumps(Report.from_run(run, added=3).metrics()))
    assert figures["model"] == "net-8k"
    assert figures["parameters"] == 8530
    assert figures["test_accuracy"] == run.test_accuracy
    assert figures["added_drawings"] == 3
    assert figures["trained"] == 1
    assert figures["settings"]["batch_size"] == 16
    assert figures["curves"]["loss"] == run.history.loss
    assert len(figures["confusion"]) == 10


def test_the_curves_are_a_table_with_a_row_for_each_point(run):
    rows = list(csv.DictReader(Report.from_run(run).curves_csv().splitlines()))
    assert [float(row["loss"]) for row in rows] == run.history.loss
    assert [float(row["at"]) for row in rows] == run.history.at
    measured = [float(row["test_accuracy"]) for row in rows if row["test_accuracy"]]
    assert measured == [share for _, share in run.history.test_accuracy]
