"""Checkpoints: a state dict plus what is needed to rebuild its model, loaded without unpickling arbitrary objects."""

import hashlib
import io
import os
import reprlib
import tempfile
import textwrap
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .calibration import UNCALIBRATED, Calibration
from .models import MODELS, TRAINABLE, DigitCNN, build_model, model_name

WEIGHTS_DIR = Path(__file__).parent.parent / "weights"

_CHECKSUMS = WEIGHTS_DIR / "SHA256SUMS"  # in the format of sha256sum

# The number rises with every change to what weights silently depend on, such as `normalize`, pooling and the names of
# settings.
_FORMAT = "mnist-cnn-checkpoint-4"
_MAX_BYTES = 4 * 2**20  # the teacher takes 0.9 MB
_MAX_REASON_LENGTH = 400  # characters of PyTorch's error, which quotes the file
_TEMPERATURES = (1e-6, 1e6)  # beyond these, logits overflow


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and what is known about it.

    Attributes:
        model: in evaluation mode, on the CPU, without gradients.
        name: its key in `TRAINABLE`.
        settings: its training settings as plain values; empty if unknown.
        test_accuracy: on MNIST's test set, 0 to 1; None if it was not evaluated.
        calibration: of the model.
    """

    model: DigitCNN
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    test_accuracy: float | None = None
    calibration: Calibration = UNCALIBRATED


def pretrained_path(name: str) -> Path:
    """Where the pretrained checkpoint of a model is."""
    return WEIGHTS_DIR / f"{name}.pt"


def load_pretrained(name: str) -> Checkpoint:
    """The pretrained checkpoint of a model, after a check that it is the published file.

    Raises:
        CheckpointError: the file is missing, or its checksum is not in `weights/SHA256SUMS`.
    """
    path = pretrained_path(name)
    try:
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        lines = _CHECKSUMS.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise CheckpointError(
            f"The pretrained checkpoint cannot be read: {error}. Get {path.name} and {_CHECKSUMS.name} again."
        ) from error
    if checksum not in [line.split()[0] for line in lines if line.split()[1:] == [path.name]]:
        raise CheckpointError(
            f"{path}: checksum mismatch. Its SHA-256 is {checksum}, which is not in {_CHECKSUMS}. Get the file again "
            f"or, if you trained it yourself, update the checksums: sha256sum *.pt > {_CHECKSUMS.name}"
        )
    return load_checkpoint(path)


def save_checkpoint(
    model: nn.Module,
    path: str | Path,
    settings: dict[str, Any] | None = None,
    test_accuracy: float | None = None,
    calibration: Calibration = UNCALIBRATED,
) -> None:
    """Write a checkpoint atomically: a reader finds the old file or the complete new one.

    Args:
        model: a model of `TRAINABLE`.
        path: the file to write; its folder is created if it does not exist.
        settings: the training settings as plain values (`dataclasses.asdict`).
        test_accuracy: 0 to 1.
        calibration: see `calibration.calibrate`.

    Raises:
        OSError: the file cannot be written; an older one at `path` is unchanged.
    """
    content = {
        "format": _FORMAT,
        "model": model_name(model),
        "settings": settings or {},
        "test_accuracy": test_accuracy,
        "temperature": calibration.temperature,
        "rejection_threshold": calibration.rejection_threshold,
        "state_dict": {key: value.detach().cpu() for key, value in model.state_dict().items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)  # not to the file: if the disk is full, `torch.save` raises other errors than OSError
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, since renaming is atomic only within a file system.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".tmp", delete=False) as file:
        try:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.chmod(file.name, 0o644)  # a temporary file is readable by its owner only
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Load what `save_checkpoint` wrote. The file may come from anyone: it cannot run code or exhaust memory.

    Raises:
        CheckpointError: the file is missing, unreadable, damaged or not a checkpoint of this project, or its weights
            do not fit the model that it states.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}. Train a model: python train.py --output {path}")
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error
    try:
        return decode_checkpoint(content, TRAINABLE)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def decode_checkpoint(file: bytes, models: Collection[str] = MODELS) -> Checkpoint:
    """The same for the content of a file, which must hold one of `models`.

    Raises:
        CheckpointError: as `load_checkpoint`. The message quotes a few hundred characters of the file at most.
    """
    content = _unpack(file)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(
            f"It is not a checkpoint of this version, which needs the format {_FORMAT}. Train again with this version."
        )

    name, settings = content.get("model"), content.get("settings")
    accuracy = content.get("test_accuracy")
    temperature, threshold = content.get("temperature"), content.get("rejection_threshold")
    if not isinstance(name, str) or name not in models:
        raise CheckpointError(f"Unknown model {reprlib.repr(name)}. Available: {', '.join(models)}.")
    if not isinstance(settings, dict):
        raise CheckpointError("It has no training settings.")
    if accuracy is not None and not (isinstance(accuracy, float) and 0 <= accuracy <= 1):
        raise CheckpointError(f"It has a test accuracy of {reprlib.repr(accuracy)}; it must be from 0 to 1.")
    low, high = _TEMPERATURES
    if not (isinstance(temperature, float) and low <= temperature <= high):
        raise CheckpointError(
            f"It has a temperature of {reprlib.repr(temperature)}; it must be from {low:g} to {high:g}."
        )
    if not (isinstance(threshold, float) and 0 <= threshold <= 1):
        raise CheckpointError(f"It has a rejection threshold of {reprlib.repr(threshold)}; it must be from 0 to 1.")

    model = build_model(name, seed=0)
    try:
        # A plain dict, because a file can give an OrderedDict metadata that change how `load_state_dict` works.
        model.load_state_dict({**content.get("state_dict")})  # type: ignore[dict-item]
    except Exception as error:  # of any kind, since keys and values can be anything
        reason = textwrap.shorten(str(error), _MAX_REASON_LENGTH)
        raise CheckpointError(f"It does not hold the weights of {name}: {reason}") from error
    for key, value in model.state_dict().items():
        if not value.isfinite().all():
            raise CheckpointError(f"{key} has values that are not finite. Train again with a lower learning rate.")
        if key.endswith("running_var") and (value < 0).any():
            raise CheckpointError(f"{key} has negative values, which no variance has. Get the file again.")
    return Checkpoint(model.eval().requires_grad_(False), name, settings, accuracy, Calibration(temperature, threshold))


def _unpack(file: bytes) -> object:
    too_large = CheckpointError(f"It is larger than any checkpoint of this project (limit {_MAX_BYTES:,} bytes).")
    if len(file) > _MAX_BYTES:
        raise too_large
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:  # the container of PyTorch's files; it may be compressed
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise too_large
        return torch.load(io.BytesIO(file), map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # the zip and pickle readers raise nearly any exception on a damaged or foreign file
        raise CheckpointError("It is damaged or not a checkpoint. Get it again, or train a model.") from error
