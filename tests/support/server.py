"""The app served in a process of its own, for tests and benchmarks."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.support import PROJECT


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def serve(
    port: int | None = None,
    log: IO[bytes] | None = None,
    folder: Path = PROJECT,
    python: Path = Path(sys.executable),
    cores: int | None = None,
    **environment: str,
) -> Iterator[str]:
    """`python app.py` in a process of its own; gives its address.

    Args:
        port: where it listens, a free one where none is named.
        log: takes what it writes to its standard output and error.
        folder: holds app.py; it is the process's working directory.
        python: the interpreter.
        cores: as many as the app believes the machine to have, which decides how many runs train at the same time;
            None for all of them.
        environment: variables of the process, beside those of this one.

    Raises:
        RuntimeError: it ended, or did not answer within a minute.
    """
    with serving(port, log, folder, python, cores, **environment) as (url, _):
        yield url


@contextlib.contextmanager
def serving(
    port: int | None = None,
    log: IO[bytes] | None = None,
    folder: Path = PROJECT,
    python: Path = Path(sys.executable),
    cores: int | None = None,
    **environment: str,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `serve`, and gives the process too."""
    port = port or free_port()
    # Gradio imports Matplotlib where it finds it, which is here only. With a backend, that does not take a second.
    env = os.environ | {"GRADIO_SERVER_PORT": str(port), "NO_PROXY": "127.0.0.1", "MPLBACKEND": "agg"} | environment
    url = f"http://127.0.0.1:{port}/"
    command = ["app.py"]
    if cores:
        code = f"import os, runpy; os.cpu_count = lambda: {cores}; runpy.run_path('app.py', run_name='__main__')"
        command = ["-c", code]
    with subprocess.Popen([python, *command], cwd=folder, env=env, stdout=log, stderr=log) as process:
        try:
            wait_for(url, process)
            yield url, process
        finally:
            process.terminate()


def wait_until_launched(log: Path) -> None:
    """Wait until an app has tested its own address, which fails if others keep it busy then.

    Args:
        log: what the app writes, unbuffered.
    """
    for _ in range(300):
        if "To create a public link" in log.read_text(encoding="utf-8"):
            return
        time.sleep(0.1)
    raise RuntimeError("app.py was not launched within 30 s.")


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until an app answers.

    Raises:
        RuntimeError: its process ended, or it did not answer within a minute.
    """
    for _ in range(300):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.2)
    raise RuntimeError("app.py ended at its start, or never answered.")
