"""Feature maps and filters of a model, to show what its layers respond to."""

import copy

import numpy as np
import torch
from torch import nn

from .models import DigitCNN
from .preprocessing import normalize
from .runtime import limit_threads


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
