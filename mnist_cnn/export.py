"""Export a checkpoint to ONNX: `python -m mnist_cnn.export weights/net-25k.pt net-25k.onnx`.

The graph maps MNIST images to probabilities. It contains the normalisation and the calibration, so that a user needs
nothing of this project.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import torch
from torch import nn

from .checkpoint import Checkpoint, CheckpointError, load_checkpoint
from .constants import IMAGE_SIZE
from .preprocessing import normalize

_REQUIRED = ("onnx", "onnxscript")  # by PyTorch's exporter


class ExportError(RuntimeError):
    """The export cannot be done; the message says why, and what to do."""


class _Probabilities(nn.Module):
    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.model, self.calibration = checkpoint.model, checkpoint.calibration

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        inputs = normalize(images, self.model.TARGET_STD)  # (N, 1, 28, 28)
        return self.calibration.probabilities(self.model(inputs))  # (N, 10)


def export_onnx(checkpoint: Checkpoint, path: str | Path) -> None:
    """Write a checkpoint's model as an ONNX file.

    Its input `images` is uint8 (N, 28, 28), 0 is background and 255 full ink, in the format of MNIST; its output
    `probabilities` is float32 (N, 10). N is any number from 1.

    Args:
        checkpoint: of the model, with its calibration.
        path: the file to write.

    Raises:
        ExportError: a package that the export needs is not installed.
        OSError: the file cannot be written.
    """
    missing = [name for name in _REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(
            f"The export needs {' and '.join(missing)}. Install what this project is developed with: "
            "python -m pip install -r requirements-dev.txt"
        )
    program = torch.onnx.export(
        _Probabilities(checkpoint).eval(),
        (torch.zeros(2, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8),),
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        dynamo=True,
        verbose=False,
    )
    assert program
    for node in program.model.graph:
        node.metadata_props.clear()  # among it the paths of this machine's source files
    program.save(str(path), external_data=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m mnist_cnn.export", description="Export a checkpoint to ONNX.")
    parser.add_argument("checkpoint", type=Path, help="checkpoint of this project, such as weights/net-25k.pt")
    parser.add_argument("output", type=Path, help="ONNX file to write, such as net-25k.onnx")
    options = parser.parse_args(arguments)
    try:
        export_onnx(load_checkpoint(options.checkpoint), options.output)
    except (CheckpointError, ExportError) as error:
        print(f"mnist_cnn.export: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = f"{options.output} cannot be written: {error.strerror}. Name another file."
        print(f"mnist_cnn.export: {reason}", file=sys.stderr)
        return 2
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
