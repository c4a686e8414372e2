"""What the layers of a network look for and what they make of an image, one small picture for each channel."""

import copy

import numpy as np
import torch
from torch import nn

from .models import DigitCNN
from .preprocessing import normalize
from .runtime import limit_threads


@torch.inference_mode()
def feature_maps(model: DigitCNN, image: np.ndarray) -> list[np.ndarray]:
    """The outputs of a network's batch norms, which scale what each hidden layer found, before its activation.

    Args:
        model: a network of `MODELS`.
        image: uint8 (28, 28).

    Returns:
        For each batch norm, in the order of the layers, float32 (C, H, W).
    """
    maps = []
    # A copy of its own: hooks on a network that other threads use would collect what those read, too.
    model = copy.deepcopy(model).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Cloned, since an activation may overwrite its input.
            module.register_forward_hook(lambda module, inputs, output: maps.append(output[0].clone().numpy()))
    with limit_threads(1):
        model(normalize(torch.tensor(image)[None], model.TARGET_STD))
    return maps


def first_layer_filters(model: nn.Module) -> np.ndarray:
    """The kernels of a network's first layer, float32 (C, H, W), as they are now: a copy."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    return first.weight.detach()[:, 0].cpu().numpy().copy()
