"""Two visitors never meet, and the server keeps nothing of either."""

import base64
import json
import urllib.request
from pathlib import Path

import pytest

from mnist_cnn.ui.app import build_demo, launch_options
from tests.e2e.test_bad_input import GOOD, PREFIX, Client, assert_well, encode
from tests.support.digits import DIGITS
from tests.support.handwriting import render
from tests.support.server import serve


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The folder of Gradio's temporary files."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def server(small_root, cache):
    with serve(MNIST_ROOT=str(small_root), GRADIO_TEMP_DIR=str(cache)) as url:
        yield url


@pytest.fixture
def client(server):
    return Client(server)


def test_what_gradio_would_keep_or_tell_is_off(server):
    with urllib.request.urlopen(f"{server}config") as answer:
        config = json.load(answer)
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
    assert [fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"] == ["predict"]


def test_drawing_writes_no_file(client, cache):
    before = sorted(cache.rglob("*"))
    assert_well(client)
    client.draw(fn_index=1, event_data={"digit": 5})
    assert sorted(cache.rglob("*")) == before


def test_an_upload_lies_where_only_its_sender_knows(client, cache):
    _, answer = client.upload(GOOD)
    (path,) = json.loads(answer)
    folder, _ = Path(path).relative_to(cache).parts
    assert len(folder) == 64  # a hash of the picture itself
    assert client.ask("GET", f"/gradio_api/file={path}")[1] == GOOD
    assert client.ask("GET", f"/gradio_api/file={cache}")[0] in (403, 404)
    assert client.upload(bytes(11 * 2**20))[0] == 413


def test_visitors_have_answers_and_networks_of_their_own(client):
    def score(session, digit):
        _, answer = client.draw(session_hash=session, fn_index=1, event_data={"digit": digit})
        return json.loads(answer)["data"][0]

    assert score("one", 5) == "Saved as 5. Correct so far: 1 of 1."
    other = PREFIX + base64.b64encode(encode(render(DIGITS[3]))).decode()
    assert "1 of 2" in client.draw(other, session_hash="one", fn_index=1, event_data={"digit": 8})[1].decode()
    assert score("two", 5) == "Saved as 5. Correct so far: 1 of 1."
    assert score("one", 5) == "Saved as 5. Correct so far: 2 of 3."
    # The choice of one's own network is not there where nobody trained, whatever another visitor did.
    assert "Unknown model" in client.draw(network="user", session_hash="two")[1].decode()
