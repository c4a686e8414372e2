import re
import tomllib

import yaml
from packaging.requirements import Requirement

import mnist_cnn
from deploy.space import ZERO_GPU_VERSIONS
from tests.support import PROJECT
from tests.support.documents import front_matter

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements():
    return (PROJECT / "requirements.txt").read_text(encoding="utf-8").split()


def dependencies():
    return {Requirement(line).name: Requirement(line) for line in PROJECT_TABLE["project"]["dependencies"]}


def pinned(lines):
    return dict(line.split("==") for line in lines)


def test_project_depends_on_the_four_packages_of_requirements_txt():
    assert list(dependencies()) == list(pinned(requirements())) == ["torch", "torchvision", "gradio", "numpy"]


def test_pinned_and_tested_versions_are_those_that_the_project_allows():
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    tested = [pinned(job["versions"].split()) for job in workflow["jobs"]["test"]["strategy"]["matrix"]["include"]]
    for versions in [pinned(requirements()), ZERO_GPU_VERSIONS, *tested]:
        for name, version in versions.items():
            assert dependencies()[name].specifier.contains(version), (name, version)
    assert ZERO_GPU_VERSIONS in tested
    minimum = next(spec.version for spec in dependencies()["torch"].specifier if spec.operator == ">=")
    assert f"{minimum}.0" in [versions["torch"] for versions in tested]


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
    assert ".".join(front_matter()["python_version"].split(".")[:2]) in re.search(r"python: (\[.*\])", workflow)[1]


def test_changelog_begins_with_the_current_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", mnist_cnn.__version__)
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changelog, re.MULTILINE).group(1) == mnist_cnn.__version__


def test_package_data_covers_every_file_of_the_package():
    patterns = PROJECT_TABLE["tool"]["setuptools"]["package-data"]["*"]
    suffixes = {path.suffix for path in (PROJECT / "mnist_cnn").rglob("*") if path.is_file()}
    assert suffixes - {".py", ".pyc", ".pyi"} == {pattern.removeprefix("*") for pattern in patterns}
