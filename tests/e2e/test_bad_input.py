"""Anyone can send anything: every response is a message, and afterwards a good request still works."""

import contextlib
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support import PROJECT
from tests.support.digits import DIGITS
from tests.support.fuzzing import invalid_drawings, json_values
from tests.support.http_client import FIVE_PNG, FIVE_URL, PNG_PREFIX, HttpClient, assert_works, png_data_url
from tests.support.image_files import encode, png_with_header
from tests.support.strokes import render


@pytest.fixture
def client(url):
    """An HTTP client of the app, which must work as ever after the test."""
    client = HttpClient(url)
    yield client
    assert_works(client)


def is_rejected(status, body, message=""):
    """Whether a response is a short sentence that says what was wrong, and reveals nothing of the program."""
    response = json.loads(body)
    text = response.get("error") or response.get("detail")
    text = text if isinstance(text, str) else json.dumps(text)
    return (
        400 <= status <= 503
        and message in text
        and len(text) < 1000
        and "Traceback" not in text
        and str(PROJECT) not in text
    )


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        ({"drawing": "digit.json"}, "not a PNG image"),
        ({"drawing": "/etc/passwd"}, "not a PNG image"),
        ({"drawing": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}, "Reload the page"),
        ({"drawing": PNG_PREFIX + "AAAA"}, "damaged"),
        ({"drawing": png_data_url(png_with_header(20_000, 20_000))}, "pixels"),
        ({"drawing": PNG_PREFIX + "A" * 400_000}, "too large"),
        ({"drawing": math.nan}, "not a PNG image"),
        ({"model": "net-9k"}, "Unknown model"),
        ({"model": "../weights/net-8k.pt"}, "Unknown model"),
        ({"model": None}, "Unknown model"),
        ({"model": ["net-8k"]}, "Unknown model"),
        ({"data": []}, "Reload the page"),
        ({"fn_index": 999}, "Reload the page"),
        ({"fn_index": -1}, "Reload the page"),
        ({"fn_index": "predict"}, "Reload the page"),
        ({"data": "no list"}, "Reload the page"),
    ],
)
def test_invalid_prediction_request_is_rejected_with_the_reason(client, request_body, message):
    assert is_rejected(*client.draw(**request_body), message)


@pytest.mark.parametrize("event_data", [None, {"digit": 1e308}, {"digit": "3"}])
def test_invalid_label_is_rejected(client, events, event_data):
    assert is_rejected(*client.draw(fn_index=events.label, event_data=event_data), "Invalid label")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"{}", "damaged"),
        (FIVE_PNG[:200], "damaged"),
        (png_with_header(20_000, 20_000), "pixels"),
        (encode(Image.new("RGB", (1, 1))), "blank"),
        (encode(Image.new("L", (300, 300), 0)), "blank"),
        (encode(Image.new("L", (300, 300), 255)), "blank"),
    ],
)
def test_unusable_file_is_rejected_with_the_reason(client, content, message):
    status, body = client.upload(content)
    assert status == 200
    kind, data = client.call("predict", [{"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}])
    assert kind == "error" and message in data["error"]


def test_images_of_other_formats_are_classified(client):
    drawing = Image.new("RGB", (280, 280), "white")
    drawing.paste(render(DIGITS[5]), mask=render(DIGITS[5]))
    deep = Image.fromarray(np.asarray(drawing.convert("L")).astype(np.uint16) * 257)
    large = drawing.resize((3000, 3000))
    animated = io.BytesIO()
    drawing.save(animated, "GIF", save_all=True, append_images=[Image.new("RGB", drawing.size)])
    for content in (
        encode(deep),
        encode(large),
        encode(drawing, "JPEG"),
        encode(drawing, "WEBP"),
        animated.getvalue(),
    ):
        _, body = client.upload(content)
        kind, data = client.call("predict", [{"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}])
        assert (kind, data[0]["label"]) == ("complete", "5")


NOT_FOUND = "The uploaded file was not found. Upload the image again."
META = pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}], ids=["file", "no meta"])
PATHS = pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        str(PROJECT / "docs" / "draw.png"),
        "docs/draw.png",
        "../docs/draw.png",
        "digit.json",
        "http://127.0.0.1:9/digit.png",
        "file:///etc/passwd",
        "",
        "\0",
        7,
        None,
    ],
)


@META
@PATHS
def test_canvas_opens_no_path_from_a_request(client, path, meta):
    status, body = client.draw({"path": path} | meta)
    if status == 200:
        value = json.loads(json.loads(body)["data"][0])
        assert (value["state"], value["message"]) == ("empty", NOT_FOUND)
    else:
        assert is_rejected(status, body)


@META
@PATHS
def test_predict_opens_no_path_from_a_request(client, path, meta):
    kind, data = client.call("predict", [{"path": path} | meta])
    assert kind == "error"
    assert data["error"].endswith(".")


@META
def test_predict_opens_no_url_from_a_request(client, meta):
    for url in (FIVE_URL, "http://127.0.0.1:9/digit.png"):
        kind, data = client.call("predict", [{"path": None, "url": url} | meta])
        assert kind == "error" and data["error"].endswith(".")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app.py", str(PROJECT / "app.py"), "http://127.0.0.1:9/x", "..%2Fapp.py"]
)
def test_no_file_of_the_server_is_served(client, path):
    status, body = client.request("GET", f"/gradio_api/file={path}")
    assert status in (403, 404)
    assert len(body) < 300


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/deep_link?session_hash=session"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:9/"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit/"),
        ("GET", "/gradio_api/vibe-code/"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/gradio_api/runs"),
        ("POST", "/gradio_api/stream/x"),
        ("GET", "/docs"),
        ("GET", "/nothing"),
    ],
)
def test_unused_urls_are_closed(client, method, path):
    status, body = client.request(method, path, {} if method == "POST" else None)
    assert status == 404
    assert json.loads(body)["error"] == "Not found."


@pytest.mark.parametrize("path", ["run/predict", "call/predict", "queue/join", "upload"])
def test_too_large_body_is_rejected(client, path):
    assert is_rejected(*client.request("POST", f"/gradio_api/{path}", b" " * (12 * 2**20)), "bytes")

    def endless():
        for _ in range(200):
            yield b" " * 2**17

    # Without a stated length; the connection may be closed under what is left of it.
    with contextlib.suppress(ConnectionError):
        client.connection.request(
            "POST", f"/gradio_api/{path}", endless(), {"Content-Type": "application/json"}, encode_chunked=True
        )
        assert 400 <= client.connection.getresponse().status < 500
    client.connection.close()


def test_queued_events_cannot_bypass_the_queue(client):
    for name, inputs in (("predict", [None]), ("train", ["net-8k", "default"])):
        status, body = client.request("POST", f"/gradio_api/run/{name}", {"data": inputs})
        assert is_rejected(status, body, "queue")


@given(st.lists(json_values | invalid_drawings, max_size=5), st.integers(-1, 1), json_values)
def test_any_json_is_processed_or_rejected(client, data, fn_index, event_data):
    content = {"data": data, "fn_index": fn_index, "event_data": event_data, "session_hash": "fuzz"}
    status, body = client.request("POST", "/gradio_api/run/predict", content)
    assert status == 200 or is_rejected(status, body)


@given(st.sampled_from(["run/predict", "call/predict", "call/none", "queue/join", "cancel"]), json_values | st.binary())
def test_any_body_is_processed_or_rejected(client, path, content):
    status, body = client.request("POST", f"/gradio_api/{path}", content)
    assert status == 200 or is_rejected(status, body)


def test_deeply_nested_json_is_processed_or_rejected(client):
    for path in ("run/predict", "call/predict"):
        for content in (b"[" * 100_000, b'{"data": [' + b"[" * 900 + b"]" * 900 + b"]}"):
            status, body = client.request("POST", f"/gradio_api/{path}", content)
            assert status == 200 or is_rejected(status, body)
