import pytest

from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import AUGMENTATIONS, get_settings
from mnist_cnn.ui.components.run_history.run_history import run_history_value
from mnist_cnn.ui.components.run_results.run_results import run_results_value


@pytest.fixture(scope="module")
def report(small_sets):
    changes = {"epochs": 4, "batch_size": 16, "seed": 3, "share": 0.5, **AUGMENTATIONS["light"]}
    run = TrainingRun(get_settings("net-8k", **changes), *small_sets, JobQueue())
    run.start()
    run.join()
    return Report.from_run(run, added=2)


def test_a_record_names_what_a_run_was_trained_with(report):
    (record,) = run_history_value([(7, report)])
    assert record["number"] == 7
    assert record["accuracy"] == f"{report.test_accuracy:.2%}"
    assert record["settings"] == {
        "network": "net-8k",
        "recipe": "ours",
        "learning rate": "0.2",
        "batch": "16",
        "augmentation": "light",
        "of the training set": "50%",
        "corrections": "2",
        "seed": "3",
        "trained": "100%",
    }


def test_its_curve_is_short_and_ends_where_the_run_did(report):
    (record,) = run_history_value([(1, report)])
    assert 10 <= len(record["curve"]) <= 20
    assert record["curve"][-1] == (1, pytest.approx(report.history.smoothed_loss[-1], abs=1e-3))


def test_results_show_the_errors(report):
    value = run_results_value(report)
    assert value["confusion"] == report.confusion.tolist()
    first = value["hardest"][0]
    assert (first["label"], first["read"]) == (report.hardest[0].label, report.hardest[0].read)
    assert first["confidence"] == f"{report.hardest[0].confidence:.0%}"
    assert first["image"].startswith("data:image/png;base64,")
