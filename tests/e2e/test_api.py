"""The endpoint `/predict`, for programs."""

import json
import urllib.request

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from mnist_cnn.classifier import load_classifier
from tests.support.digits import DIGITS
from tests.support.strokes import render


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
    assert [name for name in client.view_api(return_format="dict")["named_endpoints"]] == ["/predict"]
    result = client.predict(handle_file(file), api_name="/predict")
    assert result["label"] == "5"
    confidences = {entry["label"]: entry["confidence"] for entry in result["confidences"]}
    probabilities = load_classifier().predict(page).probabilities
    expected = {str(digit): float(probability) for digit, probability in enumerate(probabilities)}
    assert confidences == pytest.approx(expected, abs=1e-5)
    render([[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]]).save(file)  # an X
    assert client.predict(handle_file(file), api_name="/predict")["label"] == "no digit"
    with pytest.raises(Exception, match="no image"):
        client.predict(None, api_name="/predict")


def test_predict_works_in_the_three_documented_requests(url, tmp_path):
    file = tmp_path / "digit.png"
    page = write_image(file)
    api = f"{url}gradio_api"

    def post(path, body, content_type):
        request = urllib.request.Request(f"{api}/{path}", body, {"Content-Type": content_type})
        with urllib.request.urlopen(request) as response:
            return response.read().decode()

    head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="digit.png"\r\n\r\n'
    body = head + file.read_bytes() + b"\r\n--limit--\r\n"
    # The README cuts these answers at their quotation marks.
    path = post("upload", body, "multipart/form-data; boundary=limit").split('"')[1]
    request = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]})
    event = post("call/predict", request.encode(), "application/json").split('"')[3]
    with urllib.request.urlopen(f"{api}/call/predict/{event}") as response:
        kind, data = response.read().decode().split("\n")[:2]
    assert kind == "event: complete"
    (result,) = json.loads(data.removeprefix("data: "))
    assert result["label"] == "5"
    assert result["confidences"][0]["confidence"] == pytest.approx(load_classifier().predict(page).confidence, abs=1e-5)
