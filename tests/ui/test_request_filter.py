import asyncio
import itertools
import json
import logging
from urllib.parse import urlencode

import pytest
from starlette.exceptions import HTTPException

from mnist_cnn.ui.server import request_filter
from mnist_cnn.ui.server.connections import CONNECTIONS
from mnist_cnn.ui.server.rate_limit import RateLimiter
from mnist_cnn.ui.server.request_filter import RequestFilter
from tests.support.asgi import RUN, echo, request, run, scope, sender

JOIN = "/gradio_api/queue/join"


@pytest.mark.parametrize("path", [RUN, JOIN, "/gradio_api/upload"])
def test_body_is_forwarded(path):
    assert run(request(RequestFilter(echo), scope(path), sender(b"[1, ", b"2]"))) == (200, b"[1, 2]")


def test_too_many_predictions_are_rejected_until_others_end():
    async def slow(scope, receive, send):
        started.append(scope["client"][0])
        await gate.wait()
        await echo(scope, receive, send)

    async def begin(number, address):
        requests.extend(asyncio.create_task(request(app, scope(address=address), sender(b"{}"))) for _ in range(number))
        while started.count(address) < number:
            await asyncio.sleep(0)

    async def crowd():
        nonlocal gate
        gate = asyncio.Event()
        await begin(70, "192.0.2.1")
        of_the_same_address = await request(app, scope(), sender(b"{}"))
        await begin(30, "192.0.2.2")
        of_another = await request(app, scope(address="192.0.2.3"), sender(b"{}"))
        gate.set()
        assert {status for status, _ in await asyncio.gather(*requests)} == {200}
        return of_the_same_address, of_another, await request(app, scope(), sender(b"{}"))

    app, gate, started, requests = RequestFilter(slow), None, [], []
    *rejected, later = run(crowd())
    for status, body in rejected:
        assert status == 503
        assert json.loads(body)["error"] == "Server busy. Try again in a few seconds."
    assert later[0] == 200


def test_new_sessions_are_served_one_after_the_other(monkeypatch):
    async def crowd():
        app = RequestFilter(record)
        bodies = [json.dumps({"session_hash": f"new{number}"}).encode() for number in range(5)]
        answers = await asyncio.gather(*(request(app, scope(), sender(body)) for body in bodies))
        monkeypatch.setattr(request_filter, "_SECONDS_PER_NEW_SESSION", None)  # known ones do not wait
        return answers + [await request(app, scope(), sender(body)) for body in bodies]

    async def record(scope, receive, send):
        times.append(asyncio.get_running_loop().time())
        await echo(scope, receive, send)

    times = []
    monkeypatch.setattr(request_filter, "_SECONDS_PER_NEW_SESSION", 0.2)
    assert [status for status, _ in run(crowd())] == [200] * 10
    assert all(later - earlier > 0.15 for earlier, later in itertools.pairwise(times[:5]))


def test_slow_clients_do_not_count_as_predictions():
    async def never():
        await asyncio.Event().wait()

    async def crowd():
        app = RequestFilter(echo)
        waiting = [asyncio.create_task(request(app, scope(), never)) for _ in range(300)]
        await asyncio.sleep(0.05)
        answer = await request(app, scope(), sender(b"{}"))
        for task in waiting:
            task.cancel()
        return answer

    assert run(crowd()) == (200, b"{}")


def test_error_in_gradio_is_answered_with_a_message(caplog):
    async def broken(scope, receive, send):
        raise KeyError("fn_index")

    status, body = run(request(RequestFilter(broken), scope(), sender(b"{}")))
    assert status == 400
    assert json.loads(body)["detail"] == "Invalid request. Reload the page and try again."
    assert caplog.messages == ["Rejected POST '/gradio_api/run/predict': KeyError"]


def test_error_after_the_answer_has_begun_is_a_line_in_the_log(caplog):
    """As that of a stream of events for a session that is unknown."""

    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise HTTPException(404)

    assert run(request(RequestFilter(broken), scope("/gradio_api/queue/data?session_hash=x", "GET"))) == (200, b"")
    assert caplog.messages == ["Rejected GET '/gradio_api/queue/data': HTTPException"]


def test_log_is_limited(monkeypatch):
    monkeypatch.setattr("mnist_cnn.ui.server.rate_limit.time.monotonic", lambda: now)
    monkeypatch.setattr(request_filter._LOG_LIMIT, "_limiter", RateLimiter(60))
    now, written = 1000.0, []
    handler = logging.Handler()
    handler.emit = written.append
    names = ["uvicorn.error", "asyncio", request_filter.__name__]
    for logger in map(logging.getLogger, names):
        logger.addHandler(handler)
    try:
        for count in (60, 120):
            for number in range(300):
                logging.getLogger(names[number % 3]).warning("Invalid HTTP request received.")
            assert len(written) == count
            now += 60
    finally:
        for logger in map(logging.getLogger, names):
            logger.removeHandler(handler)


def test_gradios_answer_that_repeats_the_request_is_replaced():
    async def gradio(scope, receive, send):
        await send({"type": "http.response.start", "status": 422, "headers": []})
        await send({"type": "http.response.body", "body": b"what was sent"})

    status, body = run(request(RequestFilter(gradio), scope(JOIN), sender(b"{}")))
    assert status == 422
    assert json.loads(body)["detail"] == "Invalid request. Reload the page and try again."


@pytest.mark.parametrize("session", ["", "a" * 65, "a b", "ü", 7, ["a"]])
def test_invalid_session_is_rejected(session):
    """An empty session would stop Gradio's queue for everybody."""
    app, body = RequestFilter(echo), json.dumps({"data": [], "session_hash": session}).encode()
    for path in (RUN, JOIN, "/gradio_api/call/predict", "/gradio_api/cancel"):
        assert run(request(app, scope(path), sender(body)))[0] == 400


def test_events_of_an_invalid_session_are_not_sent():
    for session in ("", "a" * 65, "a b"):
        query = urlencode({"session_hash": session})
        for path in (f"/gradio_api/queue/data?{query}", f"/gradio_api/heartbeat/{session or ' '}"):
            assert run(request(RequestFilter(echo), scope(path, "GET")))[0] == 400


def test_request_without_a_session_is_forwarded():
    for session in (None, "a" * 64):
        body = json.dumps({"session_hash": session}).encode()
        assert run(request(RequestFilter(echo), scope("/gradio_api/call/predict"), sender(body))) == (200, body)


def test_body_that_is_no_json_is_rejected():
    for body in (b"{", b"\xff", b"[" * 100_000):
        assert run(request(RequestFilter(echo), scope(), sender(body)))[0] == 422


@pytest.mark.parametrize(
    ("path", "number", "body"),
    [
        (JOIN, 600, lambda _: b"{}"),
        ("/gradio_api/call/predict", 600, lambda _: b"{}"),
        ("/gradio_api/upload", 300, lambda _: b"file"),
        (RUN, 120, lambda i: json.dumps({"session_hash": f"new{i}"}).encode()),
    ],
)
def test_address_has_a_number_of_requests_each_minute(path, number, body, monkeypatch):
    monkeypatch.setattr("mnist_cnn.ui.server.rate_limit.time.monotonic", lambda: now)
    monkeypatch.setattr(request_filter, "_SECONDS_PER_NEW_SESSION", 0)  # the time stands still
    now, app = 1000.0, RequestFilter(echo)

    async def crowd():
        return {(await request(app, scope(path), sender(body(i))))[0] for i in range(number)}

    assert run(crowd()) == {200}
    status, text = run(request(app, scope(path), sender(body(number))))
    assert status == 429
    assert json.loads(text)["error"] == "Too many requests from your address. Try again in 61 seconds."
    assert run(request(app, scope(path, address="192.0.2.2"), sender(body(number + 1))))[0] == 200
    now += 60
    assert run(request(app, scope(path), sender(body(number + 2))))[0] == 200


def test_known_session_counts_once():
    async def crowd():
        app = RequestFilter(echo)
        return {(await request(app, scope(), sender(b'{"session_hash": "known"}')))[0] for _ in range(300)}

    assert run(crowd()) == {200}


def test_uploads_are_rejected_while_the_storage_is_full(tmp_path):
    with (tmp_path / "image.png").open("wb") as file:
        file.truncate(500 * 2**20)  # takes no space on the disk
    app = RequestFilter(echo, upload_folder=tmp_path)
    status, body = run(request(app, scope("/gradio_api/upload"), sender(b"file")))
    assert status == 503
    assert "storage for images is full" in json.loads(body)["error"]
    (tmp_path / "image.png").unlink()
    assert run(request(app, scope("/gradio_api/upload"), sender(b"file")))[0] == 200


def test_uploads_in_progress_count_with_the_size_that_they_may_have(tmp_path):
    with (tmp_path / "image.png").open("wb") as file:
        file.truncate(485 * 2**20)
    app = RequestFilter(echo, upload_folder=tmp_path)

    async def two_at_once():
        received = asyncio.Event()

        async def receive():
            received.set()
            return await message

        message = asyncio.get_running_loop().create_future()
        first = asyncio.create_task(request(app, scope("/gradio_api/upload"), receive))
        await received.wait()
        status, _ = await request(app, scope("/gradio_api/upload"), sender(b"file"))
        message.set_result({"type": "http.request", "body": b"file", "more_body": False})
        return status, (await first)[0]

    assert run(two_at_once()) == (503, 200)


def test_body_that_does_not_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr("mnist_cnn.ui.server.request_filter._BODY_SECONDS", 0.01)

    async def never():
        return await asyncio.Event().wait()

    for path in (RUN, "/gradio_api/upload"):
        assert run(request(RequestFilter(echo), scope(path), never))[0] == 408


def test_cookies_are_dropped():
    """Some versions of Python take seconds to parse a long one."""
    seen = []

    async def remember(scope, receive, send):
        seen.extend(name for name, _ in scope["headers"])
        await echo(scope, receive, send)

    run(request(RequestFilter(remember), scope(cookie="a" * 60_000, accept="*/*"), sender(b"{}")))
    assert seen == [b"accept"]


@pytest.mark.parametrize(
    ("host", "site", "status"),
    [
        ("localhost:7860", "cross-site", 403),
        ("127.0.0.1:7860", "cross-site", 403),
        ("[::1]:7860", "cross-site", 403),
        ("[::1]", "cross-site", 403),
        ("LOCALHOST.:7860", "cross-site", 403),
        ("app.localhost:7860", "cross-site", 403),
        ("0.0.0.0:7860", "cross-site", 403),
        ("localhost:7860", "same-origin", 200),
        ("example.hf.space", "cross-site", 200),
    ],
)
def test_other_sites_cannot_use_a_server_on_this_computer(host, site, status):
    headers = {"host": host, "sec_fetch_site": site}
    assert run(request(RequestFilter(echo), scope(**headers), sender(b"{}")))[0] == status


def test_other_sites_cannot_frame_the_page_and_no_foreign_script_runs():
    policies = []

    async def send(message):
        policies.extend(value.decode() for name, value in message.get("headers", []) if b"policy" in name)

    run(RequestFilter(echo)(scope("/", "GET"), sender(), send))
    rules = dict(rule.strip().split(" ", 1) for rule in policies[0].split(";"))
    assert rules["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"
    assert "https:" not in rules["script-src"] and rules["object-src"] == "'none'"


def test_open_event_stream_marks_its_session_as_listening():
    async def stream(scope, receive, send):
        open_streams.append(CONNECTIONS.is_listening("mine"))
        await echo(scope, receive, send)

    open_streams = []
    assert run(request(RequestFilter(stream), scope("/gradio_api/queue/data?session_hash=mine", "GET")))[0] == 200
    assert open_streams == [True]
    assert not CONNECTIONS.is_listening("mine")


@pytest.mark.parametrize("length", ["99999999999", "-1", "many"])
def test_invalid_or_large_content_length_is_rejected(length):
    status, body = run(request(RequestFilter(echo), scope(content_length=length)))
    assert status == 413
    assert json.loads(body)["error"] == "Request too large (limit 524,288 bytes)."


@pytest.mark.parametrize("path", ["/gradio_api/component_server", "/gradio_api/file=http://127.0.0.1:9/x"])
def test_unknown_path_is_not_found(path):
    status, body = run(request(RequestFilter(echo), scope(path)))
    assert status == 404
    assert json.loads(body)["error"] == "Not found."


def test_app_behind_a_prefix_is_found():
    mounted = scope("/mounted" + RUN) | {"root_path": "/mounted"}
    assert run(request(RequestFilter(echo), mounted, sender(b"{}"))) == (200, b"{}")


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
