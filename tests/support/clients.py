"""Visitors without a browser, who speak with the served app as its page does: they draw, and they train."""

import asyncio
import base64
import contextlib
import dataclasses
import io
import json
import urllib.request
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

from mnist_cnn.ui.training_form import TrainingForm
from tests.support import PROJECT
from tests.support.strokes import render

_EXAMPLES = PROJECT / "mnist_cnn" / "ui" / "components" / "sketchpad" / "sketchpad.json"


def drawings() -> list[str]:
    """The page's ten examples, 0 to 9, as the pad sends them."""
    data = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    urls = []
    for example in data["examples"]:
        file = io.BytesIO()
        render(example["strokes"], width=280 * data["width"]).save(file, "PNG")
        urls.append("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())
    return urls


class Events:
    """The numbers that a served page gives its events, by which it asks for them."""

    def __init__(self, url: str) -> None:
        with urllib.request.urlopen(f"{url}config") as answer:
            dependencies = json.load(answer)["dependencies"]
        self.read = next(entry for entry in dependencies if any(name == "input" for _, name in entry["targets"]))["id"]
        self.train = next(entry for entry in dependencies if entry["api_name"] == "train")["id"]


class Client:
    """One visit, over connections of its own.

    Args:
        url: of the served app.
        events: its events.
        session: the visit's name, another for each.
    """

    def __init__(self, url: str, events: Events, session: str) -> None:
        self._host = urlsplit(url).netloc
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self._events, self._session = events, session
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def draw(self, drawing: str, network: str = "net-25k") -> dict[str, Any] | None:
        """What the page would show of a drawing; None where the answer is an error."""
        body = {"data": [drawing, network, False, None], "fn_index": self._events.read, "session_hash": self._session}
        status, answer = await self._ask("POST", "run/predict", body)
        reading: dict[str, Any] | None = json.loads(json.loads(answer)["data"][0]) if status == 200 else None
        return reading

    async def train(self, network: str = "net-8k", percent: float = 100) -> AsyncGenerator[dict[str, Any], None]:
        """Train on a part of the training set, and give the run's messages as they come.

        Closing this drops the line, as leaving the page does.
        """
        choices = dataclasses.replace(TrainingForm.from_recipe(network, "default"), percent=percent)
        data = [*dataclasses.astuple(choices), False, None, None, None]  # without corrections; nothing is on the pad
        body = {"data": data, "fn_index": self._events.train, "session_hash": self._session}
        await self._ask("POST", "queue/join", body)
        reader, writer = await asyncio.open_connection(*self._address, limit=2**24)
        try:
            writer.write(self._request("GET", f"queue/data?session_hash={self._session}"))
            while line := await reader.readline():
                if not line.startswith(b"data: "):
                    continue
                message = json.loads(line[6:])
                yield message
                if message["msg"] == "close_stream":
                    break
        finally:
            writer.close()

    async def upload(self, content: bytes) -> None:
        """Send a file, as for `/predict`."""
        head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="digit.png"\r\n\r\n'
        await self._send("POST", "upload", head + content + b"\r\n--limit--\r\n", "multipart/form-data; boundary=limit")

    async def leave(self) -> None:
        """End the visit."""
        if self._line:
            self._line[1].close()
            with contextlib.suppress(OSError):
                await self._line[1].wait_closed()

    def _request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        head = f"{method} /gradio_api/{path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return await self._send(method, path, json.dumps(body).encode(), "application/json")

    async def _send(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        if self._line is None:
            self._line = await asyncio.open_connection(*self._address)
        reader, writer = self._line
        writer.write(self._request(method, path, body, kind))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        return int(head.split()[1]), await reader.readexactly(length)
