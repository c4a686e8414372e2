"""Users without a browser, who send the served app the requests that its page sends: they draw, upload and train."""

import base64
import dataclasses
import io
import json
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self

import httpx

from mnist_cnn.models import DEFAULT_MODEL
from mnist_cnn.ui.training_form import TrainingForm
from tests.support import PROJECT
from tests.support.strokes import render

_EXAMPLES = PROJECT / "mnist_cnn" / "ui" / "components" / "sketchpad" / "sketchpad.json"
_TIMEOUT = 60  # seconds, of any one request


def example_drawings() -> list[str]:
    """The page's ten examples, 0 to 9, as data URLs of PNG files, which is how the sketchpad sends a drawing."""
    data = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    urls = []
    for example in data["examples"]:
        file = io.BytesIO()
        render(example["strokes"], width=280 * data["width"]).save(file, "PNG")
        urls.append("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())
    return urls


class Events:
    """The IDs that a served page gives its events; requests name an event by its ID."""

    def __init__(self, url: str) -> None:
        dependencies = httpx.get(f"{url}config", trust_env=False).json()["dependencies"]
        self.draw = next(entry for entry in dependencies if any(name == "input" for _, name in entry["targets"]))["id"]
        self.label = next(entry for entry in dependencies if entry["api_name"] == "add_label")["id"]
        self.train = next(entry for entry in dependencies if entry["api_name"] == "train")["id"]


def loopback_address(number: int) -> str:
    """An address for client `number`, below 50,000, so that the limits of an address hold for each by itself. Linux."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


class Client:
    """One session; an async context manager.

    Args:
        url: of the served app.
        events: its events.
        session: the session's name, unique among clients.
        address: an address of this machine to send requests from, see `loopback_address`; None for any.
    """

    def __init__(self, url: str, events: Events, session: str, address: str | None = None) -> None:
        # Without the environment's proxies and certificates, which take 20 ms to load for each client.
        transport = httpx.AsyncHTTPTransport(verify=False, trust_env=False, local_address=address)
        self._http = httpx.AsyncClient(
            base_url=f"{url}gradio_api/", timeout=_TIMEOUT, trust_env=False, transport=transport
        )
        self._events, self._session = events, session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def draw(self, drawing: str, model: str = DEFAULT_MODEL, unfinished: bool = False) -> dict[str, Any] | None:
        """The prediction that the page would show for a drawing; None where the server answers with an error.

        Args:
            drawing: a data URL.
            model: the selected one.
            unfinished: whether the pen is down.
        """
        body = {
            "data": [{"unfinished": drawing} if unfinished else drawing, model, False, None, None],
            "fn_index": self._events.draw,
            "session_hash": self._session,
        }
        response = await self._http.post("run/predict", json=body)
        return json.loads(response.json()["data"][0]) if response.is_success else None

    async def train(self, model: str = "net-8k", percent: float = 100) -> AsyncGenerator[dict[str, Any], None]:
        """Train on a part of the training set, and yield the run's messages as they arrive.

        Closing the generator drops the connection, as closing the page does.
        """
        await self.join_training(model, percent)
        async with self._http.stream("GET", "queue/data", params={"session_hash": self._session}) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line.removeprefix("data: "))
                yield message
                if message["msg"] == "close_stream":
                    break

    async def join_training(self, model: str = "net-8k", percent: float = 100) -> None:
        """Start a run as `train`, without listening to its messages."""
        # The page's slider sends the fraction in percent.
        form = dataclasses.replace(TrainingForm.from_recipe(model, "default"), train_fraction=percent)
        data = [*dataclasses.astuple(form), False, None, None, None, None]  # without corrections, and a blank canvas
        body = {"data": data, "fn_index": self._events.train, "session_hash": self._session}
        (await self._http.post("queue/join", json=body)).raise_for_status()

    async def upload(self, content: bytes) -> None:
        """Upload an image file, as for `/predict`."""
        (await self._http.post("upload", files={"files": ("digit.png", content)})).raise_for_status()
