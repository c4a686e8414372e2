"""Where the values of an event are converted, called without a server."""

import threading

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from mnist_cnn.ui.events import IMMEDIATE, IN_EVENT_LOOP
from mnist_cnn.ui.server.guarded_blocks import GuardedBlocks
from tests.support.asgi import run


def quoting(marks, threads):
    """A component that puts values between two marks, and notes the threads in which it does."""

    def convert(value):
        threads.add(threading.current_thread())
        return value.join(marks)

    component = gr.HTML()
    component.preprocess = component.postprocess = convert
    return component


@pytest.mark.parametrize(("options", "in_event_loop"), [(IN_EVENT_LOOP, True), (IMMEDIATE, False)])
def test_values_are_converted_in_the_event_loop_if_the_event_says_so(options, in_event_loop):
    threads = set()
    with GuardedBlocks(analytics_enabled=False) as demo:
        first, second, state = quoting("<>", threads), quoting("[]", threads), gr.State("state")
        gr.Button().click(lambda *values: ("".join(values), "d"), [first, state, second], [first, second], **options)
    session = SessionState(demo)
    session[second._id] = quoting("()", threads)  # as after an update

    async def answer():
        result = await demo.process_api(0, ["a", None, "c"], session)
        return result["data"], {threading.current_thread()}

    data, event_loop = run(answer())
    assert data == ["<<a>state(c)>", "(d)"]
    assert (threads == event_loop) == in_event_loop
