"""The layers of a model with their shapes, parameters, receptive fields and multiply-adds, from the module itself."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import fx, nn

from .constants import IMAGE_SIZE
from .models import DigitCNN, count_parameters

_Module = nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d | nn.AdaptiveAvgPool2d


class ReceptiveField(NamedTuple):
    """The pixels of the model's input that an output of a layer depends on, along each axis.

    Output i depends on `size` pixels, the first of which is `start + i · stride`. Those outside the image are padding.
    """

    size: int
    stride: int
    start: int

    def through(self, kernel: int, stride: int, padding: int) -> "ReceptiveField":
        """That of the outputs of a layer, where this one is that of its inputs."""
        return ReceptiveField(
            self.size + (kernel - 1) * self.stride, stride * self.stride, self.start - padding * self.stride
        )


@dataclass(frozen=True)
class Layer:
    """A layer of a model, for one image.

    Attributes:
        name: of the module.
        kind: class of the module, such as "Conv2d".
        kernel, stride: in pixels of the layer's input; kernels are square. 1 for a batch norm.
        output_shape: without the batch, such as (16, 28, 28).
        num_parameters: of the layer.
        receptive_field: of an output.
        multiply_adds: of a convolution, or one for each output of a batch norm; a pooling has none.
    """

    name: str
    kind: str
    kernel: int
    stride: int
    output_shape: tuple[int, ...]
    num_parameters: int
    receptive_field: ReceptiveField
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


def receptive_fields(layers: list[Layer]) -> list[ReceptiveField]:
    """Of each layer that `feature_maps` returns."""
    return [layer.receptive_field for layer in layers if layer.kind == "BatchNorm2d"]


def summary_table(layers: list[Layer]) -> list[list[str]]:
    """The layers as texts: name, kernel, stride, output, parameters, receptive field, multiply-adds; last the sum."""
    rows = [
        [
            f"{layer.name} ({layer.kind})",
            f"{layer.kernel}×{layer.kernel}",
            str(layer.stride),
            "×".join(map(str, layer.output_shape)),
            f"{layer.num_parameters:,}",
            f"{layer.receptive_field.size}×{layer.receptive_field.size}",
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
        self._fields: dict[fx.Node, ReceptiveField] = {}

    def run_node(self, n: fx.Node) -> Any:
        output = super().run_node(n)
        fields = [self._fields[node] for node in n.all_input_nodes]
        # Where two branches join, the larger one contains the other.
        field = max(fields, default=ReceptiveField(1, 1, 0))
        module = self.module.get_submodule(str(n.target)) if n.op == "call_module" else None
        if isinstance(module, _Module):
            (input_node,) = n.all_input_nodes
            kernel, stride, padding = _window(module, self.env[input_node])
            field = field.through(kernel, stride, padding)
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
        self._fields[n] = field
        return output


def _window(module: _Module, inputs: torch.Tensor) -> tuple[int, int, int]:
    """Kernel, stride and padding."""
    if isinstance(module, nn.AdaptiveAvgPool2d):  # over all of its input
        return inputs.shape[-1], inputs.shape[-1], 0
    if isinstance(module, nn.BatchNorm2d):
        return 1, 1, 0
    return _side(module.kernel_size), _side(module.stride), _side(module.padding)


def _side(size: Any) -> int:  # a number, or one for each axis
    return int(size if isinstance(size, int) else size[0])


def _multiply_adds(module: _Module, output: torch.Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return output.numel() * module.weight[0].numel()
    return output.numel() if isinstance(module, nn.BatchNorm2d) else 0
