"""What an attack costs the app's users: ten draw and one trains while others send what is meant to harm.

    python -m benchmarks.siege [--seconds 10]

Each attack goes on for some seconds, on this machine alone and with a bounded number of requests. During it every
drawing must get its prediction; at the end the run must have ended well, and a minute later the app must work as ever.
Needs Linux, as `soak`.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.load_test import Responses, draw_steadily
from benchmarks.soak import child_pids
from tests.support.clients import Client, Events, example_drawings, loopback_address
from tests.support.server import serving

RESULTS = Path(__file__).parent / "results" / "siege.json"
USERS, ATTACKERS = 10, 20
MAX_P95_MS, MAX_MEMORY_MIB = 1000, 2048  # goals

ATTACKERS_ADDRESS = loopback_address(1000)

Attack = Callable[[httpx.AsyncClient, int], Awaitable[None]]
Row = dict[str, Any]


def png_of_one_colour() -> bytes:
    """64 million pixels in 8 KB."""
    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    return file.getvalue()


def jpeg_with_many_scans() -> bytes:
    """A progressive JPEG of 100 KB whose last scan is repeated 1,000 times."""
    file = io.BytesIO()
    Image.new("L", (4000, 4000)).save(file, "JPEG", progressive=True, quality=1)
    content = file.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + 1000 * scan + content[-2:]


def bmp_with_run_lengths() -> bytes:
    """A BMP of 33 KB that announces 64 million pixels."""
    data = b"\x00\x02\xff\xff" * 8000 + b"\x00\x01"
    header = [40, 8000, 8000, 1 | 8 << 16, 1, len(data), 0, 0, 256, 0]  # a plane, 8 bits, run-length code
    fields = b"".join(value.to_bytes(4, "little") for value in header)
    start = 54 + 1024
    return (
        b"BM"
        + (start + len(data)).to_bytes(4, "little")
        + bytes(4)
        + start.to_bytes(4, "little")
        + fields
        + (bytes(1024) + data)
    )


def image_attack(content: bytes) -> Attack:
    """Upload a file and have it classified."""

    async def attack(http: httpx.AsyncClient, number: int) -> None:
        response = await http.post("upload", files={"files": ("digit.png", content)})
        if response.is_success:
            data = [{"path": response.json()[0], "meta": {"_type": "gradio.FileData"}}]
            event = (await http.post("call/predict", json={"data": data})).json().get("event_id")
            if event:
                await http.get(f"call/predict/{event}")

    return attack


async def empty_sessions(http: httpx.AsyncClient, number: int) -> None:
    """Join the queue without a name, which would stop it for everybody."""
    await http.post("call/predict", json={"data": [None], "session_hash": ""})


async def new_sessions(http: httpx.AsyncClient, number: int) -> None:
    """Join as somebody else each time, so that the sessions of others are forgotten."""
    await http.post("run/predict", json={"data": [], "fn_index": 0, "session_hash": f"attacker{number}"})


async def long_names(http: httpx.AsyncClient, number: int) -> None:
    """A session's name of 400 KB, which would be kept."""
    await http.post("queue/join", json={"data": [], "fn_index": 0, "session_hash": str(number) * 100_000})


async def long_cookies(http: httpx.AsyncClient, number: int) -> None:
    """A cookie that takes some versions of Python seconds."""
    await http.get("info", headers={"cookie": 'a="' + "\\" * 60_000})


async def unwatched_runs(http: httpx.AsyncClient, number: int) -> None:
    """Start a training run whose messages nobody reads."""
    url = str(http.base_url).removesuffix("gradio_api/")
    events = await asyncio.to_thread(Events, url)
    async with Client(url, events, f"nobody{number}", ATTACKERS_ADDRESS) as client:
        await client.join_training()


async def large_uploads(http: httpx.AsyncClient, number: int) -> None:
    """Upload 9 MB that no component asks for, different each time, so that the disk fills."""
    await http.post("upload", files={"files": ("digit.png", number.to_bytes(8, "big") + bytes(9_000_000))})


async def unfinished_requests(http: httpx.AsyncClient, number: int) -> None:
    """Announce a body and send one byte of it every second."""

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(1)

    await http.post("run/predict", content=drip(), headers={"content-length": "100"})


ATTACKS = {
    "PNG of one colour": image_attack(png_of_one_colour()),
    "JPEG with many scans": image_attack(jpeg_with_many_scans()),
    "BMP with a run-length code": image_attack(bmp_with_run_lengths()),
    "empty session names": empty_sessions,
    "new sessions": new_sessions,
    "long session names": long_names,
    "long cookies": long_cookies,
    "runs that nobody watches": unwatched_runs,
    "large uploads": large_uploads,
    "unfinished requests": unfinished_requests,
}


async def besiege(url: str, attack: Attack, seconds: float) -> int:
    """Repeat an attack from many connections. Returns the number of requests."""
    end, count = time.monotonic() + seconds, 0

    async def one() -> None:
        nonlocal count
        transport = httpx.AsyncHTTPTransport(verify=False, trust_env=False, local_address=ATTACKERS_ADDRESS)
        async with httpx.AsyncClient(base_url=f"{url}gradio_api/", timeout=2 * seconds, transport=transport) as http:
            while time.monotonic() < end:
                count += 1
                with contextlib.suppress(httpx.HTTPError, ValueError):
                    await attack(http, count)

    await asyncio.gather(*(one() for _ in range(ATTACKERS)))
    return count


def memory_mib(pid: int) -> float:
    """Resident memory of a process and of those that it started."""
    total = 0
    for process in [pid, *child_pids(pid)]:
        with contextlib.suppress(OSError):  # it has just ended
            status = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
            total += int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total / 2**20


async def train(trainer: Client) -> bool:
    """Train on a twentieth of the training set. Returns whether the run ended well."""
    messages = [message async for message in trainer.train("net-25k", percent=5)]
    return bool(messages[-2].get("success")) and "Done after" in str(messages)  # a run that fails says why instead


async def peak_memory(pid: int, ended: asyncio.Event) -> float:
    """The most resident memory until the end, in MiB."""
    peak = 0.0
    while not ended.is_set():
        peak = max(peak, memory_mib(pid))
        await asyncio.sleep(0.2)
    return peak


async def measure(url: str, pid: int, folder: Path, attack: Attack | None, seconds: float) -> Row:
    """The row of an attack; None for none."""
    events, drawings, responses, ended = Events(url), example_drawings(), Responses(), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        clients = (Client(url, events, f"user{n}", loopback_address(n)) for n in range(USERS))
        users = [await stack.enter_async_context(client) for client in clients]
        trainer = await stack.enter_async_context(Client(url, events, "trainer"))
        memory, run = asyncio.create_task(peak_memory(pid, ended)), asyncio.create_task(train(trainer))
        siege = asyncio.create_task(besiege(url, attack, seconds)) if attack else None
        started = time.perf_counter()
        await asyncio.gather(*(draw_steadily(user, drawings, 1, seconds, responses) for user in users))
        row: Row = dict(responses.row(USERS, time.perf_counter() - started, True))
        row["requests"] = await siege if siege else 0
        row["trained"] = await asyncio.wait_for(run, 180)
        ended.set()
        row["memory_mib"] = round(await memory)
    row["disk_mib"] = round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20)
    return row


def print_row(row: Row) -> None:
    """A row of the table."""
    print(
        f"{row['attack']:<28}{row['requests']:>9}{row['p95_ms']:>9.0f}{row['errors']:>8}"
        f"{'yes' if row['trained'] else 'no':>9}{row['memory_mib']:>8}{row['disk_mib']:>7}",
        flush=True,
    )


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="duration of each attack (default: %(default)s)")
    options = parser.parse_args()
    print(f"{'attack':<28}{'requests':>9}{'p95 ms':>9}{'errors':>8}{'trained':>9}{'MiB':>8}{'disk':>7}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, serving(GRADIO_TEMP_DIR=folder) as (url, process):
        for name, attack in {"none": None, **ATTACKS, "none, a minute later": None}.items():
            time.sleep(60 if name.endswith("later") else 0)
            row = asyncio.run(measure(url, process.pid, Path(folder), attack, options.seconds))
            rows.append({"attack": name} | row)
            print_row(rows[-1])
    print(
        f"goals: p95 ≤ {MAX_P95_MS} ms, no errors, every run trained, at most {MAX_MEMORY_MIB} MiB above the first row"
    )
    results = {"seconds": options.seconds, "users": USERS, "cores": os.cpu_count(), "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
