"""Cold start of a Hugging Face Space: time from the start of app.py to the first page, and the first predictions.

    python -m benchmarks.cold_start [--starts 5] [--hardware cpu-basic] [--python INTERPRETER] [--install]

The files of a Space are written into a read-only folder, as `deploy/space.py` uploads them, and started with a Space's
environment variables. On ZeroGPU, the default, a local service stands in for the hub's. Versions are those of the
interpreter's environment. `--install` creates one as a Space does: the Gradio version of the README's front matter,
then requirements.txt; that takes minutes and some gigabytes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from deploy.space import CPU, ZERO_GPU, stage
from tests.support.clients import Client, Events, example_drawings
from tests.support.server import serving, wait_until_launched
from tests.support.zero_gpu import device_service

RESULTS = Path(__file__).parent / "results" / "cold_start.json"
SPACE = "someone/mnist-sketchpad"
TARGET = 6  # seconds from the start to the first page


def stage_read_only(folder: Path, hardware: str) -> None:
    """Write the files of a Space into a new folder, read-only."""
    stage(folder, SPACE, hardware)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def environment(cache: Path) -> dict[str, str]:
    """The environment variables of an app in a Space, whose only writable folder is `cache`."""
    return {
        "SPACE_ID": SPACE,
        "SYSTEM": "spaces",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_TEMP_DIR": str(cache / "gradio"),
        "HF_HOME": str(cache / "hf"),
        "HOME": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def install(folder: Path, space: Path) -> Path:
    """Create a virtual environment in `folder` as a Space with those files does, and return its interpreter."""
    readme = (space / "README.md").read_text(encoding="utf-8")
    version = re.search(r"^sdk_version: (\S+)$", readme, re.MULTILINE)
    assert version
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    for requirement in ([f"gradio=={version[1]}"], ["-r", str(space / "requirements.txt")]):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirement], check=True)
    return python


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used; unlike the time, other work on the machine hardly changes it. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def first_predictions(url: str) -> list[float]:
    """Milliseconds of each of the first ten predictions after a start."""
    times = []
    async with Client(url, Events(url), "first") as client:
        for drawing in example_drawings():
            started = time.perf_counter()
            assert await client.draw(drawing)
            times.append(1000 * (time.perf_counter() - started))
    return times


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5, help="how often the app is started (default: %(default)s)")
    parser.add_argument("--install", action="store_true", help="in a virtual environment as a Space creates it")
    parser.add_argument("--hardware", choices=[ZERO_GPU, CPU], default=ZERO_GPU, help="default: %(default)s")
    parser.add_argument("--python", type=Path, default=sys.executable, help="interpreter (default: this one)")
    options = parser.parse_args()
    rows = []
    print(f"{'first page s':>12}{'its CPU time s':>16}{'first prediction ms':>21}{'later predictions ms':>22}")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stage_read_only(Path(folder) / "app", options.hardware)
        python = install(Path(folder) / "venv", Path(folder) / "app") if options.install else options.python
        variables = environment(Path(folder))
        if options.hardware == ZERO_GPU:
            variables |= stack.enter_context(device_service())[0]
        command = [python, "-c", "import platform, torch; print(platform.python_version(), torch.__version__)"]
        versions = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(options.starts):
            started = time.perf_counter()
            with (
                (Path(folder) / "log").open("wb") as log,
                serving(log=log, folder=Path(folder) / "app", python=python, **variables) as (url, process),
            ):
                first_page_s, first_page_cpu_s = time.perf_counter() - started, cpu_seconds(process.pid)
                wait_until_launched(Path(log.name))
                first, *later = asyncio.run(first_predictions(url))
            rows.append(
                {
                    "first_page_s": round(first_page_s, 2),
                    "first_page_cpu_s": round(first_page_cpu_s, 2),
                    "first_ms": round(first, 1),
                    "later_ms": round(np.median(later), 1),
                }
            )
            print(f"{first_page_s:>12.1f}{first_page_cpu_s:>16.1f}{first:>21.0f}{np.median(later):>22.0f}", flush=True)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[options.hardware] = {
        "python": versions[0],
        "torch": versions[1],
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "starts": rows,
    }
    print(f"target: first page within {TARGET} s, on an idle machine")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
