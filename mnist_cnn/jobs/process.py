"""Processes that train, as their server has them: started, listened to, told what to do, ended; and one kept ready."""

import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from . import worker

_FOLDER = Path(__file__).parent.parent  # from which this package is imported
# Not `-m`: the module would be called `__main__` there, and what it pickles could not be unpickled here.
_CODE = f"from {worker.__name__} import main; main()"
# The first does there what `os.nice` does for a worker elsewhere.
_WINDOWS_FLAGS = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
_KEPT = 300  # seconds


class ProcessError(RuntimeError):
    """A process could not be started, or ended before its work was done; the message says so to a visitor."""


class TrainingProcess:
    """A process that imports PyTorch, which takes seconds, and then waits for its one job.

    It ends by `kill` or `close`, or with the process that started it, however that one ends.

    Raises:
        ProcessError: the system starts no more processes.
    """

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE],
                cwd=_FOLDER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=_WINDOWS_FLAGS,
                process_group=0,  # Ctrl-C in a terminal is for the server
            )
        except OSError as error:
            raise ProcessError(f"No process could be started for it: {error}. Try again in some minutes.") from error

    @property
    def pid(self) -> int:
        """The system's number of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def messages(self, job: worker.Job) -> Iterator[worker.Message]:
        """Give it its job, and receive what it sends, up to the end of its work.

        Raises:
            ProcessError: it ended before.
        """
        assert self._process.stdin and self._process.stdout
        try:
            pickle.dump(job, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            message: worker.Message = pickle.load(self._process.stdout)
            while isinstance(message, worker.ProgressUpdate):
                yield message
                message = pickle.load(self._process.stdout)
            yield message
        except (OSError, EOFError, pickle.UnpicklingError) as error:  # the last where a message was cut short
            self.close()
            status = self._process.returncode
            cause = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise ProcessError(
                f"Its process ended in the middle of it ({cause}), perhaps for lack of memory. Train again, and "
                "restart the app if that does not help."
            ) from error

    def send(self, order: bytes) -> None:
        """Give it one of the orders in `worker`, after its first message; one that has ended takes none."""
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):  # the second of a pipe that is closed on this side, too
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def kill(self) -> None:
        """Have the system end it at once, without waiting for that."""
        self._process.kill()

    def close(self) -> None:
        """End it, and leave nothing of it behind."""
        self.kill()
        with contextlib.suppress(OSError), self._process:  # of what it never took
            pass


class StandbyProcess:
    """At most one process that is ready to be taken: visitors need not wait for its start.

    Args:
        seconds: how long one is kept that nobody takes, since it has memory of its own.
    """

    def __init__(self, seconds: float = _KEPT) -> None:
        self._seconds = seconds
        self._process: TrainingProcess | None = None
        self._timer = threading.Timer(0, self.discard)  # the last that was started
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Have one ready soon, and keep it for as long as is usual from now."""
        with self._lock:
            self._timer.cancel()
            if self._process is None:
                with contextlib.suppress(ProcessError):  # it may work when one is needed, or is said then
                    self._process = TrainingProcess()
            self._timer = threading.Timer(self._seconds, self.discard)
            self._timer.daemon = True
            self._timer.start()

    def acquire(self) -> TrainingProcess:
        """The one that is ready, else a new one.

        Raises:
            ProcessError: the system starts no more processes.
        """
        process = self._removed()
        if process and process.running:
            return process
        if process:
            process.close()
        return TrainingProcess()

    def discard(self) -> None:
        """End the one that is ready, if there is one."""
        process = self._removed()
        if process:
            process.close()

    def _removed(self) -> TrainingProcess | None:
        with self._lock:
            self._timer.cancel()
            process, self._process = self._process, None
        return process


STANDBY = StandbyProcess()  # of all runs in this server
