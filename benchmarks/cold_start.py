"""How soon a Space serves: from the start of app.py to the first page, and to the first reading.

    python -m benchmarks.space [--starts 5] [--install]

The published files are copied into a folder that cannot be written to, and started with a Space's variables. With
`--install` they get an environment of their own, made as a Space makes it: the Gradio of the front matter, then
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
from tests.support.clients import Client, Events, drawings
from tests.support.server import serve

RESULTS = Path(__file__).parent / "results" / "space.json"
AIM = 6  # seconds from start to first page


def published(folder: Path) -> None:
    """Put a read-only copy of the files that the repository publishes into a new folder."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def environment(cache: Path) -> dict[str, str]:
    """The variables with which a Space starts an app, whose only writable folder is `cache`."""
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
    """An environment in `folder` as a Space makes it; gives its interpreter."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    version = re.search(r"^sdk_version: (\S+)$", readme, re.MULTILINE)
    assert version
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    for what in ([f"gradio=={version[1]}"], ["-r", str(PROJECT / "requirements.txt")]):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True)
    return python


async def first_readings(url: str) -> list[float]:
    """Milliseconds of the first ten readings after a start."""
    client, times = Client(url, Events(url), "first"), []
    for drawing in drawings():
        began = time.perf_counter()
        assert await client.draw(drawing)
        times.append(1000 * (time.perf_counter() - began))
    await client.leave()
    return times


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5, help="how often it is started (default: %(default)s)")
    parser.add_argument("--install", action="store_true", help="in an environment of its own, as a Space makes it")
    options = parser.parse_args()
    rows = []
    print(f"{'first page s':>12}{'first reading ms':>18}{'later readings ms':>19}")
    with tempfile.TemporaryDirectory() as place:
        python = install(Path(place) / "venv") if options.install else Path(sys.executable)
        published(Path(place) / "app")
        for _ in range(options.starts):
            began = time.perf_counter()
            with serve(folder=Path(place) / "app", python=python, **environment(Path(place))) as url:
                page = time.perf_counter() - began
                first, *later = asyncio.run(first_readings(url))
            rows.append(
                {"first_page_s": round(page, 2), "first_ms": round(first, 1), "later_ms": round(np.median(later), 1)}
            )
            print(f"{page:>12.1f}{first:>18.0f}{np.median(later):>19.0f}", flush=True)
    figures = {
        "own_environment": options.install,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "starts": rows,
    }
    print(f"aimed at: first page within {AIM} s, on an idle machine")
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
