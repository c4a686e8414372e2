"""How well a network reads a labelled set of images."""

import torch
from torch.nn import functional as F

from .models import DigitCNN
from .preprocessing import normalize

_BATCH = 1000  # images at a time: enough to keep the processor busy, little enough for its caches


@torch.inference_mode()
def predict_logits(model: DigitCNN, images: torch.Tensor) -> torch.Tensor:
    """Logits of a network in evaluation mode, which is left as it was.

    Args:
        model: maps images (N, 1, 28, 28), normalised to its spread, to logits (N, 10).
        images: uint8 (N, 28, 28), on any device.

    Returns:
        float32 (N, 10), on the device of `images`.
    """
    device, was_training = next(model.parameters(), images).device, model.training
    model.eval()
    try:
        return torch.cat(
            [model(normalize(batch.to(device), model.TARGET_STD)).to(images.device) for batch in images.split(_BATCH)]
        )  # (N, 10)
    finally:
        model.train(was_training)


def accuracy(model: DigitCNN, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images, uint8 (N, 28, 28), that are read as their labels, int64 (N,) say; 0 to 1."""
    return (predict_logits(model, images).argmax(1) == labels).float().mean().item()


def confusion_matrix(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """How often each digit is read as which.

    Args:
        logits: (N, 10).
        labels: int64 (N,), 0 to 9.

    Returns:
        int64 (10, 10), a row for each label, a column for each reading; it sums to N.
    """
    return (10 * labels + logits.argmax(1)).bincount(minlength=100).reshape(10, 10)


def highest_loss_indices(logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    """Indices, int64 (count,) or fewer, of the images whose labels a network finds least likely, these first.

    Args:
        logits: (N, 10).
        labels: int64 (N,), 0 to 9.
        count: how many.
    """
    losses = F.cross_entropy(logits, labels, reduction="none")  # (N,)
    return losses.topk(min(count, len(losses))).indices
