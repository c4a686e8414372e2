import os
import pickle

import pytest
import torch

from mnist_cnn.calibration import Calibration
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.weights import WeightsError, load_weights, save_weights


@pytest.mark.parametrize("name", MODELS)
def test_what_is_saved_comes_back(tmp_path, name):
    model = build_model(name, seed=3).eval()
    save_weights(
        model, tmp_path / "folder" / "w.pt", {"epochs": 2}, test_accuracy=0.97, calibration=Calibration(0.5, 0.75)
    )
    checkpoint = load_weights(tmp_path / "folder" / "w.pt")
    images = torch.randn(4, 1, 28, 28)
    assert (checkpoint.name, checkpoint.settings) == (name, {"epochs": 2})
    assert (checkpoint.test_accuracy, checkpoint.calibration) == (0.97, Calibration(0.5, 0.75))
    assert torch.equal(checkpoint.model(images), model(images))


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "w.pt"
    save_weights(build_model("net-8k", seed=1), path)
    old = path.read_bytes()

    def disk_full(content, file):
        file.write(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        save_weights(build_model("net-8k", seed=2), path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["w.pt"]


def content_of(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(format="other"), "not written by this project"),
        (lambda c: c.update(model="net-9k"), "names the network 'net-9k'; the networks are net-8k, net-25k"),
        (lambda c: c.update(model="net-8k"), "does not hold the weights of net-8k"),
        (lambda c: c.update(settings=None), "no training settings"),
        (lambda c: c.update(test_accuracy=99.5), "test accuracy of 99.5"),
        (lambda c: c.update(temperature=0.0), "temperature of 0.0"),
        (lambda c: c.update(threshold=1.5), "threshold of 1.5"),
        (lambda c: c.pop("threshold"), "threshold of None"),
        (lambda c: c.update(state_dict=[]), "no state dict"),
        (lambda c: c["state_dict"].pop("head.bias"), "lacks head.bias"),
        (lambda c: c["state_dict"].update(extra=torch.ones(1)), "has extra, which net-25k has not"),
        (lambda c: c["state_dict"].update({"head.bias": torch.ones(9)}), r"head.bias is torch.float32 \(9,\)"),
        (lambda c: c["state_dict"].update({"head.bias": 7}), "head.bias is int"),
        (lambda c: c["state_dict"].update({"head.bias": torch.full((10,), torch.nan)}), "not finite"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_the_reason(tmp_path, change, words):
    path = tmp_path / "w.pt"
    save_weights(build_model("net-25k"), path)
    content = content_of(path)
    change(content)
    torch.save(content, path)
    with pytest.raises(WeightsError, match=words):
        load_weights(path)


def test_missing_cut_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "w.pt"
    with pytest.raises(WeightsError, match="There are no weights at"):
        load_weights(path)
    save_weights(build_model("net-25k"), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(path)
    path.write_bytes(bytes(5 * 2**20))
    with pytest.raises(WeightsError, match="larger than any weights"):
        load_weights(path)


def test_a_file_cannot_run_code(tmp_path):
    path, witness = tmp_path / "w.pt", tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return (os.mkdir, (str(witness),))

    torch.save({"format": Attack()}, path)
    with pytest.raises(WeightsError):
        load_weights(path)
    path.write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(WeightsError):
        load_weights(path)
    assert not witness.exists()
