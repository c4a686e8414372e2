"""The folder for uploaded images and for downloads: one for each process, deleted when the process ends."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

_VARIABLE = "GRADIO_TEMP_DIR"  # where Gradio keeps these files; read when a component is created
_PREFIX = "mnist-sketchpad-"


def use_temporary_folder() -> Path:
    """Have Gradio use a new folder, unless the environment names one, and delete those of processes that were killed.

    Returns:
        The folder.
    """
    if folder := os.environ.get(_VARIABLE):
        return Path(folder)
    _delete_abandoned(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    os.environ[_VARIABLE] = str(path)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def _delete_abandoned(parent: Path) -> None:
    if sys.platform == "win32":  # where `os.kill` ends a process whatever the signal
        return
    for path in parent.glob(f"{_PREFIX}*"):
        process = path.name.removeprefix(_PREFIX).split("-")[0]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
