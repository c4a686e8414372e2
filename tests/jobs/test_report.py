import json

import pytest
import torch

from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import TrainingRun


@pytest.fixture(scope="module")
def report(finished_run):
    return Report.from_run(finished_run, num_extra=3)


def test_unfinished_run_has_no_report(finished_run):
    run = TrainingRun(finished_run.settings, finished_run.training_set, finished_run.test_set, JobQueue())
    with pytest.raises(ValueError, match="Only a run that trained and has finished"):
        Report.from_run(run)


def test_confusion_matrix_counts_every_test_image(report, small_sets):
    assert report.confusion.sum() == len(small_sets[1][1])
    assert report.confusion.sum(1).tolist() == torch.bincount(small_sets[1][1], minlength=10).tolist()
    assert report.confusion.diag().sum().item() / len(small_sets[1][1]) == pytest.approx(report.test_accuracy)


def test_hard_examples_are_the_images_with_the_least_likely_labels(finished_run, report, small_sets):
    images, labels = small_sets[1]
    logits = finished_run.test_logits
    label_probabilities = logits.softmax(1)[torch.arange(len(labels)), labels]  # (N,)
    order = label_probabilities.argsort()[:24]
    assert [example.label for example in report.hard_examples] == labels[order].tolist()
    assert all(torch.equal(example.image, images[i]) for example, i in zip(report.hard_examples, order, strict=True))
    assert [example.prediction for example in report.hard_examples] == logits[order].argmax(1).tolist()
    assert all(0 < example.confidence <= 1 for example in report.hard_examples)


def test_metrics_survive_json(finished_run, report):
    metrics = json.loads(json.dumps(report.metrics()))
    assert metrics["model"] == "net-25k"
    assert metrics["parameters"] == 23930
    assert metrics["test_accuracy"] == finished_run.test_accuracy
    assert metrics["num_extra"] == 3
    assert metrics["trained_fraction"] == 1
    assert metrics["settings"]["batch_size"] == 16
    assert metrics["curves"]["loss"] == finished_run.history.loss
    assert len(metrics["confusion"]) == 10
