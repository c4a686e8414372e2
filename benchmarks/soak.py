"""Whether the app stays as it is while visitors come and go: memory, threads and temporary files.

    python -m benchmarks.soak [--minutes 60]

First come as many visits as the app keeps, which only draw, and a few that train: until then its memory must grow. From
there the clock runs. Visits follow each other without a pause, a few at a time: each draws, one in ten sends a picture
file, and one in ten trains, of whom half leave in the middle. Needs Linux, whose /proc tells memory and threads.
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
from tests.support.clients import Client, Events, drawings
from tests.support.server import serving

RESULTS = Path(__file__).parent / "results" / "soak.json"
AT_ONCE = 4
PERCENT = 10  # of MNIST's training set; what an hour shows is how many trainings end well, not how long one is


@dataclasses.dataclass(frozen=True)
class State:
    """How the app stands.

    Attributes:
        visits: that have ended.
        memory: resident, in MiB.
        threads: of the process.
        files: in its folder for temporary files.
        processes: that it has started and that are still there: trainings, and one that is ready for the next.
    """

    visits: int
    memory: float
    threads: int
    files: int
    processes: int


def state(pid: int, folder: Path, visits: int) -> State:
    """How the process stands now."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    files = sum(path.is_file() for path in folder.rglob("*"))
    memory = round(int(fields["VmRSS"].split()[0]) / 1024, 1)
    return State(visits, memory, int(fields["Threads"]), files, len(children(pid)))


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there, by their numbers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            # After the name, which may hold anything but ends with the last bracket: the state, and the parent.
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            if parent == pid:
                found.append(int(folder.name))
    return found


async def visit(url: str, events: Events, pictures: list[str], number: int, percent: float) -> None:
    """One visit, of a kind that depends on its number.

    Args:
        url, events: of the app.
        pictures: drawings, as the page sends them, of 0, 1, 2 and so on.
        number: of the visit, from 0.
        percent: of the training set that a training takes; if 0, all visits only draw.

    Raises:
        AssertionError: a drawing was not read, or a training failed.
    """
    client = Client(url, events, f"visit{number}")
    for turn in range(3):
        reading = await client.draw(pictures[(number + turn) % len(pictures)])
        assert reading and reading["digit"] == str((number + turn) % len(pictures)), reading
    if percent and number % 10 == 3:
        await client.upload(number.to_bytes(8, "big"))
    if percent and number % 10 == 7:
        messages = client.train(percent=percent)
        async with contextlib.aclosing(messages):
            received = 0
            async for message in messages:
                received += 1
                assert message.get("success", True), message
                if number % 20 == 7 and received == 5:
                    break
    await client.leave()


async def visits(url: str, first: int, count: int, percent: float = 100) -> None:
    """So many visits, a few at a time; see `visit`."""
    events, pictures, turns = Events(url), drawings(), asyncio.Semaphore(AT_ONCE)

    async def take_turn(number: int) -> None:
        async with turns:
            await visit(url, events, pictures, number, percent)

    await asyncio.gather(*(take_turn(number) for number in range(first, first + count)))


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--each", type=int, default=100, help="visits between two looks (default: %(default)s)")
    options = parser.parse_args()
    kept = launch_options()["state_session_capacity"]
    states: list[State] = []
    print(f"{'visits':>8}{'MiB':>9}{'threads':>9}{'files':>7}{'processes':>11}")
    with tempfile.TemporaryDirectory() as folder, serving(GRADIO_TEMP_DIR=folder) as (url, process):

        def look(done: int) -> None:
            now = state(process.pid, Path(folder), done)
            states.append(now)
            print(f"{now.visits:>8}{now.memory:>9.1f}{now.threads:>9}{now.files:>7}{now.processes:>11}", flush=True)

        asyncio.run(visits(url, 0, kept, percent=0))
        asyncio.run(visits(url, kept, options.each, PERCENT))
        look(kept + options.each)
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            done = states[-1].visits
            asyncio.run(visits(url, done, options.each, PERCENT))
            look(done + options.each)
    figures = {
        "minutes": options.minutes,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "states": [dataclasses.asdict(state) for state in states],
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
