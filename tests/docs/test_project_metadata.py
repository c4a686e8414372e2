import re
import tomllib

import mnist_cnn
from tests.support import PROJECT
from tests.support.documents import front_matter

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements():
    return (PROJECT / "requirements.txt").read_text(encoding="utf-8").split()


def test_project_depends_on_the_four_packages_of_requirements_txt():
    assert sorted(PROJECT_TABLE["project"]["dependencies"]) == sorted(requirements())
    assert {line.split("==")[0] for line in requirements()} == {"torch", "torchvision", "gradio", "numpy"}


def test_front_matter_matches_the_pins():
    fields = front_matter()
    assert fields["sdk"] == "gradio"
    assert f"gradio=={fields['sdk_version']}" in requirements()
    assert (PROJECT / fields["app_file"]).is_file()
    assert len(fields["short_description"]) <= 60  # or the Space is rejected


def test_python_versions_agree():
    minimum = PROJECT_TABLE["project"]["requires-python"].removeprefix(">=")
    workflow = (PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f'python: ["{minimum}"' in workflow


def test_changelog_begins_with_the_current_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", mnist_cnn.__version__)
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE).group(1) == mnist_cnn.__version__


def test_package_data_covers_every_file_of_the_package():
    patterns = PROJECT_TABLE["tool"]["setuptools"]["package-data"]["*"]
    suffixes = {path.suffix for path in (PROJECT / "mnist_cnn").rglob("*") if path.is_file()}
    assert suffixes - {".py", ".pyc", ".pyi"} == {pattern.removeprefix("*") for pattern in patterns}
