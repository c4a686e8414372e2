import re

import pytest

from benchmarks.tables import SECTIONS, filled
from tests.support import PROJECT

DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(PROJECT / name for name in ("weights/README.md", "benchmarks/README.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
]
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))


def read(document):
    return document.read_text(encoding="utf-8")


def anchors(document):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", read(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_has_at_most_200_lines():
    assert len(read(PROJECT / "README.md").splitlines()) <= 200


@documents
def test_links_between_documents_resolve(document):
    text = read(document)
    for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@documents
def test_named_files_modules_and_make_targets_exist(document):
    text = read(document)
    for path in re.findall(r"`((?:mnist_cnn|tests|benchmarks|docs|weights)/[\w/.]*)`", text):
        assert (PROJECT / path).exists(), path
    for module in re.findall(r"python -m benchmarks\.(\w+)", text):
        assert (PROJECT / "benchmarks" / f"{module}.py").is_file(), module
    targets = re.findall(r"^([\w-]+):", read(PROJECT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([\w-]+)", text, re.MULTILINE)) <= set(targets)


def test_tables_are_those_of_the_benchmark_results():
    texts = [read(document) for document in DOCUMENTS]
    markers = [name for text in texts for name in re.findall(r"<!-- (\w[\w ]*) -->", text)]
    assert sorted(markers) == sorted(SECTIONS)
    assert [filled(text) for text in texts] == texts


def test_every_guarantee_names_a_test_or_a_benchmark():
    guarantees = read(PROJECT / "docs" / "guarantees.md").split("## Not guaranteed")[0]
    rows = [line for line in guarantees.splitlines() if line.startswith("| ") and "| held by |" not in line]
    assert len(rows) >= 20
    for row in rows:
        file, _, name = re.search(r"`([\w/.]+)(::(\w+))?` \|$", row).groups()
        assert (PROJECT / file).is_file(), row
        assert not name or f"def {name}(" in read(PROJECT / file), row
