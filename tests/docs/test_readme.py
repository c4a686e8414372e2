import dataclasses
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.tables import SECTIONS, filled
from mnist_cnn.checkpoint import load_checkpoint, save_checkpoint
from mnist_cnn.models import MODELS, DigitCNN, build_model
from mnist_cnn.training import RECIPES, get_settings, train
from tests.support import PROJECT


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
    assert set(re.findall("<!-- (\\w[\\w ]*) -->", readme)) == {*SECTIONS, "a network", "an augmentation"}
    assert filled(readme) == readme


def snippet(name):
    """The code that the README shows under a name."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    return re.search(f"<!-- {name} -->\n```python\n(.*?)```\n<!-- /{name} -->", readme, re.DOTALL).group(1)


def test_a_network_is_added_as_the_readme_does(small_sets, tmp_path):
    models, recipes = dict(MODELS), RECIPES["ours"]
    code = snippet("a network")
    try:
        names = {"MODELS": MODELS, "RECIPES": RECIPES, "Network": DigitCNN, "nn": nn, "F": F}
        exec(code, names | {"dataclasses": dataclasses})
        model = build_model("tiny", seed=1)
        (images, labels), test = small_sets
        settings = get_settings("tiny", epochs=15, batch_size=16, seed=1)
        *_, progress = train(model, images, labels, settings, test)
        assert progress.test_accuracy > 0.8
        save_checkpoint(model, tmp_path / "tiny.pt")
        assert load_checkpoint(tmp_path / "tiny.pt").name == "tiny"
    finally:
        MODELS.pop("tiny", None)
        recipes.pop("tiny", None)
    assert models == MODELS


def test_an_augmentation_is_added_as_the_readme_does(small_sets, monkeypatch):
    (images, labels), _ = small_sets
    names = {"torch": torch, "shown": images, "generator": torch.Generator().manual_seed(0)}
    exec(snippet("an augmentation"), names)
    assert names["shown"].dtype == torch.uint8 and names["shown"].shape == images.shape
    cleared = (names["shown"] == 0) & (images > 0)
    assert cleared.sum() / (images > 0).sum() == pytest.approx(0.1, abs=0.01)
    assert (names["shown"] == images)[~cleared].all()

    random_affine = training.random_affine
    monkeypatch.setattr(training, "augment", lambda *given: names["speckle"](random_affine(*given), 0.1, given[2]))
    model = build_model("net-8k", seed=1)
    *_, progress = train(model, images, labels, get_settings("net-8k", epochs=1))
    assert progress.is_last


def test_every_promise_is_held_by_a_test_or_a_benchmark():
    promises = (PROJECT / "docs" / "promises.md").read_text(encoding="utf-8").split("## Not promised")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(rows) >= 20
    for row in rows:
        file, _, name = re.search(r"`([\w/.]+)(::(\w+))?` \|$", row).groups()
        assert (PROJECT / file).is_file()
        assert not name or f"def {name}(" in (PROJECT / file).read_text(encoding="utf-8")
