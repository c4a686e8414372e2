import hashlib
import re

import pytest

from mnist_cnn.checkpoint import load_checkpoint, pretrained_path
from mnist_cnn.models import MODELS, count_parameters
from tests.support import PROJECT
from tests.support.documents import front_matter


def card_row(name):
    """The cells of a network's row in the model card."""
    card = (PROJECT / "weights" / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{name}.pt` \|(.*)\|$", card, re.MULTILINE).group(1)
    return [cell.strip() for cell in row.split("|")]


@pytest.mark.parametrize("name", MODELS)
def test_the_model_card_describes_the_file(name):
    checkpoint = load_checkpoint(pretrained_path(name))
    parameters, accuracy, sha256 = card_row(name)
    assert parameters == f"{count_parameters(checkpoint.model):,}"
    assert accuracy == f"{checkpoint.test_accuracy:.2%}"
    assert f"{sha256.strip('`')}  {name}.pt" in (PROJECT / "weights" / "SHA256SUMS").read_text().splitlines()
    assert sha256 == f"`{hashlib.sha256(pretrained_path(name).read_bytes()).hexdigest()}`"


def test_metadata_for_the_hub_has_the_test_accuracies():
    metadata = front_matter(PROJECT / "weights")
    accuracies = {
        entry["name"]: result["metrics"][0]["value"] for entry in metadata["model-index"] for result in entry["results"]
    }
    expected = {name: load_checkpoint(pretrained_path(name)).test_accuracy for name in MODELS}
    assert accuracies == pytest.approx(expected, abs=5e-5)
    assert metadata["datasets"] == front_matter()["datasets"]
    assert metadata["license"] == front_matter()["license"]
