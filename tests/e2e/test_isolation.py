"""Two sessions never meet, and the server keeps nothing of either."""

import json
import urllib.request
from pathlib import Path

import pytest

from mnist_cnn.ui.app import build_demo, launch_options
from tests.support.digits import DIGITS
from tests.support.http_client import FIVE_PNG, HttpClient, assert_works, png_data_url
from tests.support.image_files import encode
from tests.support.strokes import render


@pytest.fixture
def client(url):
    return HttpClient(url)


def test_telemetry_and_histories_of_gradio_are_off(url):
    with urllib.request.urlopen(f"{url}config") as response:
        config = json.load(response)
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["max_file_size"] == 10 * 2**20
    options = launch_options()
    assert options["allowed_paths"] == []
    assert options["enable_monitoring"] is False
    demo = build_demo()
    assert demo.delete_cache == (600, 3600)
    assert demo._queue.max_size == 30
    assert not demo.api_open
    # Flagging would be a button with an event of its own.
    assert [fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"] == ["predict", "predict_number"]


def test_drawing_writes_no_file(client, app, events):
    before = sorted(app.cache.rglob("*"))
    assert_works(client)
    client.draw(fn_index=events.label, event_data={"digit": 5})
    assert sorted(app.cache.rglob("*")) == before


def test_uploaded_file_is_found_only_by_its_hash(client, app):
    _, body = client.upload(FIVE_PNG)
    (path,) = json.loads(body)
    folder, _ = Path(path).relative_to(app.cache).parts
    assert len(folder) == 64  # a hash of its content
    assert client.request("GET", f"/gradio_api/file={path}")[1] == FIVE_PNG
    assert client.request("GET", f"/gradio_api/file={app.cache}")[0] in (403, 404)
    assert client.upload(bytes(11 * 2**20))[0] == 413


def test_sessions_have_their_own_labels_and_models(client, events):
    def score(session, digit):
        _, body = client.draw(session_hash=session, fn_index=events.label, event_data={"digit": digit})
        return json.loads(body)["data"][0]

    assert score("one", 5) == "Saved as 5. Correct so far: 1 of 1."
    other = png_data_url(encode(render(DIGITS[3])))
    assert (
        "1 of 2" in client.draw(other, session_hash="one", fn_index=events.label, event_data={"digit": 8})[1].decode()
    )
    assert score("two", 5) == "Saved as 5. Correct so far: 1 of 1."
    assert score("one", 5) == "Saved as 5. Correct so far: 2 of 3."
    # A session that has trained nothing has no model of its own, whatever others did.
    assert "Unknown model" in client.draw(model="user", session_hash="two")[1].decode()
