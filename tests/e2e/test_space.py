"""The app as a Hugging Face Space starts it: the published files alone, in a folder that it cannot write to."""

import json
import shutil
import subprocess

import pytest

from benchmarks.cold_start import copy_tracked_files, environment
from tests.support import PROJECT
from tests.support.documents import front_matter
from tests.support.http_client import HttpClient, assert_works
from tests.support.server import serve

UNSEEN = ("__pycache__", ".pyi")  # what Python and Gradio put beside the code where they may, and can do without


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A copy of what the repository publishes, read-only."""
    folder = tmp_path_factory.mktemp("space") / "app"
    copy_tracked_files(folder)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def listing(folder):
    return sorted(
        str(path) for path in folder.rglob("*") if not str(path).endswith(UNSEEN) and UNSEEN[0] not in str(path)
    )


def test_space_starts_and_writes_to_its_cache_only(space, tmp_path):
    before = listing(space)
    log = tmp_path / "log"
    with log.open("wb") as file, serve(log=file, folder=space, **environment(tmp_path)) as url:
        client = HttpClient(url)
        assert_works(client)
        status, body = client.request("GET", "/config")
        assert status == 200 and json.loads(body)["space_id"] == "someone/mnist-sketchpad"
        status, page = client.request("GET", "/")
        assert status == 200 and b"MNIST sketchpad" in page
    assert listing(space) == before
    # A Space's own image has a package with which Gradio watches for changes of the code; without it a thread ends so.
    written = log.read_text()
    assert written.count("Traceback") == written.count("`spaces` package is required")


def test_space_gets_all_files_that_it_needs(space):
    fields = front_matter()
    for file in (fields["app_file"], "requirements.txt", "README.md", "weights/SHA256SUMS", "weights/net-25k.pt"):
        assert (space / file).is_file()
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert len(listing(space)) >= len(tracked.splitlines())
