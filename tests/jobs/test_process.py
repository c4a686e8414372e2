import subprocess
import sys
import threading
import time

import pytest

from mnist_cnn.jobs.process import ProcessError, StandbyProcess, TrainingProcess
from mnist_cnn.jobs.worker import PAUSE, RESUME, STOP, Failed, Finished, Job, ProgressUpdate, get_weights
from mnist_cnn.models import build_model
from mnist_cnn.training import get_settings
from tests.support import PROJECT

LONG = get_settings("net-8k", epochs=1000, batch_size=16)


@pytest.fixture
def process():
    process = TrainingProcess()
    yield process
    process.close()
    assert not process.running


@pytest.fixture
def spare():
    spare = StandbyProcess()
    yield spare
    spare.discard()


def job(small_sets, settings=LONG):
    sets = [tuple(tensor.numpy() for tensor in half) for half in small_sets]
    return Job(settings, get_weights(build_model(settings.model, settings.seed)), *sets)


def test_it_sends_news_holds_goes_on_and_stops_as_it_is_told(process, small_sets):
    messages = process.messages(job(small_sets))
    assert not next(messages).paused
    process.send(PAUSE)
    paused = next(message for message in messages if message.paused)
    process.send(RESUME)
    later = next(messages)
    assert later.progress.step > paused.progress.step
    assert any((paused.weights[name] != later.weights[name]).any() for name in paused.weights)
    process.send(STOP)
    *_, last, finished = messages
    assert isinstance(last, ProgressUpdate) and isinstance(finished, Finished)
    assert finished.test_logits.shape == (len(small_sets[1][1]), 10)


def test_who_stops_it_while_it_holds_gets_no_further_step(process, small_sets):
    messages = process.messages(job(small_sets))
    next(messages)
    process.send(PAUSE)
    next(message for message in messages if message.paused)
    process.send(STOP)
    assert [type(message) for message in messages] == [Finished]


def test_news_come_some_times_a_second_not_at_every_step(process, small_sets):
    messages, began = process.messages(job(small_sets)), time.monotonic()
    news = [next(messages) for _ in range(11)]
    assert time.monotonic() - began > 0.9
    assert news[-1].progress.step > 11


def test_what_goes_wrong_in_it_is_said(process, small_sets):
    (failed,) = process.messages(job(small_sets, get_settings("net-8k", batch_size=512)))
    assert isinstance(failed, Failed)
    assert "512 images a batch are more than the 400 there are" in failed.words


def test_one_that_is_killed_is_noticed_at_once_and_takes_no_orders(process, small_sets):
    messages = process.messages(job(small_sets))
    next(messages)
    process.kill()
    with pytest.raises(ProcessError, match="ended in the middle"):
        for _ in messages:
            pass
    process.send(STOP)


def test_one_that_is_gone_before_its_job_says_so(process, small_sets):
    process.kill()
    with pytest.raises(ProcessError, match="ended in the middle"):
        next(process.messages(job(small_sets)))


def test_it_ends_with_its_server_however_that_ends():
    """All that write to the pipe must be gone before it ends: the server, which is killed, and its process."""
    code = """
import sys, numpy as np
from mnist_cnn.models import build_model
from mnist_cnn.jobs.process import TrainingProcess
from mnist_cnn.training.loop import recipe_settings
from mnist_cnn.jobs.worker import Job, weights_of

images, labels = np.zeros((64, 28, 28), np.uint8), np.arange(64) % 10
settings = recipe_settings("net-8k", epochs=100_000, batch_size=16)
job = Job(settings, weights_of(build_model("net-8k")), (images, labels), (images, labels))
idle, training = TrainingProcess(), TrainingProcess()
for news in training.messages(job):
    print(news.progress.step, flush=True)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        for _ in range(3):
            assert server.stdout.readline().strip().isdigit()
        server.kill()
        _, errors = server.communicate(timeout=30)
    assert errors == b""


def test_one_spare_is_kept_ready_and_taken_once(spare):
    spare.warm_up()
    spare.warm_up()
    first, second = spare.acquire(), spare.acquire()
    assert first.running and second.running
    assert first.pid != second.pid
    for process in (first, second):
        process.close()


def test_a_spare_that_died_is_not_given_away(spare):
    spare.warm_up()
    dead = spare.acquire()
    dead.close()
    spare._process = dead
    process = spare.acquire()
    assert process.running
    process.close()


def test_a_spare_that_nobody_takes_is_ended(monkeypatch):
    ended, close = threading.Event(), TrainingProcess.close
    monkeypatch.setattr(TrainingProcess, "end", lambda self: close(self) or ended.set())
    StandbyProcess(seconds=0.2).warm_up()
    assert ended.wait(30)
