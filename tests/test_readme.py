import re

from conftest import PROJECT

from benchmarks.tables import SECTIONS, filled


def front_matter():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL).group(1)
    return dict(line.split(": ", 1) for line in block.splitlines())


def test_the_space_runs_what_is_pinned():
    pins = dict(line.split("==") for line in (PROJECT / "requirements.txt").read_text().split())
    assert set(pins) == {"torch", "torchvision", "gradio", "numpy"}
    fields = front_matter()
    assert fields["sdk"] == "gradio"
    assert fields["sdk_version"] == pins["gradio"]
    assert (PROJECT / fields["app_file"]).is_file()
    assert len(fields["short_description"].strip('"')) <= 60


def test_the_tables_are_what_the_benchmarks_printed():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall("<!-- (\\w[\\w ]*) -->", readme)) == set(SECTIONS)
    assert filled(readme) == readme
