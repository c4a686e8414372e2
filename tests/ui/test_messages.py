import dataclasses

import pytest

from mnist_cnn.classifier import Classifier
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import RunState, TrainingRun
from mnist_cnn.training import get_settings
from mnist_cnn.ui.messages import cost, headline, result


@pytest.fixture(scope="module")
def run(small_sets):
    run = TrainingRun(get_settings("net-8k", epochs=2, batch_size=16), *small_sets, JobQueue())
    run.start()
    run.join()
    return run


@pytest.fixture(scope="module")
def report(run):
    return Report.from_run(run)


def test_says_what_the_run_came_to(run, report):
    pretrained = Classifier(run.model, "net-8k", test_accuracy=0.987)
    words = result(dataclasses.replace(report, test_accuracy=0.9412), pretrained)
    assert words.startswith("Done after ")
    assert "8,530 parameters reads 94.12% of MNIST's test digits, below the 95% line" in words
    assert words.endswith("the shipped net-8k reads 98.70%.")
    half = dataclasses.replace(report.progress, step=report.progress.total_steps // 2)
    assert result(dataclasses.replace(report, progress=half), pretrained).startswith("Stopped at 50%")


def test_says_what_added_drawings_cost(run, report, small_sets):
    answers = LabelledDrawings().add(small_sets[1][0][0].numpy(), 3, read=5)
    assert cost(run, LabelledDrawings(), report, []) == ""
    alone = cost(run, answers, report, [(1, dataclasses.replace(report, added=1))])
    assert alone.endswith("Train once without them to see what they cost on MNIST.")
    before = dataclasses.replace(report, test_accuracy=report.test_accuracy + 0.02)
    assert cost(run, answers, report, [(4, before)]).endswith("a cost of 2.00 points.")
    assert "Run 4" in cost(run, answers, report, [(4, before)])
    assert "of your 1 drawings; 0 before" in cost(run, answers, report, [])


def test_says_who_is_ahead(small_sets):
    turns = JobQueue()
    first, second, third = (TrainingRun(get_settings("net-8k"), *small_sets, turns) for _ in range(3))
    assert "Training net-8k, recipe “ours”" in headline(first)
    assert "Waiting for one other training" in headline(second)
    assert "Waiting for 2 other trainings" in headline(third)
    third.stop()
    third.state = RunState.ENDED
    assert "left the line" in headline(third)
