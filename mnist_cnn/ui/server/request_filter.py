"""What of HTTP is let in to the page: the addresses that it uses, with bodies and crowds of bounded size."""

import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

UPLOAD_BYTES = 10 * 2**20  # of a picture file

_UPLOAD = "/gradio_api/upload"
_UPLOAD_BODY_BYTES = UPLOAD_BYTES + 2**16  # with what the form puts around the file
_BODY_BYTES = 2**19  # of any other request; the pad's drawings have a few thousand characters
_AT_ONCE = 100  # predictions under way, of which two processors do one or two at a time

# Gradio has many more: they fetch addresses, write files, edit the page's code or show who uses it.
_PATHS = {
    "/",
    "/config",
    "/favicon.ico",
    "/manifest.json",
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

_NOT_OFFERED = "The page does not offer what was asked of it. Reload the page and try again."
# In place of Gradio's: of a body that does not fit it gives all back, and of a full queue the length alone.
_WORDS = {422: _NOT_OFFERED, 503: "Too many are waiting for their turn already. Try again in a minute."}


class RequestFilter:
    """ASGI middleware that refuses in a sentence of JSON what the page never asks for."""

    def __init__(self, app: _App) -> None:
        self._app = app
        self._predictions = 0  # under way

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
        if not _offered(path):
            return await _refuse(send, 404, "There is nothing at this address.")
        limit = _UPLOAD_BODY_BYTES if path.rstrip("/") == _UPLOAD else _BODY_BYTES
        too_large = f"That is more than the {limit:,} bytes that are taken. Send less."
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > limit:
            return await _refuse(send, 413, too_large)
        received = 0

        async def bounded_receive() -> _Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, too_large)  # which FastAPI lets through, and answers
            return message

        if scope["method"] != "POST" or not path.startswith(_PREDICTIONS):
            return await self._enter(scope, bounded_receive, send)
        try:
            messages = await _whole(bounded_receive)  # who sends slowly counts among the predictions from here on
        except HTTPException as error:
            return await _refuse(send, error.status_code, error.detail)
        if self._predictions >= _AT_ONCE:
            return await _refuse(send, 503, "Too many are drawing at this moment. Try again in a few seconds.")
        self._predictions += 1
        try:
            await self._enter(scope, lambda: _next(messages, receive), send)
        finally:
            self._predictions -= 1

    async def _enter(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Have Gradio answer, and answer in its place where it raises or turns away in words of its own."""
        answered = replaced = False

        async def noting_send(message: _Message) -> None:
            nonlocal answered, replaced
            if not answered and (words := _WORDS.get(message["status"])):
                replaced = True
                await _refuse(send, message["status"], words)
            answered = True
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, noting_send)
        # Gradio looks up functions, components and sessions by what was sent, and raises what such a look-up does.
        except Exception as error:
            print(f"Refused {scope['method']} {scope['path'][:80]!r}: {type(error).__name__}", file=sys.stderr)
            if answered:
                raise
            await _refuse(send, 400, _NOT_OFFERED)


async def _whole(receive: _Receive) -> list[_Message]:
    """The messages of a request, up to the end of its body."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


async def _next(messages: list[_Message], receive: _Receive) -> _Message:
    return messages.pop(0) if messages else await receive()


def _offered(path: str) -> bool:
    if path.startswith("/gradio_api/file=http"):  # what others offer, not this page
        return False
    return path in _PATHS or path.rstrip("/") in _PATHS or path.startswith(_FOLDERS)


async def _refuse(send: _Send, status: int, words: str) -> None:
    # Gradio's page shows `error` of an event without a queue, and `detail` of one with a queue.
    body = json.dumps({"error": words, "detail": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
