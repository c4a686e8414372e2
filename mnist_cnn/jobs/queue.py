"""Taking turns: first come, first served, and nobody has to stay."""

import threading


class JobQueue:
    """A few places, and those who wait for one in the order in which they came.

    Args:
        places: how many may have their turn at the same time.
    """

    def __init__(self, slots: int = 1) -> None:
        self._places = slots
        self._line: list[object] = []
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many have their turn or wait for it."""
        return len(self._line)

    def enqueue(self) -> object:
        """Stand at the end of the line. Returns what stands for this place in it."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        return ticket

    def position(self, ticket: object) -> int:
        """How many must leave before it is this one's turn; 0 when it is, or when it has left."""
        with self._changed:
            return max(0, self._line.index(ticket) - self._places + 1) if ticket in self._line else 0

    def wait(self, ticket: object) -> None:
        """Return when it is this one's turn, or when it has left, which another thread may do for it."""
        with self._changed:
            self._changed.wait_for(
                lambda: ticket not in self._line or self._line.index(ticket) < self._places,
            )

    def dequeue(self, ticket: object) -> None:
        """Make place for the next; does nothing where this one has left already."""
        with self._changed:
            if ticket in self._line:
                self._line.remove(ticket)
            self._changed.notify_all()
