"""An HTTP filter: only the paths that the page uses, with bounded bodies and a bounded number of predictions."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

MAX_UPLOAD_BYTES = 10 * 2**20  # of an image file

_UPLOAD = "/gradio_api/upload"
_MAX_UPLOAD_BODY_BYTES = MAX_UPLOAD_BYTES + 2**16  # the multipart form adds some bytes to the file
_MAX_BODY_BYTES = 2**19  # of any other request; a drawing has a few thousand characters
_MAX_PREDICTIONS = 100  # in progress at the same time; more would wait for seconds

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
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/reset",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/gradio_api/upload_progress",
}
_FOLDERS = (
    "/assets/",
    "/static/",
    "/gradio_api/call/",
    "/gradio_api/file=",
    "/gradio_api/heartbeat/",
    "/gradio_api/run/",
)
_PREDICTIONS = ("/gradio_api/run/", "/gradio_api/call/")

_INVALID = "Invalid request. Reload the page and try again."
# Replace Gradio's own answers: for 422 it repeats the whole body, for 503 it says only how long its queue is.
_MESSAGES = {422: _INVALID, 503: "Queue full. Try again in a minute."}


class RequestFilter:
    """ASGI middleware that rejects, with a message in JSON, what the page never requests."""

    def __init__(self, app: _App) -> None:
        self._app = app
        self._num_predictions = 0  # in progress
        # Set by `gradio app.py`, whose page waits at this address for a change of the code.
        self._paths = _PATHS | ({"/gradio_api/dev/reload"} if os.environ.get("GRADIO_WATCH_DIRS") else set())

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _serve(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not self._is_allowed(path):
            return await _reject(send, 404, "Not found.")
        limit = _MAX_UPLOAD_BODY_BYTES if path.rstrip("/") == _UPLOAD else _MAX_BODY_BYTES
        too_large = f"Request too large (limit {limit:,} bytes)."
        content_length = dict(scope["headers"]).get(b"content-length", b"0")
        if not content_length.isdigit() or int(content_length) > limit:
            return await _reject(send, 413, too_large)
        received = 0

        async def bounded_receive() -> _Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, too_large)  # FastAPI turns it into an answer
            return message

        if scope["method"] != "POST" or not path.startswith(_PREDICTIONS):
            return await self._forward(scope, bounded_receive, send)
        try:
            # Read first, so that a client that sends slowly does not count as a prediction in progress.
            messages = await _read_body(bounded_receive)
        except HTTPException as error:
            return await _reject(send, error.status_code, error.detail)
        if self._num_predictions >= _MAX_PREDICTIONS:
            return await _reject(send, 503, "Server busy. Try again in a few seconds.")
        self._num_predictions += 1
        try:
            await self._forward(scope, lambda: _next(messages, receive), send)
        finally:
            self._num_predictions -= 1

    def _is_allowed(self, path: str) -> bool:
        if path.startswith("/gradio_api/file=http"):  # Gradio would fetch it
            return False
        return path in self._paths or path.rstrip("/") in self._paths or path.startswith(_FOLDERS)

    async def _forward(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Have Gradio answer; replace its answer if it raises, or if it is one of those in `_MESSAGES`."""
        answered = replaced = False

        async def checked_send(message: _Message) -> None:
            nonlocal answered, replaced
            if not answered and (text := _MESSAGES.get(message["status"])):
                replaced = True
                await _reject(send, message["status"], text)
            answered = True
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, checked_send)
        # Gradio looks up functions, components and sessions by what was sent, so a look-up may raise any error.
        except Exception as error:
            print(f"Rejected {scope['method']} {scope['path'][:80]!r}: {type(error).__name__}", file=sys.stderr)
            if answered:
                raise
            await _reject(send, 400, _INVALID)


async def _read_body(receive: _Receive) -> list[_Message]:
    """The messages of a request up to the end of its body."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


async def _next(messages: list[_Message], receive: _Receive) -> _Message:
    return messages.pop(0) if messages else await receive()


async def _reject(send: _Send, status: int, message: str) -> None:
    # Gradio's page shows `error` for an event outside the queue, and `detail` for one in it.
    body = json.dumps({"error": message, "detail": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
