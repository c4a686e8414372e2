import subprocess
import sys
import threading

import pytest

from mnist_cnn.jobs.process import ProcessError, StandbyProcess, TrainingProcess
from mnist_cnn.jobs.worker import PAUSE, RESUME, STOP, Job, get_weights
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings
from tests.support import PROJECT


@pytest.fixture
def process():
    process = TrainingProcess()
    yield process
    process.close()
    assert not process.running


@pytest.fixture
def standby():
    standby = StandbyProcess()
    yield standby
    standby.discard()


@pytest.fixture
def job(small_sets):
    settings = get_settings("net-8k", epochs=1000, batch_size=16)
    sets = [tuple(tensor.numpy() for tensor in labelled) for labelled in small_sets]
    return Job(settings, get_weights(build_model(settings.model, settings.seed)), *sets)


def test_process_trains_pauses_and_resumes_until_it_crashes(process, job):
    messages = process.messages(job)
    assert not next(messages).paused
    process.send(PAUSE)
    paused = next(message for message in messages if message.paused)
    process.send(RESUME)
    later = next(messages)
    assert later.progress.step > paused.progress.step
    assert any((paused.weights[name] != later.weights[name]).any() for name in paused.weights)

    process.kill()
    with pytest.raises(ProcessError, match=r"The training process crashed \(signal 9\).*Train again"):
        for _ in messages:
            pass
    process.send(STOP)  # is ignored


def test_crash_before_the_job_is_noticed(process, job):
    process.kill()
    with pytest.raises(ProcessError, match="The training process crashed"):
        next(process.messages(job))


SERVER = """
import sys, numpy as np
from mnist_cnn.models import build_model
from mnist_cnn.jobs.process import TrainingProcess
from mnist_cnn.jobs.worker import Job, get_weights
from mnist_cnn.training import get_settings

images, labels = np.zeros((64, 28, 28), np.uint8), np.arange(64) % 10
settings = get_settings("net-8k", epochs=1000, batch_size=16)
job = Job(settings, get_weights(build_model("net-8k")), (images, labels), (images, labels))
idle, training = TrainingProcess(), TrainingProcess()
for update in training.messages(job):
    print(update.progress.step, flush=True)
"""


def test_processes_end_with_their_server_even_if_it_is_killed():
    # The server's processes inherit its standard error, so it ends here only when all of them have ended.
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        for _ in range(3):
            assert server.stdout.readline().strip().isdigit()
        server.kill()
        _, errors = server.communicate(timeout=60)
    assert errors == b""


def test_standby_process_is_started_once_and_acquired_once(standby):
    standby.warm_up()
    standby.warm_up()
    first, second = standby.acquire(), standby.acquire()
    assert first.running and second.running
    assert first.pid != second.pid
    for process in (first, second):
        process.close()


def test_standby_process_that_died_is_replaced(standby):
    standby.warm_up()
    standby._process.kill()
    standby._process._process.wait()
    process = standby.acquire()
    assert process.running
    process.close()


def test_unused_standby_process_is_ended_after_a_while(monkeypatch):
    closed, close = threading.Event(), TrainingProcess.close
    monkeypatch.setattr(TrainingProcess, "close", lambda self: close(self) or closed.set())
    StandbyProcess(seconds=0.01).warm_up()
    assert closed.wait(60)
