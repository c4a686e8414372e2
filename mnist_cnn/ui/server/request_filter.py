"""An HTTP filter: only the paths that the page uses, with bounded bodies and a bounded number of requests."""

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException

from .connections import CONNECTIONS
from .log_limit import LogLimit
from .rate_limit import KnownNames, RateLimiter

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

MAX_UPLOAD_BYTES = 10 * 2**20  # of an image file

_MAX_UPLOAD_BODY_BYTES = MAX_UPLOAD_BYTES + 2**16  # the multipart form adds some bytes to the file
_MAX_BODY_BYTES = 2**19  # of any other request: a drawing has a few thousand characters, a file up to 400,000
_MAX_UPLOADS_BYTES = 500 * 2**20  # of all files together that are kept on the server
_BODY_SECONDS = 60.0  # until the whole body has arrived

# Predictions in progress at the same time, of all clients and of one address, behind which a class may sit. More would
# wait for seconds.
_MAX_PREDICTIONS, _MAX_PREDICTIONS_PER_CLIENT = 100, 70
# Requests of one address in a minute, and those of sessions that are new or were not seen for long.
_PER_MINUTE = {"joins": 600, "uploads": 300, "sessions": 120}
_MAX_SESSIONS = 2000  # that are remembered
_SECONDS_PER_NEW_SESSION = 0.03  # Gradio computes for 12 ms for each, and drawings must not wait for many of them

_UPLOAD, _JOIN, _EVENTS = "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/queue/data"
# Gradio serves many more, which fetch URLs, write files, edit the page's code or show who uses it.
_PATHS = {
    "/",
    "/config",
    "/favicon.ico",
    "/manifest.json",
    "/pwa_icon",
    "/robots.txt",
    "/theme.css",
    _UPLOAD,
    "/gradio_api/app_id",
    "/gradio_api/cancel",
    "/gradio_api/info",
    "/gradio_api/openapi.json",
    _EVENTS,
    _JOIN,
    "/gradio_api/reset",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/gradio_api/upload_progress",
}
_FILES = re.compile(r"/(assets|static)/.+|/gradio_api/file=(?!http).+")  # of a URL it would fetch the file
_PREDICTION = re.compile(r"/gradio_api/(run|call|call/v2)/\w+/?")
_CALL_EVENTS = re.compile(r"/gradio_api/call/(v2/)?\w+/\w+")
_HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")
# A session's name, of which Gradio keeps tables. An empty one would stop its queue.
_SESSION = re.compile("[A-Za-z0-9_-]{1,64}")

_INVALID = "Invalid request. Reload the page and try again."
# Hugging Face may frame the page, and no other site. No plug-in and no foreign script may run; Gradio itself compiles
# scripts and templates in the page.
_HEADERS = {
    "content-security-policy": (
        "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
    ),
    "x-content-type-options": "nosniff",
}


_log = logging.getLogger(__name__)
_LOG_LIMIT = LogLimit()
for _logger in (_log, logging.getLogger("uvicorn.error"), logging.getLogger("asyncio")):
    _logger.addFilter(_LOG_LIMIT)


class RequestFilter:
    """ASGI middleware that rejects, with a message in JSON, what the page never requests.

    Args:
        app: what it protects.
        upload_folder: where Gradio keeps uploaded files and downloads; its size is bounded.
    """

    def __init__(self, app: _App, upload_folder: Path | None = None) -> None:
        self._app = app
        self._upload_folder = upload_folder
        self._num_predictions: dict[str, int] = {}  # in progress, by address
        self._num_uploads = 0  # in progress
        self._limits = {name: RateLimiter(number) for name, number in _PER_MINUTE.items()}
        self._sessions = KnownNames(_MAX_SESSIONS)
        self._new_session = asyncio.Lock()
        # Set by `gradio app.py`, whose page waits at this address for a change of the code.
        self._paths = _PATHS | ({"/gradio_api/dev/reload"} if os.environ.get("GRADIO_WATCH_DIRS") else set())

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            # Old versions of Python take seconds to parse a long cookie (CVE-2024-7592).
            scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]
            try:
                await self._serve(scope, receive, send)
            except HTTPException as error:
                await _reject(send, error.status_code, error.detail, error.headers)
        else:
            await send({"type": "websocket.close"})

    async def _serve(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        headers = dict(scope["headers"])
        if not self._is_allowed(path):
            raise HTTPException(404, "Not found.")
        if scope["method"] == "POST" and headers.get(b"sec-fetch-site") == b"cross-site" and _is_local(headers):
            raise HTTPException(403, "Another site may not use a server on this computer.")
        is_upload = path.rstrip("/") == _UPLOAD
        receive = _bounded(receive, headers, _MAX_UPLOAD_BODY_BYTES if is_upload else _MAX_BODY_BYTES)
        if scope["method"] == "POST" and is_upload:
            await self._serve_upload(scope, receive, send)
        elif scope["method"] == "POST":
            await self._serve_post(path, scope, receive, send)
        elif path == _EVENTS:
            session = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
            await self._admit_session(session, _address(scope))
            with CONNECTIONS.stream(session):
                await self._forward(scope, receive, send)
        else:
            if heartbeat := _HEARTBEAT.fullmatch(path):
                await self._admit_session(heartbeat[1], _address(scope))
            await self._forward(scope, receive, send)

    async def _serve_upload(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve an upload if there is room for it, and for those in progress, as large as they may be."""
        self._check_rate("uploads", _address(scope))
        expected = (self._num_uploads + 1) * _MAX_UPLOAD_BODY_BYTES
        if self._upload_folder and _size(self._upload_folder) + expected > _MAX_UPLOADS_BYTES:
            text = "The server's storage for images is full. Old images are deleted within 70 minutes: try again then."
            raise HTTPException(503, text, {"Retry-After": "600"})
        self._num_uploads += 1
        try:
            await self._forward(scope, receive, send)
        finally:
            self._num_uploads -= 1

    async def _serve_post(self, path: str, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve a request whose body is JSON."""
        address = _address(scope)
        # Read first, so that a client that sends slowly does not count as a prediction in progress.
        messages = await _read_body(receive)
        try:
            content = json.loads(b"".join(message.get("body", b"") for message in messages))
        except (ValueError, RecursionError) as error:
            raise HTTPException(422, _INVALID) from error
        if isinstance(content, dict) and content.get("session_hash") is not None:
            await self._admit_session(content["session_hash"], address)
        is_prediction = _PREDICTION.fullmatch(path)
        if path.rstrip("/") == _JOIN or (is_prediction and is_prediction[1] != "run"):
            self._check_rate("joins", address)
        if not is_prediction:
            return await self._forward(scope, lambda: _next(messages, receive), send)
        of_address = self._num_predictions.get(address, 0)
        if sum(self._num_predictions.values()) >= _MAX_PREDICTIONS or of_address >= _MAX_PREDICTIONS_PER_CLIENT:
            raise HTTPException(503, "Server busy. Try again in a few seconds.", {"Retry-After": "3"})
        self._num_predictions[address] = of_address + 1
        try:
            await self._forward(scope, lambda: _next(messages, receive), send)
        finally:
            self._num_predictions[address] -= 1
            if not self._num_predictions[address]:
                del self._num_predictions[address]

    async def _admit_session(self, session: object, address: str) -> None:
        """Return if a session's name is valid; for new ones one after the other."""
        if not isinstance(session, str) or not _SESSION.fullmatch(session):
            raise HTTPException(400, _INVALID)
        if not self._sessions.add(session):
            self._check_rate("sessions", address)
            async with self._new_session:
                await asyncio.sleep(_SECONDS_PER_NEW_SESSION)

    def _check_rate(self, name: str, address: str) -> None:
        if seconds := self._limits[name].seconds_to_wait(address):
            text = f"Too many requests from your address. Try again in {seconds} seconds."
            raise HTTPException(429, text, {"Retry-After": str(seconds)})

    def _is_allowed(self, path: str) -> bool:
        patterns = (_FILES, _PREDICTION, _CALL_EVENTS, _HEARTBEAT)
        is_named = path in self._paths or path.rstrip("/") in self._paths
        return is_named or any(pattern.fullmatch(path) for pattern in patterns)

    async def _forward(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Have Gradio answer; replace its answer if it raises, or if it is 422, which repeats the whole body."""
        answered = replaced = False

        async def checked_send(message: _Message) -> None:
            nonlocal answered, replaced
            if not answered and message["status"] == 422:
                replaced = True
                await _reject(send, 422, _INVALID)
            elif not answered:
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            answered = True
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, checked_send)
        # Gradio looks up functions, components and sessions by what was sent, so a look-up may raise any error.
        except Exception as error:
            if isinstance(error, HTTPException) and not answered:
                raise
            _log.warning("Rejected %s %r: %s", scope["method"], scope["path"][:80], type(error).__name__)
            if not answered:  # else the server closes the connection
                raise HTTPException(400, _INVALID) from error


def _is_local(headers: dict[bytes, bytes]) -> bool:
    """Whether the request was sent to this computer by one of its own names."""
    host = re.sub(r":\d*$", "", headers.get(b"host", b"").decode("latin-1")).lower().rstrip(".")  # without the port
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 leads here, too


def _address(scope: _Message) -> str:
    """The client's address; behind a proxy that `FORWARDED_ALLOW_IPS` names, the one that the proxy states."""
    return scope["client"][0] if scope.get("client") else ""


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; they may disappear meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _bounded(receive: _Receive, headers: dict[bytes, bytes], limit: int) -> _Receive:
    """`receive`, which raises an `HTTPException` where the body is larger than `limit` bytes or comes too slowly."""
    too_large = HTTPException(413, f"Request too large (limit {limit:,} bytes).")
    content_length = headers.get(b"content-length", b"0")
    if not content_length.isdigit() or int(content_length) > limit:
        raise too_large
    received, complete = 0, False
    deadline = time.monotonic() + _BODY_SECONDS

    async def bounded_receive() -> _Message:
        nonlocal received, complete
        if complete:  # waits until the client disconnects
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), deadline - time.monotonic())
        except TimeoutError as error:
            raise HTTPException(408, f"The request did not arrive within {_BODY_SECONDS:.0f} seconds.") from error
        received += len(message.get("body", b""))
        complete = not message.get("more_body")
        if received > limit:
            raise too_large
        return message

    return bounded_receive


async def _read_body(receive: _Receive) -> list[_Message]:
    """The messages of a request up to the end of its body."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


async def _next(messages: list[_Message], receive: _Receive) -> _Message:
    return messages.pop(0) if messages else await receive()


async def _reject(send: _Send, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
    # Gradio's page shows `error` for an event outside the queue, and `detail` for one in it.
    body = json.dumps({"error": message, "detail": message}).encode()
    named = {"content-type": "application/json", "content-length": str(len(body)), **_HEADERS, **(headers or {})}
    raw = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
