"""The app as a Hugging Face Space starts it: the published files alone, in a folder that it cannot write to."""

import json
import shutil
import subprocess
import sys

import pytest
from tests.docs.test_readme import front_matter

from benchmarks.cold_start import copy_tracked_files, environment
from tests.e2e.test_bad_input import Client, assert_well
from tests.support import PROJECT
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


def test_a_space_starts_serves_and_writes_beside_the_cache_alone(space, tmp_path):
    before = listing(space)
    log = tmp_path / "log"
    with log.open("wb") as file, serve(log=file, folder=space, **environment(tmp_path)) as url:
        client = Client(url)
        assert_well(client)
        status, answer = client.ask("GET", "/config")
        assert status == 200 and json.loads(answer)["space_id"] == "someone/mnist-sketchpad"
        status, page = client.ask("GET", "/")
        assert status == 200 and b"MNIST sketchpad" in page
    assert listing(space) == before
    # A Space's own image has a package with which Gradio watches for changes of the code; without it a thread ends so.
    written = log.read_text()
    assert written.count("Traceback") == written.count("`spaces` package is required")


def test_a_space_is_given_all_that_it_needs(space):
    fields = front_matter()
    for file in (fields["app_file"], "requirements.txt", "README.md", "weights/SHA256SUMS", "weights/net-25k.pt"):
        assert (space / file).is_file()
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert len(listing(space)) >= len(tracked.splitlines())


def test_the_first_reading_is_as_quick_as_any():
    """The networks have read once before the page is served."""
    code = """
import mnist_cnn.classifier as classifier
read, calls = classifier.Classifier.predict_image, []
classifier.Classifier.predict_image = lambda self, image: calls.append(self.name) or read(self, image)
import app
assert sorted(calls) == ["net-25k", "net-8k"], calls
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
