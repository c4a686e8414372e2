import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_cnn.ui.server.request_filter import RequestFilter

RUN = "/gradio_api/run/predict"


def scope(path=RUN, method="POST", **headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": named}


def sender(*bodies):
    """A visitor's end of a connection that sends a body in parts, and then stays."""
    parts = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    parts.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return parts.pop(0) if parts else await asyncio.Event().wait()

    return receive


async def knock(door, scope, receive=None):
    """Status and body of an answer."""
    messages = []

    async def send(message):
        messages.append(message)

    await door(scope, receive or sender(), send)
    start, *rest = messages
    return start["status"], b"".join(message["body"] for message in rest)


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def run(coroutine):
    """In a thread of its own, since the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.mark.parametrize("path", [RUN, "/gradio_api/queue/join", "/gradio_api/upload"])
def test_what_is_sent_arrives(path):
    assert run(knock(RequestFilter(echo), scope(path), sender(b"one ", b"two"))) == (200, b"one two")


def test_more_predictions_than_can_be_soon_done_are_turned_away_and_later_ones_are_not():
    async def busy(scope, receive, send):
        await gate
        await echo(scope, receive, send)

    async def crowd():
        nonlocal gate
        gate = asyncio.get_running_loop().create_future()
        door = RequestFilter(busy)
        first = [asyncio.create_task(knock(door, scope(), sender(b"x"))) for _ in range(100)]
        await asyncio.sleep(0.05)
        refused = await knock(door, scope())
        gate.set_result(None)
        assert {status for status, _ in await asyncio.gather(*first)} == {200}
        return refused, await knock(door, scope())

    gate = None
    refused, later = run(crowd())
    assert refused[0] == 503 and "Try again in a few seconds" in json.loads(refused[1])["error"]
    assert later[0] == 200


def test_who_sends_slowly_takes_nobodys_place():
    async def slow():
        await asyncio.Event().wait()

    async def crowd():
        door = RequestFilter(echo)
        waiting = [asyncio.create_task(knock(door, scope(), slow)) for _ in range(300)]
        await asyncio.sleep(0.05)
        answer = await knock(door, scope(), sender(b"quick"))
        for task in waiting:
            task.cancel()
        return answer

    assert run(crowd()) == (200, b"quick")


def test_errors_are_answered_in_words(capsys):
    async def broken(scope, receive, send):
        raise KeyError("fn_index")

    status, body = run(knock(RequestFilter(broken), scope()))
    assert status == 400
    assert json.loads(body)["detail"].startswith("The page does not offer what was asked of it.")
    assert capsys.readouterr().err == "Refused POST '/gradio_api/run/predict': KeyError\n"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, "Too many are waiting for their turn already. Try again in a minute."),
        (422, "The page does not offer what was asked of it. Reload the page and try again."),
    ],
)
def test_what_gradio_says_too_shortly_or_at_length_is_said_in_a_sentence(status, words):
    async def gradio(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"Queue is full. Max size is 30 and size is 30."})

    answered, body = run(knock(RequestFilter(gradio), scope("/gradio_api/queue/join")))
    assert answered == status
    assert json.loads(body)["detail"] == words


@pytest.mark.parametrize("length", ["99999999999", "-1", "many"])
def test_a_stated_length_is_believed_only_where_it_is_small(length):
    assert run(knock(RequestFilter(echo), scope(content_length=length)))[0] == 413


def test_what_is_behind_a_prefix_is_found():
    asked = scope("/mounted" + RUN) | {"root_path": "/mounted"}
    assert run(knock(RequestFilter(echo), asked, sender(b"x"))) == (200, b"x")


def test_sockets_are_closed():
    sent = []

    async def send(message):
        sent.append(message)

    run(RequestFilter(echo)({"type": "websocket", "path": "/"}, sender(), send))
    assert sent == [{"type": "websocket.close"}]
