import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest
import torch

from mnist_cnn.calibration import Calibration
from mnist_cnn.checkpoint import CheckpointError, load_checkpoint, load_pretrained, pretrained_path, save_checkpoint
from mnist_cnn.models import MODELS, build_model
from tests.support import PROJECT


@pytest.mark.parametrize("name", MODELS)
def test_what_is_saved_comes_back(tmp_path, name):
    model = build_model(name, seed=3).eval()
    save_checkpoint(
        model, tmp_path / "folder" / "w.pt", {"epochs": 2}, test_accuracy=0.97, calibration=Calibration(0.5, 0.75)
    )
    checkpoint = load_checkpoint(tmp_path / "folder" / "w.pt")
    images = torch.randn(4, 1, 28, 28)
    assert (checkpoint.name, checkpoint.settings) == (name, {"epochs": 2})
    assert (checkpoint.test_accuracy, checkpoint.calibration) == (0.97, Calibration(0.5, 0.75))
    assert torch.equal(checkpoint.model(images), model(images))


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-8k", seed=1), path)
    old = path.read_bytes()

    def disk_full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(build_model("net-8k", seed=2), path)
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
        (lambda c: c.update(rejection_threshold=1.5), "threshold of 1.5"),
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
    save_checkpoint(build_model("net-25k"), path)
    content = content_of(path)
    change(content)
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(path)


def test_missing_cut_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "w.pt"
    with pytest.raises(CheckpointError, match="There are no weights at"):
        load_checkpoint(path)
    save_checkpoint(build_model("net-25k"), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)
    path.write_bytes(bytes(5 * 2**20))
    with pytest.raises(CheckpointError, match="larger than any weights"):
        load_checkpoint(path)


def test_a_file_cannot_run_code(tmp_path):
    path, witness = tmp_path / "w.pt", tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return (os.mkdir, (str(witness),))

    torch.save({"format": Attack()}, path)
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Attack(), protocol=2))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not witness.exists()


def test_shapes_that_no_network_has_cost_nothing(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k"), path)
    content = content_of(path)
    content["state_dict"]["head.weight"] = torch.zeros(1).expand(2**40)  # of one number in the file
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"head.weight is torch.float32 \(1099511627776,\), but net-25k needs"):
        load_checkpoint(path)


def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(200 * 2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(CheckpointError, match="larger than any weights"):
        load_checkpoint(path)


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """A copy of the shipped files, taken for them."""
    for file in ("net-25k.pt", "SHA256SUMS"):
        shutil.copy(PROJECT / "weights" / file, tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(weights, "_SUMS", tmp_path / "SHA256SUMS")
    assert load_pretrained("net-25k").name == "net-25k"
    return tmp_path


def test_shipped_weights_are_the_ones_that_were_published(pretrained):
    save_checkpoint(build_model("net-25k", seed=1), pretrained_path("net-25k"))  # sound, but others
    with pytest.raises(
        CheckpointError, match=r"SHA-256 is [0-9a-f]{64}, which is not in .*SHA256SUMS.*Get the file anew"
    ):
        load_pretrained("net-25k")


@pytest.mark.parametrize("file", ["net-25k.pt", "SHA256SUMS"])
def test_without_shipped_weights_or_their_sums_it_is_said(pretrained, file):
    (pretrained / file).unlink()
    with pytest.raises(CheckpointError, match=f"cannot be read: .*{file}"):
        load_pretrained("net-25k")


SAVE_FOR_EVER = """
import sys
from mnist_cnn.models import build_model
from mnist_cnn.checkpoint import save_weights
models = [build_model("net-25k", seed) for seed in (1, 2)]
print("ready", flush=True)
while True:
    for model in models:
        save_weights(model, sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal on this system")
def test_a_process_killed_while_it_saves_leaves_a_whole_file(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k", seed=1), path)
    sound = [build_model("net-25k", seed).state_dict()["head.weight"] for seed in (1, 2)]
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOR_EVER, path], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    for _ in range(200):  # what any reader finds meanwhile, and so what stays when it is killed then
        found = load_checkpoint(path).model.state_dict()["head.weight"]
        assert any(torch.equal(found, weight) for weight in sound)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    found = load_checkpoint(path).model.state_dict()["head.weight"]
    assert any(torch.equal(found, weight) for weight in sound)


SAVE_ON_A_FULL_DISK = """
import resource, signal, sys
from mnist_cnn.models import build_model
from mnist_cnn.checkpoint import save_weights
model = build_model("net-25k", 2)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing on is an error then, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_weights(model, sys.argv[1])
except (OSError, RuntimeError) as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k", seed=1), path)
    old = path.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-c", SAVE_ON_A_FULL_DISK, path], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("OSError")
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["w.pt"]
