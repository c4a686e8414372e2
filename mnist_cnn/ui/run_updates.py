"""What the Draw tab and the Train tab share about training runs: where they wait, their data, and when they change."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from ..data import DataError
from ..data.mnist import download_progress
from ..jobs.queue import JobQueue
from ..jobs.run import TrainingRun
from .server.connections import CONNECTIONS

# All users' runs. A run keeps one CPU core busy and its user's page another.
QUEUE = JobQueue(slots=max(1, (os.cpu_count() or 1) // 2))

Updates = dict[Any, Any]  # new values by component

_MAX_QUEUED = 30
_UPDATE_INTERVAL = 0.15  # seconds
_MAX_UNHEARD_SECONDS = 30.0  # without an open event stream of the session; a page opens it within a second


def check_can_start(queue: JobQueue, current: TrainingRun | None) -> None:
    """Check that a session may start a run.

    Args:
        queue: where the run would wait.
        current: the session's last run, if it has one.

    Raises:
        ValueError: the last run is not over, or too many runs wait.
    """
    if current and not current.finished:
        raise ValueError("Your last training run is still in progress. Wait until it ends, or stop it, and try again.")
    if len(queue) >= _MAX_QUEUED:
        raise ValueError("Queue full: too many runs are waiting. Try again in a few minutes.")


async def loading_status(loading: asyncio.Future[Any], leave: threading.Event) -> AsyncIterator[tuple[str, float]]:
    """A text and the fraction that is downloaded, 0 to 1, again and again until MNIST is loaded or the user leaves.

    Args:
        loading: done once it is loaded.
        leave: set once the user does not want to wait any longer.
    """
    yield "Loading MNIST …", 0.0
    while not (await asyncio.wait([loading], timeout=_UPDATE_INTERVAL))[0] and not leave.is_set():
        fraction = download_progress()
        if fraction < 1:
            yield f"Downloading MNIST, once for all users: {fraction:.0%} of 12 MB …", fraction


def failure_text(error: Exception) -> str:
    """What to tell the user where MNIST cannot be loaded or training not be prepared."""
    return str(error) if isinstance(error, DataError) else f"Training cannot start: {error!r}."


async def changes(run: TrainingRun, session: str | None) -> AsyncIterator[bool]:
    """Whether a run has changed, several times a second until it is over or its session has not listened for a while.

    Gradio notices only at an update that the user has left, so there must be one even where nothing has changed.

    Args:
        run: that was started.
        session: of the run; None for one that always listens.
    """
    heard = time.monotonic()
    shown, unchanged = None, 0
    while not run.finished:
        await asyncio.sleep(_UPDATE_INTERVAL)
        if session is None or CONNECTIONS.is_listening(session):
            heard = time.monotonic()
        elif time.monotonic() - heard > _MAX_UNHEARD_SECONDS:
            return
        now = (run.progress, run.fraction, run.state, run.position)
        unchanged = unchanged + 1 if now == shown else 0
        if now != shown or unchanged % 3 == 0:
            yield now != shown
        shown = now
