"""Trained networks on disk: a state dict plus what rebuilds its model, read without unpickling anything."""

import hashlib
import io
import os
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .calibration import UNCALIBRATED, Calibration
from .models import MODELS, DigitCNN, build_model, model_name

WEIGHTS_DIR = Path(__file__).parent.parent / "weights"

_SUMS = WEIGHTS_DIR / "SHA256SUMS"  # as sha256sum prints them

# The number counts what the weights rely on without saying so: since 2, images have no slant, and pools overlap;
# since 3, net-8k is shown digits of one spread.
_FORMAT = "mnist-cnn-checkpoint-4"
_MAX_BYTES = 4 * 2**20  # the largest network takes 0.1 MB


class CheckpointError(ValueError):
    """A weights file cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and what is known of it.

    Attributes:
        model: the network, in evaluation mode, on the CPU.
        name: its key in `MODELS`.
        settings: the training settings that made it, as plain values; empty where unknown.
        test_accuracy: share of MNIST's test set read right, 0 to 1, or None where it was not measured.
        calibration: what turns its logits into probabilities, and says whether there is a digit at all.
    """

    model: DigitCNN
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    test_accuracy: float | None = None
    calibration: Calibration = UNCALIBRATED


def pretrained_path(name: str) -> Path:
    """Where the shipped weights of a network are."""
    return WEIGHTS_DIR / f"{name}.pt"


def load_pretrained(name: str) -> Checkpoint:
    """The shipped weights of a network, known to be the ones that the project was published with.

    Raises:
        WeightsError: the file is missing or not the one whose checksum is in `weights/SHA256SUMS`.
    """
    path = pretrained_path(name)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        lines = _SUMS.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise CheckpointError(
            f"The shipped weights cannot be read: {error}. Get {path.name} and {_SUMS.name} anew."
        ) from error
    if found not in [line.split()[0] for line in lines if line.split()[1:] == [path.name]]:
        raise CheckpointError(
            f"{path} is not the file that belongs to this project: its SHA-256 is {found}, which is not in {_SUMS}. "
            f"Get the file anew, or, where you have trained it yourself, enter its sum: sha256sum *.pt > {_SUMS.name}"
        )
    return load_checkpoint(path)


def save_checkpoint(
    model: nn.Module,
    path: str | Path,
    settings: dict[str, Any] | None = None,
    test_accuracy: float | None = None,
    calibration: Calibration = UNCALIBRATED,
) -> None:
    """Write a network's weights so that a reader finds the old file or the whole new one, never a part.

    Args:
        model: a network of `MODELS`.
        path: the file to write; its folder is made where it is missing.
        settings: what the network was trained with, as plain values (`dataclasses.asdict`).
        test_accuracy: 0 to 1.
        calibration: see `calibration.calibrate`.

    Raises:
        OSError: the file cannot be written; an older one at `path` is untouched.
    """
    content = {
        "format": _FORMAT,
        "model": model_name(model),
        "settings": settings or {},
        "test_accuracy": test_accuracy,
        "temperature": calibration.temperature,
        "threshold": calibration.rejection_threshold,
        "state_dict": {key: value.detach().cpu() for key, value in model.state_dict().items()},
    }
    packed = io.BytesIO()
    torch.save(content, packed)  # to a file it would say something else than OSError where the disk is full
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, since a rename is atomic within one file system alone.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".tmp", delete=False) as file:
        try:
            file.write(packed.getbuffer())
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.chmod(file.name, 0o644)  # temporary files are made for their owner alone
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or not this project's, or its weights do not fit the network that
            it names.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There are no weights at {path}. Train some: python train.py --output {path}")
    if max(path.stat().st_size, _unpacked_bytes(path)) > _MAX_BYTES:
        raise CheckpointError(f"{path} is larger than any weights of this project can be ({_MAX_BYTES} bytes).")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged or foreign file can raise nearly anything on its way through the zip and pickle readers.
    except Exception as error:
        raise CheckpointError(f"{path} cannot be read as weights: it is damaged or not a weights file.") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(
            f"{path} was not written by this project's save_weights, or it was by an earlier version's, whose networks "
            f"saw other images. Train anew: python train.py --output {path}"
        )

    name, settings = content.get("model"), content.get("settings")
    accuracy = content.get("test_accuracy")
    temperature, rejection_threshold = content.get("temperature"), content.get("threshold")
    if not isinstance(name, str) or name not in MODELS:
        raise CheckpointError(f"{path} names the network {name!r}; the networks are {', '.join(MODELS)}.")
    if not isinstance(settings, dict):
        raise CheckpointError(f"{path} holds no training settings where they belong.")
    if accuracy is not None and not (isinstance(accuracy, float) and 0 <= accuracy <= 1):
        raise CheckpointError(f"{path} states a test accuracy of {accuracy!r}, not a number from 0 to 1.")
    if not (isinstance(temperature, float) and 0 < temperature < float("inf")):
        raise CheckpointError(f"{path} states a temperature of {temperature!r}, not a positive number.")
    if not (isinstance(rejection_threshold, float) and 0 <= rejection_threshold <= 1):
        raise CheckpointError(f"{path} states a threshold of {rejection_threshold!r}, not a number from 0 to 1.")
    model = build_model(name, seed=0)
    _check_state(path, name, content.get("state_dict"), model.state_dict())
    model.load_state_dict(content["state_dict"])
    return Checkpoint(
        model.eval().requires_grad_(False), name, settings, accuracy, Calibration(temperature, rejection_threshold)
    )


def _unpacked_bytes(path: Path) -> int:
    """What a zip archive, which weights files are, says that it unpacks to; 0 for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return 0


def _check_state(path: Path, name: str, state: object, expected: dict[str, torch.Tensor]) -> None:
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no state dict.")
    missing, foreign = expected.keys() - state.keys(), state.keys() - expected.keys()
    if missing or foreign:
        parts = [f"lacks {', '.join(sorted(missing))}"] * bool(missing)
        parts += [f"has {', '.join(sorted(map(str, foreign)))}, which {name} has not"] * bool(foreign)
        raise CheckpointError(f"{path} does not hold the weights of {name}: it {' and '.join(parts)}.")
    for key, tensor in expected.items():
        found = state[key]
        if not isinstance(found, torch.Tensor) or found.shape != tensor.shape or found.dtype != tensor.dtype:
            kind = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise CheckpointError(f"{path}: {key} is {kind}, but {name} needs {tensor.dtype} {tuple(tensor.shape)}.")
        if not found.isfinite().all():
            raise CheckpointError(f"{path}: {key} holds values that are not finite numbers.")
