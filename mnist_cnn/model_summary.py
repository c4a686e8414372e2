"""The layers of a model with their shapes, parameters, receptive fields and multiply-adds, from the module itself."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from .constants import IMAGE_SIZE
from .models import DigitCNN, count_parameters

_Module = nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d | nn.AdaptiveAvgPool2d


@dataclass(frozen=True)
class Layer:
    """A layer of a model, for one image.

    Attributes:
        name: of the module.
        kind: class of the module, such as "Conv2d".
        kernel, stride: in pixels of the layer's input; kernels are square. 1 for a batch norm.
        output_shape: without the batch, such as (16, 28, 28).
        num_parameters: of the layer.
        receptive_field: side in pixels of the square of the model's input that one output depends on; beyond the edges
            of the image it is padding.
        multiply_adds: of a convolution, or one for each output of a batch norm; a pooling has none.
    """

    name: str
    kind: str
    kernel: int
    stride: int
    output_shape: tuple[int, ...]
    num_parameters: int
    receptive_field: int
    multiply_adds: int


def summarize(model: DigitCNN) -> list[Layer]:
    """The layers of a model in the order in which it runs them.

    Call it before other threads use models: tracing changes how PyTorch calls modules, for all threads.

    Args:
        model: a model of `MODELS` in evaluation mode.
    """
    summary = _Summary(fx.symbolic_trace(model))
    with torch.inference_mode():
        summary.run(torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE))
    return summary.layers


def summary_table(layers: list[Layer]) -> list[list[str]]:
    """The layers as texts: name, kernel, stride, output, parameters, receptive field, multiply-adds; last the sum."""
    rows = [
        [
            f"{layer.name} ({layer.kind})",
            f"{layer.kernel}×{layer.kernel}",
            str(layer.stride),
            "×".join(map(str, layer.output_shape)),
            f"{layer.num_parameters:,}",
            f"{layer.receptive_field}×{layer.receptive_field}",
            f"{layer.multiply_adds:,}",
        ]
        for layer in layers
    ]
    num_parameters = sum(layer.num_parameters for layer in layers)
    multiply_adds = sum(layer.multiply_adds for layer in layers)
    return [*rows, ["Sum", "", "", "", f"{num_parameters:,}", "", f"{multiply_adds:,}"]]


class _Summary(fx.Interpreter):
    """Runs a traced model and collects its layers."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.layers: list[Layer] = []
        # The receptive field of each value, and the distance in the model's input between two neighbouring outputs.
        self._fields: dict[fx.Node, tuple[int, int]] = {}

    def run_node(self, n: fx.Node) -> Any:
        output = super().run_node(n)
        fields = [self._fields[node] for node in n.all_input_nodes]
        # Where two branches join, what either depends on counts; the distance is the same in both.
        field, distance = max(fields, default=(1, 1))
        module = self.module.get_submodule(str(n.target)) if n.op == "call_module" else None
        if isinstance(module, _Module):
            (input_node,) = n.all_input_nodes
            kernel, stride = _kernel_and_stride(module, self.env[input_node])
            field, distance = field + (kernel - 1) * distance, distance * stride
            self.layers.append(
                Layer(
                    name=str(n.target),
                    kind=type(module).__name__,
                    kernel=kernel,
                    stride=stride,
                    output_shape=tuple(output.shape[1:]),
                    num_parameters=count_parameters(module),
                    receptive_field=field,
                    multiply_adds=_multiply_adds(module, output),
                )
            )
        self._fields[n] = field, distance
        return output


def _kernel_and_stride(module: _Module, inputs: torch.Tensor) -> tuple[int, int]:
    if isinstance(module, nn.AdaptiveAvgPool2d):  # over all of its input
        return inputs.shape[-1], inputs.shape[-1]
    if isinstance(module, nn.BatchNorm2d):
        return 1, 1
    return _side(module.kernel_size), _side(module.stride)


def _side(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]


def _multiply_adds(module: _Module, output: torch.Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    return output.numel() if isinstance(module, nn.BatchNorm2d) else 0
