"""The endpoint `/predict`, for programs."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from deploy.space import CPU, stage
from mnist_cnn.classifier import load_classifier
from tests.support import PROJECT
from tests.support.digits import DIGITS
from tests.support.http_client import HttpClient
from tests.support.numbers import number
from tests.support.server import free_port, wait_for
from tests.support.strokes import render

ENDPOINTS = ["/predict", "/predict_number"]


@pytest.fixture
def client(url):
    return HttpClient(url)


def write_image(file):
    """A blue 5 on white paper as an image file; returns the image."""
    page = Image.new("RGB", (280, 280), "white")
    page.paste(render(DIGITS[5], ink=(20, 40, 160)), mask=render(DIGITS[5]))
    page.save(file)
    return page


def test_predict_returns_probabilities_to_the_gradio_client(url, tmp_path):
    file = tmp_path / "digit.png"
    page = write_image(file)
    client = Client(url, verbose=False)
    assert [name for name in client.view_api(return_format="dict")["named_endpoints"]] == ENDPOINTS
    result = client.predict(handle_file(file), api_name="/predict")
    assert result["label"] == "5"
    confidences = {entry["label"]: entry["confidence"] for entry in result["confidences"]}
    expected = load_classifier().predict(page).probabilities
    assert confidences == pytest.approx({str(digit): float(share) for digit, share in enumerate(expected)}, abs=1e-5)
    render([[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]]).save(file)  # an X
    assert client.predict(handle_file(file), api_name="/predict")["label"] == "no digit"
    with pytest.raises(Exception, match="no image"):
        client.predict(None, api_name="/predict")


def test_predict_number_returns_digits_to_the_gradio_client(url, tmp_path):
    file = tmp_path / "number.png"
    drawing = render(number("42", 0.4, 0.1), width=12)
    drawing.save(file)
    expected = load_classifier().predict_number(drawing)
    assert Client(url, verbose=False).predict(handle_file(file), api_name="/predict_number") == {
        "text": "42",
        "digits": [
            {"label": label, "confidence": pytest.approx(digit.confidence, abs=1e-5), "box": list(box)}
            for label, digit, box in zip("42", expected.digits, expected.boxes, strict=True)
        ],
    }


def documented_commands():
    """The shell commands of the documentation: those of `gradio predict`, and those of curl."""
    text = (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8").split("## The HTTP API")[1]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[:2]


def run_commands(commands, url, folder):
    """What documented commands print; they name the page's address and a file seven.png."""
    script = commands.replace("http://127.0.0.1:7860", url.rstrip("/"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_documented_commands_classify_a_file(url, tmp_path):
    page = write_image(tmp_path / "seven.png")
    expected = pytest.approx(load_classifier().predict(page).confidence, abs=1e-5)
    gradio_predict, curl = (run_commands(commands, url, tmp_path) for commands in documented_commands())
    result = json.loads(gradio_predict)["prediction"]
    assert (result["label"], result["confidences"][0]["confidence"]) == ("5", expected)
    kind, data = curl.strip().split("\n")[-2:]
    assert kind == "event: complete"
    (result,) = json.loads(data.removeprefix("data: "))
    assert (result["label"], result["confidences"][0]["confidence"]) == ("5", expected)


def test_agents_find_the_parameters_of_predict(client):
    # The hub's agents.md sends agents to this address, and from there to the requests that curl makes above.
    status, body = client.request("GET", "/gradio_api/info")
    endpoints = json.loads(body)["named_endpoints"]
    assert status == 200 and list(endpoints) == ENDPOINTS
    for endpoint in endpoints.values():
        assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == ["image"]
    assert "no digit" in endpoints["/predict"]["description"]


def test_page_has_an_icon_of_its_own(client):
    _, manifest = client.request("GET", "/manifest.json")
    (icon,) = json.loads(manifest)["icons"]
    file = (PROJECT / "mnist_cnn" / "ui" / "icon.svg").read_bytes()
    assert client.request("GET", icon["src"]) == client.request("GET", "/favicon.ico") == (200, file)


def touch_until(file, event):
    """Change a file again and again, as the first time may be before it is watched."""
    while not event.wait(0.5):
        file.touch()


@pytest.mark.slow
def test_reload_mode_tells_the_page_about_a_change(tmp_path):
    folder = tmp_path / "copy"
    stage(folder, "someone/sketchpad", CPU)
    port = free_port()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "NO_PROXY": "127.0.0.1"}
    command = [Path(sys.executable).with_name("gradio"), "app.py"]
    reloaded = threading.Event()
    with subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/", process)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/gradio_api/dev/reload", timeout=60) as changes:
                touching = threading.Thread(target=touch_until, args=[folder / "mnist_cnn" / "runtime.py", reloaded])
                touching.start()
                assert b"event: reload\n" in itertools.islice(changes, 30)  # among heartbeats
        finally:
            reloaded.set()
            os.killpg(process.pid, signal.SIGTERM)
