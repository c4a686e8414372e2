"""What the tests of the page's parts share."""

import pytest

from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.report import Report
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import AUGMENTATIONS, get_settings


@pytest.fixture(scope="package")
def finished_run(small_sets):
    """A run of net-8k with a probe image that has finished; tests must not change it."""
    changes = {"epochs": 4, "batch_size": 16, "seed": 3, "train_fraction": 0.5, **AUGMENTATIONS["light"]}
    run = TrainingRun(
        get_settings("net-8k", **changes), *small_sets, JobQueue(), probe_image=small_sets[1][0][0].numpy()
    )
    run.start()
    run.join()
    return run


@pytest.fixture(scope="package")
def report(finished_run):
    """Of the finished run, as if two labelled drawings had joined its training set."""
    return Report.from_run(finished_run, num_extra=2)
