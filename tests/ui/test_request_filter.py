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
    """A client's end of a connection, which sends a body in parts and then waits."""
    parts = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    parts.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return parts.pop(0) if parts else await asyncio.Event().wait()

    return receive


async def request(app, scope, receive=None):
    """Status and body of the answer."""
    messages = []

    async def send(message):
        messages.append(message)

    await app(scope, receive or sender(), send)
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
    """In a thread of its own, since the browser of other tests keeps an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.mark.parametrize("path", [RUN, "/gradio_api/queue/join", "/gradio_api/upload"])
def test_body_is_forwarded(path):
    assert run(request(RequestFilter(echo), scope(path), sender(b"one ", b"two"))) == (200, b"one two")


def test_too_many_predictions_are_rejected_until_others_end():
    async def slow(scope, receive, send):
        await gate
        await echo(scope, receive, send)

    async def crowd():
        nonlocal gate
        gate = asyncio.get_running_loop().create_future()
        app = RequestFilter(slow)
        first = [asyncio.create_task(request(app, scope(), sender(b"x"))) for _ in range(100)]
        await asyncio.sleep(0.05)
        rejected = await request(app, scope())
        gate.set_result(None)
        assert {status for status, _ in await asyncio.gather(*first)} == {200}
        return rejected, await request(app, scope())

    gate = None
    rejected, later = run(crowd())
    assert rejected[0] == 503
    assert json.loads(rejected[1])["error"] == "Server busy. Try again in a few seconds."
    assert later[0] == 200


def test_slow_clients_do_not_count_as_predictions():
    async def never():
        await asyncio.Event().wait()

    async def crowd():
        app = RequestFilter(echo)
        waiting = [asyncio.create_task(request(app, scope(), never)) for _ in range(300)]
        await asyncio.sleep(0.05)
        answer = await request(app, scope(), sender(b"quick"))
        for task in waiting:
            task.cancel()
        return answer

    assert run(crowd()) == (200, b"quick")


def test_error_in_gradio_is_answered_with_a_message(capsys):
    async def broken(scope, receive, send):
        raise KeyError("fn_index")

    status, body = run(request(RequestFilter(broken), scope()))
    assert status == 400
    assert json.loads(body)["detail"] == "Invalid request. Reload the page and try again."
    assert capsys.readouterr().err == "Rejected POST '/gradio_api/run/predict': KeyError\n"


@pytest.mark.parametrize(
    ("status", "message"),
    [(503, "Queue full. Try again in a minute."), (422, "Invalid request. Reload the page and try again.")],
)
def test_gradios_own_answer_is_replaced(status, message):
    async def gradio(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"Queue is full. Max size is 30 and size is 30."})

    answered, body = run(request(RequestFilter(gradio), scope("/gradio_api/queue/join")))
    assert answered == status
    assert json.loads(body)["detail"] == message


@pytest.mark.parametrize("length", ["99999999999", "-1", "many"])
def test_invalid_or_large_content_length_is_rejected(length):
    status, body = run(request(RequestFilter(echo), scope(content_length=length)))
    assert status == 413
    assert json.loads(body)["error"] == "Request too large (limit 524,288 bytes)."


def test_unknown_path_is_not_found():
    status, body = run(request(RequestFilter(echo), scope("/gradio_api/component_server")))
    assert status == 404
    assert json.loads(body)["error"] == "Not found."


def test_app_behind_a_prefix_is_found():
    mounted = scope("/mounted" + RUN) | {"root_path": "/mounted"}
    assert run(request(RequestFilter(echo), mounted, sender(b"x"))) == (200, b"x")


def test_websocket_is_closed():
    sent = []

    async def send(message):
        sent.append(message)

    run(RequestFilter(echo)({"type": "websocket", "path": "/"}, sender(), send))
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize(("directories", "status"), [("/code", 200), ("", 404)])
def test_address_of_reload_mode_is_open_only_in_it(directories, status, monkeypatch):
    monkeypatch.setenv("GRADIO_WATCH_DIRS", directories)
    assert run(request(RequestFilter(echo), scope("/gradio_api/dev/reload", "GET")))[0] == status
