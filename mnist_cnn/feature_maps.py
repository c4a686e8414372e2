"""Feature maps and filters of a model, to show what its layers respond to."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from .models import DigitCNN
from .preprocessing import normalize
from .runtime import limit_threads


class ReceptiveField(NamedTuple):
    """The pixels of the input that a cell of a layer depends on, along each axis.

    Cell i depends on `size` pixels, the first of which is `start + i · stride`; some may be outside the image.
    """

    size: int
    stride: int
    start: int


def receptive_fields(model: DigitCNN) -> list[ReceptiveField]:
    """Of each layer that `feature_maps` returns; the model must define its modules in the order of the data."""
    fields, size, stride, start = [], 1, 1, 0
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d):
            # Of convolutions these are pairs, of pools numbers.
            kernel, step, padding = (
                int(np.ravel(value)[0]) for value in (module.kernel_size, module.stride, module.padding)
            )
            size += (kernel - 1) * stride
            start -= padding * stride
            stride *= step
        elif isinstance(module, nn.BatchNorm2d):
            fields.append(ReceptiveField(size, stride, start))
    return fields


@torch.inference_mode()
def feature_maps(model: DigitCNN, image: np.ndarray) -> list[np.ndarray]:
    """The outputs of a model's batch norms for an image: every hidden layer's, before its activation.

    Args:
        model: a model of `MODELS`; left as it is.
        image: uint8 (28, 28).

    Returns:
        float32 (C, H, W) for each batch norm, in the order of the layers.
    """
    maps = []
    # A copy, because hooks on a model that other threads use would also collect the feature maps of their images.
    model = copy.deepcopy(model).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Cloned, since an activation may overwrite its input.
            module.register_forward_hook(lambda module, inputs, output: maps.append(output[0].clone().numpy()))
    with limit_threads(1):
        model(normalize(torch.tensor(image)[None], model.TARGET_STD))
    return maps


def first_layer_filters(model: nn.Module) -> np.ndarray:
    """A copy of the filters of a model's first convolution, float32 (C, H, W)."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    return first.weight.detach()[:, 0].cpu().numpy().copy()
