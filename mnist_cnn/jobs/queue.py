"""A queue for jobs that share a few slots: first come, first served."""

import threading


class JobQueue:
    """Jobs in the order in which they came. The first `slots` may run, the others wait; any may leave at any time.

    Args:
        slots: how many jobs may run at the same time.
    """

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._tickets: list[object] = []  # of the running jobs, then of the waiting ones
        self._suspended: set[object] = set()  # tickets of jobs that gave up their place
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many jobs run, wait or are suspended."""
        return len(self._tickets) + len(self._suspended)

    @property
    def num_suspended(self) -> int:
        """How many jobs are suspended."""
        return len(self._suspended)

    def enqueue(self) -> object:
        """Add a job at the end. Returns its ticket, which the other methods take."""
        ticket = object()
        with self._changed:
            self._tickets.append(ticket)
        return ticket

    def dequeue(self, ticket: object) -> None:
        """Remove a job, running, waiting or suspended; does nothing if it was removed before."""
        with self._changed:
            self._suspended.discard(ticket)
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._changed.notify_all()

    def suspend(self, ticket: object) -> None:
        """Let a job give up its place until `rejoin`; does nothing if it was removed before."""
        with self._changed:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._suspended.add(ticket)
            self._changed.notify_all()

    def rejoin(self, ticket: object) -> None:
        """Add a suspended job at the end again; does nothing if it was removed before."""
        with self._changed:
            if ticket in self._suspended:
                self._suspended.remove(ticket)
                self._tickets.append(ticket)

    def position(self, ticket: object) -> int:
        """How many jobs must leave before this one may run; 0 if it may run now, or was removed."""
        with self._changed:
            return self._position(ticket)

    def wait(self, ticket: object) -> None:
        """Block until the job may run, or another thread removes it."""
        with self._changed:
            self._changed.wait_for(lambda: self._position(ticket) == 0)

    def _position(self, ticket: object) -> int:
        return max(0, self._tickets.index(ticket) - self._slots + 1) if ticket in self._tickets else 0
