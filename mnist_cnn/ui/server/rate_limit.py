"""How many requests of an address are accepted in a minute."""

import time

_MAX_ADDRESSES = 10_000  # that are remembered
_WINDOW = 60.0  # seconds


class RateLimiter:
    """Counts requests in windows of a minute, by address.

    Args:
        number: how many requests of an address are accepted in a minute.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._counts: dict[str, tuple[float, int]] = {}  # start of the window and requests in it, oldest window first

    def seconds_to_wait(self, address: str) -> int:
        """Count a request; 0 if it is accepted, else the seconds after which the next one will be."""
        now = time.monotonic()
        start, count = self._counts.get(address, (now, 0))
        if now - start >= _WINDOW:
            start, count = now, 0
        if count >= self._number:
            return int(start + _WINDOW - now) + 1
        if count == 0:
            self._counts.pop(address, None)  # moves it to the end
            while len(self._counts) >= _MAX_ADDRESSES:
                del self._counts[next(iter(self._counts))]
        self._counts[address] = (start, count + 1)
        return 0


class KnownNames:
    """The names that were seen last.

    Args:
        capacity: how many are remembered.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._names: dict[str, None] = {}  # the one that was seen last at the end

    def add(self, name: str) -> bool:
        """Remember a name. Returns whether it was known."""
        known = name in self._names
        self._names.pop(name, None)
        self._names[name] = None
        if len(self._names) > self._capacity:
            del self._names[next(iter(self._names))]
        return known
