"""An HTTP client that sends what the page would send, and what it would not."""

import base64
import http.client
import json
import urllib.parse
from typing import Any

from tests.support.digits import DIGITS
from tests.support.image_files import encode
from tests.support.strokes import render

PNG_PREFIX = "data:image/png;base64,"


def png_data_url(content: bytes) -> str:
    """What the sketchpad sends of a PNG file."""
    return PNG_PREFIX + base64.b64encode(content).decode()


FIVE_PNG = encode(render(DIGITS[5]))
FIVE_URL = png_data_url(FIVE_PNG)


class HttpClient:
    """Sends requests to the served app, over one connection."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Status and body of the response; a body that is not bytes is sent as JSON, NaN and infinity included."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8", "surrogatepass")
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, body, {"Content-Type": content_type})
                response = self.connection.getresponse()
                return response.status, response.read()
            except (http.client.HTTPException, ConnectionError):
                # The server may close a connection after a body that it did not read; but not twice.
                self.connection.close()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def upload(self, content: bytes, name: str = "digit.png") -> tuple[int, bytes]:
        """Upload a file, as for `/predict`."""
        head = f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        body = head + content + b"\r\n--limit--\r\n"
        return self.request("POST", "/gradio_api/upload", body, "multipart/form-data; boundary=limit")

    def call(self, api: str, data: list[Any]) -> tuple[str, Any]:
        """What an endpoint with a queue answers: the kind of its last event, and the data of that event."""
        status, body = self.request("POST", f"/gradio_api/call/{api}", {"data": data})
        if status != 200:
            return f"status {status}", body.decode()
        _, stream = self.request("GET", f"/gradio_api/call/{api}/{json.loads(body)['event_id']}")
        kind, text = [event for event in stream.decode().split("\n\n") if event][-1].split("\n")[:2]
        return kind.removeprefix("event: "), json.loads(text.removeprefix("data: "))

    def draw(self, drawing: Any = FIVE_URL, model: Any = "net-25k", **more: Any) -> tuple[int, bytes]:
        """What the sketchpad's own event answers; `more` replaces parts of the body."""
        body = {"data": [drawing, model, False, None, None], "fn_index": 0, "session_hash": "session"} | more
        return self.request("POST", "/gradio_api/run/predict", body)


def assert_works(client: HttpClient) -> None:
    """Assert that the app classifies a drawing as ever."""
    status, body = client.draw()
    assert status == 200
    assert json.loads(json.loads(body)["data"][0])["digit"] == "5"
