"""How many visitors can draw at once: a served app under the predictions of many pads.

    python -m benchmarks.load [--visitors 50] [--rates 0.5 1 2 4 8] [--seconds 10]

Each visitor draws the page's examples through the pad's own event at a steady rate; as on the pad, a drawing is left
out while the one before is not answered. Then the same once more while one visitor trains. Everything, visitors too,
runs on this machine.
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

from tests.support.clients import Client, Events, drawings
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "load.json"
ACCEPTABLE = 500  # milliseconds, of the slowest twentieth


@dataclasses.dataclass
class Tally:
    """What many visitors were answered.

    Attributes:
        seconds: from each drawing's request to its answer.
        left_out: drawings that were not sent because the one before was not answered.
        errors: answers that were no reading.
    """

    seconds: list[float] = dataclasses.field(default_factory=list)
    left_out: int = 0
    errors: int = 0

    def row(self, asked: float, taken: float, training: bool) -> dict[str, float | int | bool]:
        """The figures, for `asked` drawings a second of all visitors together.

        `taken` seconds went by from when the first came, before its first drawing, until the last was answered.
        """
        p50, p95 = np.percentile(self.seconds, [50, 95]) * 1000
        return {
            "training": training,
            "asked_per_second": asked,
            "read_per_second": round(len(self.seconds) / taken, 1),
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "left_out": self.left_out,
            "errors": self.errors,
        }


async def draw_along(client: Client, pictures: list[str], rate: float, seconds: float, tally: Tally) -> None:
    """Draw `rate` times a second for so many seconds."""
    random = np.random.default_rng()
    await asyncio.sleep(random.uniform(0, 1 / rate))  # visitors do not draw in step
    due = time.perf_counter()
    end = due + seconds
    while due < end:
        sent = time.perf_counter()
        reading = await client.draw(pictures[random.integers(len(pictures))])
        answered = time.perf_counter()
        tally.seconds.append(answered - sent)
        tally.errors += reading is None
        missed = max(0, int((answered - due) * rate))
        tally.left_out += missed
        due += (missed + 1) / rate
        await asyncio.sleep(max(0.0, due - answered))


async def crowd(url: str, visitors: int, rate: float, seconds: float, training: bool) -> dict[str, float | int | bool]:
    """Let so many visitors draw at `rate` drawings a second each; gives a row of the table."""
    events, pictures, tally = Events(url), drawings(), Tally()
    guests = [Client(url, events, f"crowd{number}") for number in range(visitors)]
    trainer = asyncio.create_task(train_on(Client(url, events, "trainer"))) if training else None
    await asyncio.sleep(3 if training else 0)  # until the run has begun
    began = time.perf_counter()
    await asyncio.gather(*(draw_along(guest, pictures, rate, seconds, tally) for guest in guests))
    row = tally.row(visitors * rate, time.perf_counter() - began, training)
    for guest in guests:
        await guest.leave()
    if trainer:
        row["trained_along"] = not trainer.done()
        trainer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await trainer
    return row


async def train_on(client: Client) -> None:
    """Train until this is cancelled."""
    while True:
        async for _ in client.train("net-25k"):
            pass


def measure(url: str, visitors: int, rates: list[float], seconds: float) -> Iterator[dict[str, float | int | bool]]:
    """A row for each rate, without and with a training."""
    asyncio.run(crowd(url, visitors, 1, 2, training=False))  # what is done once is not what a visitor feels
    for training in (False, True):
        for rate in rates:
            yield asyncio.run(crowd(url, visitors, rate, seconds, training))


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=50, help="how many draw (default: %(default)s)")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.5, 1, 2, 4, 8], help="drawings a second of each")
    parser.add_argument("--seconds", type=float, default=10, help="how long at each rate (default: %(default)s)")
    options = parser.parse_args()
    rows = []
    print(f"{'training':>8}{'asked/s':>9}{'read/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'left out':>10}{'errors':>8}")
    with serve() as url:
        for row in measure(url, options.visitors, options.rates, options.seconds):
            rows.append(row)
            print(
                f"{'yes' if row['training'] else 'no':>8}{row['asked_per_second']:>9.0f}{row['read_per_second']:>9.1f}"
                f"{row['p50_ms']:>9.0f}{row['p95_ms']:>9.0f}{row['left_out']:>10}{row['errors']:>8}"
            )
    figures = {
        "visitors": options.visitors,
        "seconds": options.seconds,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "rows": rows,
    }
    print(f"aimed at: no error, and p95 ≤ {ACCEPTABLE} ms at 200 predictions a second")
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
