"""A short version of `benchmarks.soak`: what is left of sessions that came and went."""

import sys
import time

import pytest

from benchmarks.soak import process_state, run_sessions
from tests.support.asgi import run


def come_and_go(url, first, count):
    run(run_sessions(url, first, count, train_percent=20))


@pytest.mark.skipif(sys.platform != "linux", reason="memory and threads are read from Linux's /proc")
@pytest.mark.parametrize(("warm_up", "count"), [(10, 20), pytest.param(80, 200, marks=pytest.mark.slow)])
def test_sessions_leave_nothing_but_their_files(app, warm_up, count):
    come_and_go(app.url, 0, warm_up)
    before = process_state(app.pid, app.cache, warm_up)
    come_and_go(app.url, warm_up, count)
    end = time.monotonic() + 60  # the processes of runs whose users have left are ending
    while (after := process_state(app.pid, app.cache, warm_up + count)).processes > 1 and time.monotonic() < end:
        time.sleep(0.1)
    # The pool of threads may grow by 6. There were as many runs as a tenth of the sessions.
    assert after.threads <= before.threads + max(6, count // 20)
    assert after.processes <= 1  # on standby for the next run
    # Early sessions also warm up the allocator, by 100 to 200 MiB; what follows is in benchmarks/results/soak.json.
    assert after.memory < before.memory + 400
    # For an hour: the image files that were sent, and what each run offers for download if it ended.
    tenth = count // 10
    assert before.files + tenth <= after.files <= before.files + tenth + 3 * tenth
