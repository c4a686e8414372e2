"""Gradio's queue while it is idle and after errors, and what it keeps of sessions."""

import asyncio
import threading
import time
from types import SimpleNamespace

import gradio as gr
import pytest

from mnist_cnn.ui.server import guarded_queue
from mnist_cnn.ui.server.guarded_blocks import GuardedBlocks
from mnist_cnn.ui.server.guarded_queue import GuardedQueue, SessionMessages
from tests.support.http_client import HttpClient


@pytest.fixture(scope="module")
def served():
    """A page with two events in a queue: one answers at once, the other when it is told to."""
    started, told = threading.Event(), threading.Event()

    def wait():
        started.set()
        told.wait(60)
        return "late answer"

    with GuardedBlocks(analytics_enabled=False) as demo:
        result = gr.Textbox()
        gr.Button().click(lambda: "answer", None, result, api_name="answer")
        gr.Button().click(wait, None, result, api_name="wait")
    demo.queue()
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    yield SimpleNamespace(demo=demo, url=url, started=started, told=told)
    told.set()
    demo.close()


def call(served, name):
    """Calls an event. Returns a function that waits, for a while, for a list with its answer."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(HttpClient(served.url).call(name, [])), daemon=True)
    thread.start()

    def wait():
        thread.join(20)
        return answers

    return wait


def test_queue_serves_everybody_after_an_error(served, monkeypatch, capsys):
    def fail(concurrency_id, after=None):
        if after is None:  # in the task that starts events
            monkeypatch.undo()
            raise KeyError("a session that is gone")

    earlier = call(served, "wait")
    assert served.started.wait(60)
    monkeypatch.setattr(served.demo._queue, "broadcast_estimations", fail)
    assert call(served, "answer")() == [("complete", ["answer"])]
    assert "The queue continues after an error: KeyError('a session that is gone')" in capsys.readouterr().err
    assert call(served, "answer")() == [("complete", ["answer"])]
    served.told.set()
    assert earlier() == [("complete", ["late answer"])]  # was not cancelled


def test_no_statistics_are_computed(served):
    """They would take longer than the event, of which there may be 10,000 in them."""
    assert call(served, "answer")() == [("complete", ["answer"])]
    assert served.demo._queue.cached_event_analytics_summary == {"functions": {}}


def test_idle_queue_rarely_looks_for_events(served, monkeypatch):
    polls = []
    monkeypatch.setattr(GuardedQueue, "__len__", lambda queue: polls.append(time.monotonic()) or 0)
    while len(polls) < 10:
        time.sleep(0.01)
    assert polls[9] - polls[0] > 9 * 0.019


def test_event_whose_session_is_gone_or_does_not_listen_is_ended(served, monkeypatch):
    monkeypatch.setattr(guarded_queue, "_MAX_UNREAD", 2)
    queue, message = served.demo._queue, SimpleNamespace(event_id=None)
    queue.pending_messages_per_session["deaf"] = asyncio.Queue()
    deaf, gone = (SimpleNamespace(_id="1", session_hash=name, alive=True) for name in ("deaf", "gone"))
    for _ in range(2):
        queue.send_message(deaf, message)
    assert deaf.alive
    for event in (deaf, gone):
        queue.send_message(event, message)
        assert not event.alive
    assert queue.pending_messages_per_session.pop("deaf").qsize() == 2


def test_sessions_that_were_used_last_are_kept(monkeypatch):
    monkeypatch.setattr(guarded_queue, "_MAX_SESSIONS", 2)
    event_ids = {name: {name} for name in "abc"}
    messages = SessionMessages(event_ids)
    for name in "ab":
        messages[name] = name
    assert messages["a"] == "a"
    messages["c"] = "c"
    assert list(messages) == ["a", "c"]
    assert list(event_ids) == ["a", "c"]
    with pytest.raises(KeyError):
        messages["b"]
