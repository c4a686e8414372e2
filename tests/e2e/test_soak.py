"""A short version of `benchmarks.soak`: what is left of visitors who came and went."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.soak import process_state, run_sessions
from tests.support.server import serving


def come_and_go(url, first, count):
    # In a thread of its own, since the browser of other tests keeps a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run_sessions(url, first, count)).result()


@pytest.mark.skipif(sys.platform != "linux", reason="memory and threads are read from Linux's /proc")
def test_visitors_leave_nothing_but_their_visit(small_root, tmp_path):
    log, cache = tmp_path / "log", tmp_path / "cache"
    cache.mkdir()
    with (
        log.open("wb") as file,
        serving(log=file, MNIST_ROOT=str(small_root), GRADIO_TEMP_DIR=str(cache)) as (url, process),
    ):
        come_and_go(url, 0, 80)
        before = process_state(process.pid, cache, 80)
        come_and_go(url, 80, 200)
        after = process_state(process.pid, cache, 280)
    assert after.threads <= before.threads + 1
    assert after.processes <= 1  # ready for whoever trains next
    # Early visits also warm up the allocator, by 100 to 200 MiB; what follows is in benchmarks/results/soak.json.
    assert after.memory < before.memory + 400
    # For an hour: the pictures that were sent, and what each of twenty runs offers for download if it ended.
    assert before.files + 20 <= after.files <= before.files + 20 + 3 * 20
    assert "Traceback" not in log.read_text()
