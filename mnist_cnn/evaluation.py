"""How well a network reads a labelled set of images."""

import torch
from torch import nn

from .preprocessing import normalize

_BATCH = 1000  # images at a time: enough to keep the processor busy, little enough for its caches


@torch.inference_mode()
def predict_logits(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits of a network in evaluation mode, which is left as it was.

    Args:
        model: maps normalised images (N, 1, 28, 28) to logits (N, 10).
        images: uint8 (N, 28, 28), on any device.

    Returns:
        float32 (N, 10), on the device of `images`.
    """
    device, was_training = next(model.parameters(), images).device, model.training
    model.eval()
    try:
        return torch.cat(
            [model(normalize(batch.to(device))).to(images.device) for batch in images.split(_BATCH)]
        )  # (N, 10)
    finally:
        model.train(was_training)


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images, uint8 (N, 28, 28), that are read as their labels, int64 (N,) say; 0 to 1."""
    return (predict_logits(model, images).argmax(1) == labels).float().mean().item()
