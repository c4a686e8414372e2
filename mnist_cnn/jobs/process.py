"""Training processes as the server sees them: started, listened to, controlled, ended; and one kept on standby."""

import contextlib
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from . import worker

_IMPORT_ROOT = Path(__file__).parents[2]  # the folder from which this package is imported
# Not `-m`: the module would be named `__main__` there, and what it pickles could not be unpickled here.
_CODE = f"from {worker.__name__} import main; main()"
# The first does on Windows what `os.nice` does for a worker elsewhere.
_WINDOWS_FLAGS = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
_STANDBY_SECONDS = 300
_MAX_SILENCE_SECONDS = 120.0  # a busy machine takes some seconds for a thousand images
_WATCH_INTERVAL = 0.5  # seconds


class ProcessError(RuntimeError):
    """A process could not be started, or ended before its job was done; the message is for the user."""


class TrainingProcess:
    """A process that imports PyTorch, which takes seconds, and then waits for its only job.

    It ends by `kill` or `close`, or with the process that started it, even if that one is killed.

    Raises:
        ProcessError: the system starts no more processes.
    """

    def __init__(self) -> None:
        self._waiting_since: float | None = None  # for a message
        self._silent = False  # for too long
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE],
                cwd=_IMPORT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=_WINDOWS_FLAGS,
                process_group=0,  # so that Ctrl-C in a terminal interrupts the server only
            )
        except OSError as error:
            raise ProcessError(f"No training process could be started: {error}. Try again in some minutes.") from error

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def messages(self, job: worker.Job) -> Iterator[worker.Message]:
        """Send the job, and yield the process's messages until the job is done.

        Raises:
            ProcessError: the process ended before that.
        """
        assert self._process.stdin
        try:
            pickle.dump(job, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
            message = self._receive()
            while isinstance(message, worker.ProgressUpdate | worker.EvaluationUpdate):
                yield message
                message = self._receive()
            yield message
        except (OSError, EOFError, pickle.UnpicklingError) as error:  # the last of a message that was cut off
            self.close()
            if self._silent:
                raise ProcessError(
                    f"The training process did not respond for {_MAX_SILENCE_SECONDS:.0f} seconds, and was ended. "
                    "Train again; if that does not help, restart the app."
                ) from error
            status = self._process.returncode
            cause = f"signal {-status}" if status < 0 else f"exit status {status}"
            raise ProcessError(
                f"The training process crashed ({cause}), perhaps because memory ran out. Train again; if that does "
                "not help, restart the app."
            ) from error

    def _receive(self) -> worker.Message:
        assert self._process.stdout
        self._waiting_since = time.monotonic()
        try:
            message: worker.Message = pickle.load(self._process.stdout)
            return message
        finally:
            self._waiting_since = None

    def _watch(self) -> None:
        """End the process if it does not respond."""
        while self.running:
            since = self._waiting_since
            if since is not None and time.monotonic() - since > _MAX_SILENCE_SECONDS:
                self._silent = True
                self.kill()
            time.sleep(_WATCH_INTERVAL)

    def send(self, control: bytes) -> None:
        """Send a control, see `worker.PAUSE`, after the first message; ignored if the process has ended."""
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):  # ValueError: the pipe was closed on this side
            self._process.stdin.write(control)
            self._process.stdin.flush()

    def kill(self) -> None:
        """End the process at once, without waiting until it has ended."""
        self._process.kill()

    def close(self) -> None:
        """End the process, wait until it has ended, and close its pipes."""
        self.kill()
        with contextlib.suppress(OSError), self._process:  # OSError: of data that it never received
            pass


class StandbyProcess:
    """At most one process that is started ahead of time, so that users need not wait for its start.

    Args:
        seconds: how long it is kept if nobody acquires it, as it takes up memory.
    """

    def __init__(self, seconds: float = _STANDBY_SECONDS) -> None:
        self._seconds = seconds
        self._process: TrainingProcess | None = None
        self._timer = threading.Timer(0, self.discard)  # the last that was started
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Start a process if there is none, and keep it for `seconds` from now."""
        with self._lock:
            self._timer.cancel()
            if self._process is None:
                with contextlib.suppress(ProcessError):  # `acquire` tries again, and raises it then
                    self._process = TrainingProcess()
            self._timer = threading.Timer(self._seconds, self.discard)
            self._timer.daemon = True
            self._timer.start()

    def acquire(self) -> TrainingProcess:
        """The process on standby, else a new one.

        Raises:
            ProcessError: the system starts no more processes.
        """
        process = self._remove()
        if process and process.running:
            return process
        if process:
            process.close()
        return TrainingProcess()

    def discard(self) -> None:
        """End the process on standby, if there is one."""
        process = self._remove()
        if process:
            process.close()

    def _remove(self) -> TrainingProcess | None:
        with self._lock:
            self._timer.cancel()
            process, self._process = self._process, None
        return process


STANDBY = StandbyProcess()  # of all runs in this server
