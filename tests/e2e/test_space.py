"""The app as a Hugging Face Space starts it: its files alone, in a folder that it cannot write to, without a GPU."""

import json
import shutil

import pytest

from benchmarks.cold_start import environment, stage_read_only
from deploy.space import CPU, ZERO_GPU
from tests.support.asgi import run
from tests.support.clients import Client, Events
from tests.support.http_client import HttpClient, assert_works
from tests.support.server import serve, wait_until_launched
from tests.support.zero_gpu import device_service

pytest.importorskip("spaces", reason="needs the package of Spaces: install requirements-dev.txt")

UNSEEN = ("__pycache__", ".pyi")  # what Python and Gradio put beside the code where they may, and can do without


@pytest.fixture(params=[ZERO_GPU, CPU])
def space(tmp_path, request):
    """The hardware, and the files of a Space for it, read-only."""
    folder = tmp_path / "app"
    stage_read_only(folder, request.param)
    yield request.param, folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def listing(folder):
    return sorted(
        str(path) for path in folder.rglob("*") if not str(path).endswith(UNSEEN) and UNSEEN[0] not in str(path)
    )


async def train(url):
    async with Client(url, Events(url), "session") as client:
        return [message async for message in client.train()][-2]


@pytest.mark.slow
def test_space_starts_trains_and_writes_to_its_cache_only(space, tmp_path, root):
    hardware, folder = space
    before = listing(folder)
    log = tmp_path / "log"
    with log.open("wb") as file, device_service() as (zero_gpu, requests):
        variables = environment(tmp_path) | {"MNIST_ROOT": str(root)} | (zero_gpu if hardware == ZERO_GPU else {})
        with serve(log=file, folder=folder, **variables) as url:
            wait_until_launched(log)
            client = HttpClient(url)
            assert_works(client)
            status, body = client.request("GET", "/config")
            assert status == 200 and json.loads(body)["space_id"] == "someone/mnist-sketchpad"
            status, page = client.request("GET", "/")
            assert status == 200 and b"MNIST sketchpad" in page
            assert "Done" in json.dumps(run(train(url)))
    # ZeroGPU starts an app that reports a function for the GPU, and lends its GPU only to that.
    assert requests == (["/startup-report"] if hardware == ZERO_GPU else [])
    assert listing(folder) == before
    written = log.read_text()  # in a Space the package `spaces` watches the code, and logs errors of closed event loops
    assert written.count("Traceback") == written.count("BaseEventLoop.__del__")
