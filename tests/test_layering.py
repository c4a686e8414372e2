import subprocess
import sys

from tests.support import PROJECT


def test_only_the_page_knows_gradio():
    modules = [f"mnist_cnn.{path.stem}" for path in (PROJECT / "mnist_cnn").glob("*.py") if path.stem != "__init__"]
    assert "mnist_cnn.classifier" in modules
    code = f"import sys, {', '.join(modules)}; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT).returncode == 0


def test_importing_the_app_serves_nothing():
    code = "import app; assert app.demo.fns; assert not app.demo.is_running"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
