"""Gradio's queue, but an error does not end it, and what is kept of sessions that nobody listens to is bounded."""

import asyncio
import sys
from asyncio import Queue as Messages
from typing import Any

from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage

_MAX_SESSIONS = 2000  # whose messages are kept
_MAX_UNREAD = 1000  # messages of a session; a run sends seven a second
_PAUSE = 0.1  # seconds after an error, which may come again at once
# Seconds until an idle queue looks for events again, and for progress to report, of which the page has none. Gradio's 1
# and 10 ms take 5 % of a core.
_POLL_INTERVAL = 0.02


class GuardedQueue(Queue):
    """`gradio.queueing.Queue` for a page on the internet; `guard` makes one of a queue that Gradio created."""

    @classmethod
    def guard(cls, queue: Queue) -> None:
        """Change a queue, which has no events yet, to a guarded one."""
        queue.__class__ = cls
        queue.sleep_when_free = queue.progress_update_sleep_when_free = _POLL_INTERVAL
        messages = SessionMessages(queue.pending_event_ids_session)
        queue.pending_messages_per_session = messages  # type: ignore[assignment]

    async def start_processing(self) -> None:
        """Process events until the queue is closed, where Gradio ends at an error and serves nobody any more."""
        while True:
            try:
                return await super().start_processing()
            except Exception as error:
                print(f"The queue continues after an error: {repr(error)[:200]}", file=sys.stderr)
            self.stopped = False
            await asyncio.sleep(_PAUSE)

    def _cancel_asyncio_tasks(self) -> None:
        """Cancel the events in progress, unless an error is the reason."""
        if not isinstance(sys.exc_info()[1], Exception):
            super()._cancel_asyncio_tasks()  # type: ignore[no-untyped-call]

    def compute_analytics_summary(self, records: object) -> dict[str, Any]:
        """Nothing. Gradio computes statistics of the last 10,000 events at each event, for a page that is closed."""
        return {}

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Send a message, or end an event whose session was dropped or reads no messages."""
        sessions, session = self.pending_messages_per_session, event.session_hash
        if session in sessions and sessions[session].qsize() < _MAX_UNREAD:
            super().send_message(event, event_message)
        else:
            event.alive = False


class SessionMessages(dict[str, Messages[Any]]):
    """The messages by session, of the sessions that were used last. Gradio drops the session that joined first.

    Args:
        event_ids: the pending events by session; those of a session that is dropped are dropped, too.
    """

    def __init__(self, event_ids: dict[str, set[str]]) -> None:
        super().__init__()
        self._event_ids = event_ids

    def __getitem__(self, session: str) -> Messages[Any]:
        messages = self.pop(session)
        super().__setitem__(session, messages)  # moves it to the end
        return messages

    def __setitem__(self, session: str, messages: Messages[Any]) -> None:
        super().__setitem__(session, messages)
        if len(self) > _MAX_SESSIONS:
            oldest = next(iter(self))
            del self[oldest]
            self._event_ids.pop(oldest, None)
