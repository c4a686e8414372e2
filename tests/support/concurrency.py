"""How many calls of a function run at the same time."""

import threading
import time
from typing import Any


class Concurrency:
    """A function that takes a moment.

    Attributes:
        peak: the most calls that ran at the same time.
    """

    def __init__(self) -> None:
        self.peak, self._active, self._lock = 0, 0, threading.Lock()

    def __call__(self, *_: Any) -> None:
        """Run for a moment."""
        with self._lock:
            self._active += 1
            self.peak = max(self.peak, self._active)
        time.sleep(0.02)
        with self._lock:
            self._active -= 1
