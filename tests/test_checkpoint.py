import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from mnist_cnn import checkpoint
from mnist_cnn.calibration import Calibration
from mnist_cnn.checkpoint import (
    CheckpointError,
    decode_checkpoint,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from mnist_cnn.models import TEACHER, TRAINABLE, build_model
from tests.support import PROJECT


@pytest.mark.parametrize("name", TRAINABLE)
def test_saved_checkpoint_loads_unchanged(tmp_path, name):
    model = build_model(name, seed=3).eval()
    save_checkpoint(
        model, tmp_path / "folder" / "w.pt", {"epochs": 2}, test_accuracy=0.97, calibration=Calibration(0.5, 0.75)
    )
    loaded = load_checkpoint(tmp_path / "folder" / "w.pt")
    images = torch.randn(4, 1, 28, 28)
    assert (loaded.name, loaded.settings) == (name, {"epochs": 2})
    assert (loaded.test_accuracy, loaded.calibration) == (0.97, Calibration(0.5, 0.75))
    assert torch.equal(loaded.model(images), model(images))


def test_uploaded_file_must_hold_one_of_the_two_models(tmp_path):
    save_checkpoint(build_model(TEACHER, seed=0), tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"Unknown model 'net-210k'\. Available: net-8k, net-25k\.$"):
        decode_checkpoint((tmp_path / "w.pt").read_bytes())


def test_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
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


def nested_lists():
    """A list whose text has a hundred million characters, and whose pickle has 300 bytes."""
    value = []
    for _ in range(25):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format="other"), "not a checkpoint of this version"),
        (lambda c: c.update(model="net-9k"), r"Unknown model 'net-9k'\. Available: net-8k, net-25k"),
        (lambda c: c.update(model="net-8k"), "does not hold the weights of net-8k: Error.*Missing key"),
        (lambda c: c.update(settings=None), "no training settings"),
        (lambda c: c.update(test_accuracy=99.5), "test accuracy of 99.5"),
        (lambda c: c.update(temperature=0.0), "temperature of 0.0"),
        (lambda c: c.update(rejection_threshold=1.5), "threshold of 1.5"),
        (lambda c: c.pop("rejection_threshold"), "threshold of None"),
        (lambda c: c.update(state_dict=[]), "not hold the weights of net-25k: 'list' object is not a mapping"),
        (lambda c: c.update(state_dict={7: torch.ones(1)}), "not hold the weights of net-25k"),
        (lambda c: c["state_dict"].pop("head.bias"), 'Missing key.*"head.bias"'),
        (lambda c: c["state_dict"].update(extra=torch.ones(1)), 'Unexpected key.*"extra"'),
        (lambda c: c["state_dict"].update({"head.bias": torch.ones(9)}), r"size mismatch for head\.bias.*\[9\]"),
        (lambda c: c["state_dict"].update({"head.bias": 7}), "head.bias.*int"),
        (lambda c: c["state_dict"].update({"x" * 10**6: 7}), r"not hold the weights .{,500}$"),
        (
            lambda c: c["state_dict"].update({"head.bias": torch.full((10,), torch.nan)}),
            "head.bias has values that are not finite",
        ),
        (lambda c: c["state_dict"].update({"head.bias": torch.zeros(10).to_sparse()}), "head.bias"),
        (lambda c: c["state_dict"].update({"head.bias": torch.zeros(10, device="meta")}), "head.bias"),
        (lambda c: c["state_dict"]["bn1.running_var"].fill_(-1), "bn1.running_var has negative values"),
        (lambda c: c.update(temperature=1e-320), "temperature of 1e-320"),
        (lambda c: c.update(test_accuracy=nested_lists()), r"test accuracy of \[.{,700}$"),
    ],
)
def test_unsuitable_checkpoint_is_rejected_with_the_reason(tmp_path, change, message):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k"), path)
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_file_without_permission_to_read_is_an_error(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "w.pt").touch()
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(CheckpointError, match=r"w\.pt cannot be read: Permission denied\. Check its permissions\."):
        load_checkpoint(tmp_path / "w.pt")


def test_missing_truncated_and_foreign_files_are_rejected(tmp_path):
    path = tmp_path / "w.pt"
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        load_checkpoint(path)
    save_checkpoint(build_model("net-25k"), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)
    path.write_bytes(bytes(5 * 2**20))
    with pytest.raises(CheckpointError, match="larger than any checkpoint"):
        load_checkpoint(path)


def test_checkpoint_cannot_run_code(tmp_path):
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


def test_huge_shape_costs_no_memory(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k"), path)
    content = torch.load(path, weights_only=True)
    content["state_dict"]["head.weight"] = torch.zeros(1).expand(2**40)  # a single number in the file
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"size mismatch for head\.weight.*\[1099511627776\]"):
        load_checkpoint(path)


def test_file_that_decompresses_to_far_more_is_rejected(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(20 * 2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(CheckpointError, match="larger than any checkpoint"):
        load_checkpoint(path)


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """A folder that takes the place of the pretrained checkpoints, with copies of them."""
    for file in ("net-25k.pt", "SHA256SUMS"):
        shutil.copy(PROJECT / "weights" / file, tmp_path)
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(checkpoint, "_CHECKSUMS", tmp_path / "SHA256SUMS")
    assert load_pretrained("net-25k").name == "net-25k"
    return tmp_path


def test_pretrained_checkpoint_must_be_the_published_file(pretrained):
    save_checkpoint(build_model("net-25k", seed=1), pretrained_path("net-25k"))  # valid, but another
    message = r"checksum mismatch.*SHA-256 is [0-9a-f]{64}, which is not in .*SHA256SUMS.*Get the file again"
    with pytest.raises(CheckpointError, match=message):
        load_pretrained("net-25k")


@pytest.mark.parametrize("file", ["net-25k.pt", "SHA256SUMS"])
def test_missing_pretrained_checkpoint_or_checksums_are_an_error(pretrained, file):
    (pretrained / file).unlink()
    with pytest.raises(CheckpointError, match=f"cannot be read: .*{file}"):
        load_pretrained("net-25k")


SAVE_FOREVER = """
import sys
from mnist_cnn.models import build_model
from mnist_cnn.checkpoint import save_checkpoint
models = [build_model("net-25k", seed) for seed in (1, 2)]
print("ready", flush=True)
while True:
    for model in models:
        save_checkpoint(model, sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_process_killed_while_saving_leaves_a_complete_file(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k", seed=1), path)
    weights = [build_model("net-25k", seed).state_dict()["head.weight"] for seed in (1, 2)]
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOREVER, path], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    for _ in range(50):  # what a reader finds at any time, and so what a kill leaves
        found = load_checkpoint(path).model.state_dict()["head.weight"]
        assert any(torch.equal(found, weight) for weight in weights)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    found = load_checkpoint(path).model.state_dict()["head.weight"]
    assert any(torch.equal(found, weight) for weight in weights)


@contextlib.contextmanager
def full_disk():
    """Let no file grow beyond 50,000 bytes: writing on is an error, as on a full disk."""
    import resource

    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")
def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "w.pt"
    save_checkpoint(build_model("net-25k", seed=1), path)
    old = path.read_bytes()
    with full_disk(), pytest.raises(OSError, match="too large"):
        save_checkpoint(build_model("net-25k", seed=2), path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["w.pt"]
