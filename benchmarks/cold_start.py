"""Cold start of a Hugging Face Space: time from the start of app.py to the first page, and the first predictions.

    python -m benchmarks.cold_start [--starts 5] [--install]

The tracked files are copied into a read-only folder and started with a Space's environment variables. `--install`
creates a virtual environment for them as a Space does: the Gradio version of the README's front matter, then
requirements.txt; that takes minutes and some gigabytes.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.support import PROJECT
from tests.support.clients import Client, Events, example_drawings
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "cold_start.json"
TARGET = 6  # seconds from the start to the first page


def copy_tracked_files(folder: Path) -> None:
    """Copy the files that the repository tracks into a new folder, read-only."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def environment(cache: Path) -> dict[str, str]:
    """The environment variables of an app in a Space, whose only writable folder is `cache`."""
    return {
        "SPACE_ID": "someone/mnist-sketchpad",
        "SYSTEM": "spaces",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_TEMP_DIR": str(cache / "gradio"),
        "HF_HOME": str(cache / "hf"),
        "HOME": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def install(folder: Path) -> Path:
    """Create a virtual environment in `folder` as a Space does, and return its interpreter."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    version = re.search(r"^sdk_version: (\S+)$", readme, re.MULTILINE)
    assert version
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    for requirement in ([f"gradio=={version[1]}"], ["-r", str(PROJECT / "requirements.txt")]):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirement], check=True)
    return python


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
    options = parser.parse_args()
    rows = []
    print(f"{'first page s':>12}{'first prediction ms':>21}{'later predictions ms':>22}")
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder) / "venv") if options.install else Path(sys.executable)
        copy_tracked_files(Path(folder) / "app")
        for _ in range(options.starts):
            started = time.perf_counter()
            with serve(folder=Path(folder) / "app", python=python, **environment(Path(folder))) as url:
                first_page_s = time.perf_counter() - started
                first, *later = asyncio.run(first_predictions(url))
            rows.append(
                {
                    "first_page_s": round(first_page_s, 2),
                    "first_ms": round(first, 1),
                    "later_ms": round(np.median(later), 1),
                }
            )
            print(f"{first_page_s:>12.1f}{first:>21.0f}{np.median(later):>22.0f}", flush=True)
    results = {
        "installed": options.install,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "starts": rows,
    }
    print(f"target: first page within {TARGET} s, on an idle machine")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
