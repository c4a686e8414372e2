"""Memory, threads, temporary files and processes of the app while sessions come and go.

    python -m benchmarks.soak [--minutes 60]

First come as many sessions as the app remembers, which only draw, and a few that train; the app's memory must grow
during these. The measurement starts after them. Sessions follow each other without a pause, four at a time: each draws,
one in ten uploads an image file, and one in ten trains, half of which disconnect during the run. Needs Linux, whose
/proc gives the memory and the threads of a process.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path

from mnist_cnn.ui.app import launch_options
from tests.support.clients import Client, Events, example_drawings, loopback_address
from tests.support.server import serving

RESULTS = Path(__file__).parent / "results" / "soak.json"
CONCURRENT = 4  # sessions
TRAIN_PERCENT = 10  # of the training set: what an hour tests is how many runs end well, not how long one takes


@dataclasses.dataclass(frozen=True)
class ProcessState:
    """What the app's process uses.

    Attributes:
        sessions: that have ended.
        memory: resident set size in MiB.
        threads: of the process.
        files: in its folder for temporary files.
        processes: child processes that are running: training runs, and one on standby.
    """

    sessions: int
    memory: float
    threads: int
    files: int
    processes: int


def process_state(pid: int, folder: Path, sessions: int) -> ProcessState:
    """What the process uses now.

    Args:
        pid: of the app.
        folder: its folder for temporary files.
        sessions: that have ended.
    """
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    files = sum(path.is_file() for path in folder.rglob("*"))
    memory = round(int(fields["VmRSS"].split()[0]) / 1024, 1)
    return ProcessState(sessions, memory, int(fields["Threads"]), files, len(child_pids(pid)))


def child_pids(pid: int) -> list[int]:
    """The running processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            # After the name, which may contain anything and ends with the last bracket: the state, and the parent.
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            if parent == pid:
                found.append(int(folder.name))
    return found


async def run_session(url: str, events: Events, drawings: list[str], number: int, train_percent: float) -> None:
    """One session, whose kind depends on its number.

    Args:
        url, events: of the app.
        drawings: of 0, 1, 2 and so on, see `example_drawings`.
        number: of the session, from 0.
        train_percent: percentage of the training set that a run trains on; if 0, all sessions only draw.

    Raises:
        AssertionError: a drawing was misclassified, or a training run failed.
    """
    async with Client(url, events, f"session{number}", loopback_address(number)) as client:
        for digit in (number % 10, (number + 1) % 10, (number + 2) % 10):
            prediction = await client.draw(drawings[digit])
            assert prediction and prediction["digit"] == str(digit), prediction
        if train_percent and number % 10 == 3:
            await client.upload(number.to_bytes(8, "big"))
        if train_percent and number % 10 == 7:
            async with contextlib.aclosing(client.train(percent=train_percent)) as messages:
                received = 0
                async for message in messages:
                    received += 1
                    assert message.get("success", True), message
                    if number % 20 == 7 and received == 5:
                        break


async def run_sessions(url: str, first: int, count: int, train_percent: float = 100) -> None:
    """Sessions `first` to `first + count - 1`, a few at a time; see `run_session`."""
    events, drawings, slots = Events(url), example_drawings(), asyncio.Semaphore(CONCURRENT)

    async def run_one(number: int) -> None:
        async with slots:
            await run_session(url, events, drawings, number, train_percent)

    await asyncio.gather(*(run_one(number) for number in range(first, first + count)))


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="duration (default: %(default)s)")
    parser.add_argument("--every", type=int, default=100, help="sessions between samples (default: %(default)s)")
    options = parser.parse_args()
    remembered = launch_options()["state_session_capacity"]
    states: list[ProcessState] = []
    print(f"{'sessions':>8}{'MiB':>9}{'threads':>9}{'files':>7}{'processes':>11}")
    with tempfile.TemporaryDirectory() as folder, serving(GRADIO_TEMP_DIR=folder) as (url, process):

        def sample(sessions: int) -> None:
            now = process_state(process.pid, Path(folder), sessions)
            states.append(now)
            print(f"{now.sessions:>8}{now.memory:>9.1f}{now.threads:>9}{now.files:>7}{now.processes:>11}", flush=True)

        asyncio.run(run_sessions(url, 0, remembered, train_percent=0))
        asyncio.run(run_sessions(url, remembered, options.every, TRAIN_PERCENT))
        sample(remembered + options.every)
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            done = states[-1].sessions
            asyncio.run(run_sessions(url, done, options.every, TRAIN_PERCENT))
            sample(done + options.every)
    results = {
        "minutes": options.minutes,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "states": [dataclasses.asdict(state) for state in states],
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
