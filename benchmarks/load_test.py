"""Latency and throughput of the app's predictions while many users draw at once.

    python -m benchmarks.load_test [--users 50] [--rates 0.5 1 2 4 8] [--seconds 10]

Each user draws the page's examples at a steady rate through the sketchpad's own event. As on the page, a drawing is
skipped while the one before has no answer. The pen is down for seven of eight drawings, as with strokes of 0.8 s, of
which the page sends ten drawings a second. Every rate is measured twice, the second time while one user trains. Users
and server share this machine's cores.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.support.clients import Client, Events, example_drawings, loopback_address
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "load_test.json"
TARGET_P95_MS, TARGET_RPS = 500, 200
DRAWINGS_PER_STROKE = 8  # the last of which is finished

Row = dict[str, float | int | bool]


@dataclasses.dataclass
class Responses:
    """The responses to all users.

    Attributes:
        seconds: from each request to its response.
        skipped: drawings that were not sent, since the one before had no response yet.
        errors: responses without a prediction.
    """

    seconds: list[float] = dataclasses.field(default_factory=list)
    skipped: int = 0
    errors: int = 0

    def row(self, offered_rps: float, elapsed: float, training: bool) -> Row:
        """A row of the table.

        Args:
            offered_rps: drawings a second of all users together.
            elapsed: seconds from before the first drawing until after the last response.
            training: whether somebody trained meanwhile.
        """
        p50, p95 = np.percentile(self.seconds, [50, 95]) * 1000
        return {
            "training": training,
            "offered_rps": offered_rps,
            "served_rps": round(len(self.seconds) / elapsed, 1),
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "skipped": self.skipped,
            "errors": self.errors,
        }


async def draw_steadily(client: Client, drawings: list[str], rate: float, seconds: float, responses: Responses) -> None:
    """Draw `rate` times a second for `seconds`, and record the responses."""
    random = np.random.default_rng()
    await asyncio.sleep(random.uniform(0, 1 / rate))  # users do not draw in step
    due = time.perf_counter()
    end = due + seconds
    while due < end:
        sent = time.perf_counter()
        unfinished = bool(random.integers(DRAWINGS_PER_STROKE) > 0)
        prediction = await client.draw(drawings[random.integers(len(drawings))], unfinished=unfinished)
        received = time.perf_counter()
        responses.seconds.append(received - sent)
        responses.errors += prediction is None
        skipped = max(0, int((received - due) * rate))
        responses.skipped += skipped
        due += (skipped + 1) / rate
        await asyncio.sleep(max(0.0, due - received))


async def measure_rate(url: str, num_users: int, rate: float, seconds: float, training: bool) -> Row:
    """Let so many users draw `rate` times a second each."""
    events, drawings, responses = Events(url), example_drawings(), Responses()
    async with contextlib.AsyncExitStack() as stack:
        clients = (Client(url, events, f"user{n}", loopback_address(n)) for n in range(num_users))
        users = [await stack.enter_async_context(client) for client in clients]
        trainer = asyncio.create_task(train_forever(url, events)) if training else None
        await asyncio.sleep(3 if training else 0)  # until the run has begun
        started = time.perf_counter()
        await asyncio.gather(*(draw_steadily(user, drawings, rate, seconds, responses) for user in users))
        row = responses.row(num_users * rate, time.perf_counter() - started, training)
        if trainer:
            row["trained_throughout"] = not trainer.done()
            trainer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trainer
    return row


async def train_forever(url: str, events: Events) -> None:
    """Train one run after another until this is cancelled."""
    async with Client(url, events, "trainer") as client:
        while True:
            async for _ in client.train("net-25k"):
                pass


def measure(url: str, num_users: int, rates: list[float], seconds: float) -> Iterator[Row]:
    """A row for each rate, without and with a training run."""
    asyncio.run(measure_rate(url, num_users, 1, 2, training=False))  # warm up
    for training in (False, True):
        for rate in rates:
            yield asyncio.run(measure_rate(url, num_users, rate, seconds, training))


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=50, help="how many draw (default: %(default)s)")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.5, 1, 2, 4, 8], help="drawings a second per user")
    parser.add_argument("--seconds", type=float, default=10, help="duration of each rate (default: %(default)s)")
    options = parser.parse_args()
    rows = []
    print(f"{'training':>8}{'offered/s':>11}{'served/s':>10}{'p50 ms':>9}{'p95 ms':>9}{'skipped':>9}{'errors':>8}")
    with serve() as url:
        for row in measure(url, options.users, options.rates, options.seconds):
            rows.append(row)
            print(
                f"{'yes' if row['training'] else 'no':>8}{row['offered_rps']:>11.0f}{row['served_rps']:>10.1f}"
                f"{row['p50_ms']:>9.0f}{row['p95_ms']:>9.0f}{row['skipped']:>9}{row['errors']:>8}",
                flush=True,
            )
    results = {
        "users": options.users,
        "seconds": options.seconds,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "rows": rows,
    }
    print(f"target: no errors, and p95 ≤ {TARGET_P95_MS} ms at {TARGET_RPS} predictions a second")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
