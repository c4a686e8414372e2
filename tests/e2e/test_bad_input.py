"""Anyone can send anything: every answer is a sentence, and afterwards a good request still works."""

import base64
import contextlib
import http.client
import io
import json
import math
import urllib.parse
import warnings

import gradio as gr
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_cnn.preprocessing import BlankSketchError, preprocess_with_stages
from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from mnist_cnn.ui.components.label_feedback.label_feedback import selected_digit
from mnist_cnn.ui.components.model_choice.model_choice import ModelChoice
from mnist_cnn.ui.components.sketchpad.sketchpad import Sketchpad
from tests.preprocessing.test_decoding import encode, png_with_header
from tests.support import PROJECT
from tests.support.digits import DIGITS
from tests.support.handwriting import render
from tests.support.server import serve

PREFIX = "data:image/png;base64,"
GOOD = encode(render(DIGITS[5]))
GOOD_URL = PREFIX + base64.b64encode(GOOD).decode()
MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
SOME = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["net-25k", "user", "net-9k", "x.json", "/etc/passwd", "../weights/net-8k.pt", PREFIX, "data:,"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
odd_drawings = st.sampled_from(
    [
        PREFIX + base64.b64encode(content).decode()
        for content in (b"", b"no picture", GOOD[:-99], png_with_header(20_000, 20_000))
    ]
    + [PREFIX + "?", PREFIX.replace("png", "gif") + "AAAA", PREFIX.upper(), "data:", "\ud800", "\0"]
)


SOUND = [encode(Image.effect_noise((40, 30), 60), kind) for kind in IMAGE_FORMATS]


@st.composite
def damaged(draw):
    """A good picture file with some bytes changed, and perhaps without its end."""
    content = bytearray(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 6))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@MANY
@given(st.binary(max_size=200) | damaged())
def test_any_file_is_a_picture_or_refused(content):
    with contextlib.suppress(ImageError):
        picture = decode_image(content, IMAGE_FORMATS, 1_000_000, 500)
        assert max(picture.size) <= 500


@MANY
@given(json_values | odd_drawings | damaged().map(lambda content: PREFIX + base64.b64encode(content).decode()))
def test_any_drawing_is_ink_or_refused(payload):
    try:
        ink = Sketchpad().preprocess(payload)
    except gr.Error as error:
        assert error.message.endswith(".") and not error.print_exception
    else:
        assert ink is None or ink.mode == "L"


@st.composite
def pictures(draw):
    """Arrays of any small shape and kind that a sketch may have: even, noisy, with one odd pixel."""
    shape = (draw(st.integers(1, 40)), draw(st.integers(1, 40)), *draw(st.sampled_from([(), (1,), (3,), (4,)])))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = np.full(shape, draw(st.sampled_from([0.0, 0.5, 1.0])))
    if draw(st.booleans()):
        values = np.where(random.random(shape) < draw(st.floats(0, 1)), random.random(shape), values)
    if draw(st.booleans()):
        values[tuple(random.integers(0, side) for side in shape)] = draw(st.floats(allow_subnormal=True) | st.just(1.0))
    kind = draw(st.sampled_from(["uint8", "uint16", "bool", "float32", "float64"]))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (values * {"uint8": 255, "uint16": 65535}.get(kind, 1)).astype(kind)


@MANY
@given(pictures())
def test_any_array_becomes_an_image_or_is_said_to_be_none(sketch):
    try:
        image = preprocess_with_stages(sketch).image
    except BlankSketchError:
        return
    except ValueError as error:
        assert "finite" in str(error) or "outside 0 to 255" in str(error)
        return
    assert image.shape == (28, 28) and image.max() == 255


@MANY
@given(json_values)
def test_a_digit_is_pressed_or_refused(data):
    for event_data in (data, {"digit": data}):
        try:
            digit = selected_digit(gr.EventData(None, event_data))
        except gr.Error as error:
            assert not error.print_exception
        else:
            assert event_data["digit"] is digit and digit in range(10)


@MANY
@given(json_values)
def test_a_network_is_chosen_or_refused(payload):
    choice = ModelChoice(["net-25k", "net-8k"])
    try:
        assert choice.preprocess(payload) in ("net-25k", "net-8k")
    except gr.Error as error:
        assert not error.print_exception


class Client:
    """Speaks HTTP with the served app, over one connection."""

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=60)

    def ask(self, method, path, body=None, content_type="application/json"):
        """Status and body of an answer; what is no bytes is sent as JSON, with NaN and infinity as Python does."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8", "surrogatepass")
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, body, {"Content-Type": content_type})
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError):
                # The server may close a connection behind a body that it did not read; but not twice.
                self.connection.close()
                if attempt == 2:
                    raise

    def upload(self, content, name="digit.png"):
        head = f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        content = head + content + b"\r\n--limit--\r\n"
        return self.ask("POST", "/gradio_api/upload", content, "multipart/form-data; boundary=limit")

    def result(self, api, data):
        """What an endpoint with a queue answers: the kind of its last event, and that event's data."""
        status, answer = self.ask("POST", f"/gradio_api/call/{api}", {"data": data})
        if status != 200:
            return f"status {status}", answer.decode()
        _, stream = self.ask("GET", f"/gradio_api/call/{api}/{json.loads(answer)['event_id']}")
        kind, text = [event for event in stream.decode().split("\n\n") if event][-1].split("\n")[:2]
        return kind.removeprefix("event: "), json.loads(text.removeprefix("data: "))

    def draw(self, drawing=GOOD_URL, network="net-25k", **more):
        """What the pad's own event answers."""
        body = {"data": [drawing, network, False, None], "fn_index": 0, "session_hash": "visitor"} | more
        return self.ask("POST", "/gradio_api/run/predict", body)


def assert_well(client):
    """A good request is answered as ever."""
    status, answer = client.draw()
    assert status == 200
    assert json.loads(json.loads(answer)["data"][0])["digit"] == "5"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def server(log, small_root):
    """The app's address; afterwards it must read a drawing as ever and have left no trace of an error."""
    with log.open("wb") as file, serve(log=file, MNIST_ROOT=str(small_root)) as url:
        yield url
        assert_well(Client(url))
    assert "Traceback" not in log.read_text()


@pytest.fixture
def client(server):
    return Client(server)


def refused(status, answer, words=""):
    """Whether an answer is a short sentence that says what was wrong, without anything of the program."""
    said = json.loads(answer)
    text = said.get("error") or said.get("detail")
    text = text if isinstance(text, str) else json.dumps(text)
    return (
        400 <= status <= 503
        and words in text
        and len(text) < 1000
        and "Traceback" not in text
        and str(PROJECT) not in text
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"drawing": "digit.json"}, "not a PNG image"),
        ({"drawing": "/etc/passwd"}, "not a PNG image"),
        ({"drawing": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}, "Reload the page"),
        ({"drawing": PREFIX + "AAAA"}, "damaged"),
        ({"drawing": PREFIX + base64.b64encode(png_with_header(20_000, 20_000)).decode()}, "pixels"),
        ({"drawing": PREFIX + "A" * 400_000}, "too large"),
        ({"drawing": math.nan}, "not a PNG image"),
        ({"network": "net-9k"}, "Unknown model"),
        ({"network": "../weights/net-8k.pt"}, "Unknown model"),
        ({"network": None}, "Unknown model"),
        ({"network": ["net-8k"]}, "Unknown model"),
        ({"data": []}, "Reload the page"),
        ({"fn_index": 999}, "Reload the page"),
        ({"fn_index": -1}, "Reload the page"),
        ({"fn_index": "predict"}, "Reload the page"),
        ({"data": "no list"}, "Reload the page"),
        ({"fn_index": 1, "event_data": None}, "Invalid label"),
        ({"fn_index": 1, "event_data": {"digit": 1e308}}, "Invalid label"),
        ({"fn_index": 1, "event_data": {"digit": "3"}}, "Invalid label"),
    ],
)
def test_what_the_pad_would_not_send_is_refused_in_words(client, body, words):
    assert refused(*client.draw(**body), words)
    assert_well(client)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"{}", "damaged"),
        (GOOD[:200], "damaged"),
        (png_with_header(20_000, 20_000), "pixels"),
        (encode(Image.new("RGB", (1, 1))), "blank"),
        (encode(Image.new("L", (300, 300), 0)), "blank"),
        (encode(Image.new("L", (300, 300), 255)), "blank"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(client, content, words):
    status, answer = client.upload(content)
    assert status == 200
    kind, said = client.result("predict", [{"path": json.loads(answer)[0], "meta": {"_type": "gradio.FileData"}}])
    assert kind == "error" and words in said["error"]


def test_pictures_of_other_kinds_are_read(client):
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
        _, answer = client.upload(content)
        kind, data = client.result("predict", [{"path": json.loads(answer)[0], "meta": {"_type": "gradio.FileData"}}])
        assert (kind, data[0]["label"]) == ("complete", "5")


@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}], ids=["file", "no meta"])
@pytest.mark.parametrize(
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
def test_predict_reads_no_path_that_a_visitor_names(client, path, meta):
    kind, said = client.result("predict", [{"path": path} | meta])
    assert kind == "error"
    assert said["error"].endswith(".")


@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}], ids=["file", "no meta"])
def test_predict_reads_no_url_that_a_visitor_names(client, meta):
    for url in (GOOD_URL, "http://127.0.0.1:9/digit.png"):
        kind, said = client.result("predict", [{"path": None, "url": url} | meta])
        assert kind == "error" and said["error"].endswith(".")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app.py", str(PROJECT / "app.py"), "http://127.0.0.1:9/x", "..%2Fapp.py"]
)
def test_no_file_of_the_server_is_given_out(client, path):
    status, answer = client.ask("GET", f"/gradio_api/file={path}")
    assert status in (403, 404)
    assert len(answer) < 300


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/deep_link?session_hash=visitor"),
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
def test_addresses_that_the_page_does_not_use_are_closed(client, method, path):
    status, answer = client.ask(method, path, {} if method == "POST" else None)
    assert status == 404
    assert json.loads(answer)["error"] == "Not found."


@pytest.mark.parametrize("path", ["run/predict", "call/predict", "queue/join", "upload"])
def test_a_body_of_any_length_is_cut_short(client, path):
    assert refused(*client.ask("POST", f"/gradio_api/{path}", b" " * (12 * 2**20)), "bytes")

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
    assert_well(client)


def test_events_that_wait_cannot_be_called_past_the_queue(client):
    for name, inputs in (("predict", [None]), ("train", ["net-8k", "default"])):
        status, answer = client.ask("POST", f"/gradio_api/run/{name}", {"data": inputs})
        assert refused(status, answer, "queue")


@SOME
@given(st.lists(json_values | odd_drawings, max_size=5), st.integers(-1, 1), json_values)
def test_any_json_leaves_the_page_at_work(server, data, fn_index, event_data):
    client = Client(server)
    body = {"data": data, "fn_index": fn_index, "event_data": event_data, "session_hash": "fuzz"}
    status, answer = client.ask("POST", "/gradio_api/run/predict", body)
    assert status == 200 or refused(status, answer)


@SOME
@given(st.sampled_from(["run/predict", "call/predict", "call/none", "queue/join", "cancel"]), json_values | st.binary())
def test_any_body_leaves_the_page_at_work(server, path, body):
    client = Client(server)
    status, answer = client.ask("POST", f"/gradio_api/{path}", body)
    assert status == 200 or refused(status, answer)


def test_deeply_nested_json_is_refused(client):
    for path in ("run/predict", "call/predict"):
        for body in (b"[" * 100_000, b'{"data": [' + b"[" * 900 + b"]" * 900 + b"]}"):
            status, answer = client.ask("POST", f"/gradio_api/{path}", body)
            assert status == 200 or refused(status, answer)
    assert_well(client)
