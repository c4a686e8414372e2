"""Which sessions listen to their events. A training run without a listener is ended."""

import contextlib
from collections import Counter
from collections.abc import Iterator


class Connections:
    """Counts the open event streams of each session."""

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()

    @contextlib.contextmanager
    def stream(self, session: str) -> Iterator[None]:
        """A stream of a session that is open within the context."""
        self._streams[session] += 1
        try:
            yield
        finally:
            self._streams[session] -= 1
            if not self._streams[session]:
                del self._streams[session]

    def is_listening(self, session: str) -> bool:
        """Whether a session has an open stream."""
        return session in self._streams


CONNECTIONS = Connections()  # of this server
