"""What the tests of jobs share."""

import pytest
import torch

from mnist_cnn.jobs import run as run_module
from mnist_cnn.jobs.process import StandbyProcess
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import TrainingRun
from mnist_cnn.training import get_settings


class RecordingStandby(StandbyProcess):
    """Records the processes that runs acquire, and starts the next one while a run trains."""

    def __init__(self):
        super().__init__()
        self.acquired = []

    def acquire(self):
        process = super().acquire()
        self.acquired.append(process)
        self.warm_up()
        return process


@pytest.fixture(scope="package", autouse=True)
def run_standby():
    """Takes the place of the standby process that runs acquire theirs from."""
    standby = RecordingStandby()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "STANDBY", standby)
        yield standby
    standby.discard()


@pytest.fixture(scope="package")
def finished_run(small_sets):
    """A run of net-25k with a probe image and extra data that has finished; tests must not change it."""
    test_images = small_sets[1][0]
    mirrored = test_images[:1].flip(2)  # the training set has nothing like it
    run = TrainingRun(
        get_settings("net-25k", epochs=12, batch_size=16, seed=4),
        *small_sets,
        JobQueue(),
        probe_image=test_images[0].numpy(),
        extra_data=(mirrored.repeat(50, 1, 1), torch.full((50,), 8)),
    )
    run.start()
    run.join()
    return run
