import pytest

from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import AUGMENTATIONS, get_settings
from mnist_cnn.ui.components.run_history.run_history import run_history_value
from mnist_cnn.ui.components.run_results.run_results import run_results_value


@pytest.fixture(scope="module")
def report(small_sets):
    changes = {"epochs": 4, "batch_size": 16, "seed": 3, "train_fraction": 0.5, **AUGMENTATIONS["light"]}
    run = TrainingRun(get_settings("net-8k", **changes), *small_sets, JobQueue())
    run.start()
    run.join()
    return Report.from_run(run, num_extra=2)


def test_history_lists_the_settings_of_a_run(report):
    (entry,) = run_history_value([(7, report)])
    assert entry["number"] == 7
    assert entry["accuracy"] == f"{report.test_accuracy:.2%}"
    assert entry["settings"] == {
        "model": "net-8k",
        "recipe": "default",
        "learning rate": "0.2",
        "batch size": "16",
        "augmentation": "light",
        "training data": "50%",
        "labelled drawings": "2",
        "seed": "3",
        "completed": "100%",
    }


def test_loss_curve_has_few_points_and_ends_with_the_run(report):
    (entry,) = run_history_value([(1, report)])
    assert 10 <= len(entry["loss"]) <= 20
    assert entry["loss"][-1] == (1, pytest.approx(report.history.smoothed_loss[-1], abs=1e-3))


def test_results_show_confusion_matrix_and_hard_examples(report):
    value = run_results_value(report)
    assert value["confusion_matrix"] == report.confusion.tolist()
    shown, example = value["hard_examples"][0], report.hard_examples[0]
    assert (shown["label"], shown["prediction"]) == (example.label, example.prediction)
    assert shown["confidence"] == f"{example.confidence:.0%}"
    assert shown["image"].startswith("data:image/png;base64,")
