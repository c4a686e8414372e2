"""Imports run one way: a part of the package knows only the layers below its own."""

import ast
import importlib.util
import subprocess
import sys

import pytest

from tests.support import PROJECT

LAYERS = (
    {"constants", "runtime"},
    {"data", "preprocessing", "models"},
    {"evaluation"},
    {"calibration", "feature_maps", "model_summary"},
    {"training"},
    {"checkpoint"},
    {"classifier", "export"},
    {"jobs"},
    {"ui"},
)
LEVELS = {part: level for level, parts in enumerate(LAYERS) for part in parts}
MODULES = [path for path in sorted((PROJECT / "mnist_cnn").rglob("*.py")) if path.parent.name != "mnist_cnn"] + [
    path for path in sorted((PROJECT / "mnist_cnn").glob("*.py")) if path.name != "__init__.py"
]


def imported(path):
    """The names of all modules that a file imports, whole."""
    package = ".".join(path.relative_to(PROJECT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def part(module):
    """The part of the package that a module belongs to."""
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT / "mnist_cnn")))
def test_module_imports_only_lower_layers(path):
    own = path.relative_to(PROJECT / "mnist_cnn").with_suffix("").parts[0]
    others = {part(name) for name in imported(path) if name.startswith("mnist_cnn.")} - {own}
    assert [other for other in others if LEVELS[other] >= LEVELS[own]] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT / "mnist_cnn")))
def test_only_ui_imports_gradio(path):
    names = {name.split(".")[0] for name in imported(path)}
    assert "ui" in path.parts or not names & {"gradio", "gradio_client", "starlette"}


@pytest.mark.parametrize(
    ("name", "banned"),
    [("train", ("gradio", "mnist_cnn.ui", "mnist_cnn.jobs")), ("mnist_cnn.jobs.worker", ("gradio", "mnist_cnn.ui"))],
)
def test_training_loads_no_page(name, banned):
    code = f"import sys, {name}; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = printed.stdout.split()
    assert "mnist_cnn.training.loop" in loaded
    assert [module for module in loaded if module.startswith(banned)] == []


def test_importing_the_app_starts_no_server():
    code = "import app; assert app.demo.fns; assert not app.demo.is_running"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
