"""Evaluation of a model on a labelled set of images."""

import copy

import torch
from torch.nn import functional as F

from .constants import IMAGE_SIZE, NUM_CLASSES
from .models import DigitCNN
from .preprocessing import normalize
from .runtime import limit_threads

# The memory of a larger batch's intermediate results goes back to the system after each layer and has to be cleared
# again for the next: with batches of 100 to 1,000, net-8k takes about twice as long.
_BATCH_SIZE = 50


@torch.inference_mode()
def predict_logits(model: DigitCNN, images: torch.Tensor, cropped: bool = False) -> torch.Tensor:
    """Logits of a model in evaluation mode; the model itself stays in the mode and memory format that it has.

    Args:
        model: maps images (N, 1, 28, 28), normalised to its `TARGET_STD`, to logits (N, 10).
        images: uint8 (N, 28, 28), on any device.
        cropped: whether the model gets crops from the centre, `CROP_SIZE` pixels large, as it may have been trained on.

    Returns:
        float32 (N, 10), on the device of `images`.
    """
    # In the channels-last format, net-25k takes a third and net-8k 0.6 of the time on the CPU. One thread, because two
    # take up to ten times as long as one where other processes keep the cores busy.
    model = copy.deepcopy(model).eval().to(memory_format=torch.channels_last)
    device = next(model.parameters(), images).device
    height, width = model.CROP_SIZE if cropped else (IMAGE_SIZE, IMAGE_SIZE)
    top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    logits = []
    with limit_threads(1):
        for batch in images.split(_BATCH_SIZE):
            x = normalize(batch.to(device), model.TARGET_STD)  # (B, 1, 28, 28)
            logits.append(model(x[:, :, top : top + height, left : left + width]).to(images.device))
    return torch.cat(logits)  # (N, 10)


def accuracy(model: DigitCNN, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Fraction of images, uint8 (N, 28, 28), whose prediction equals the label, int64 (N,); 0 to 1."""
    return logits_accuracy(predict_logits(model, images), labels)


def logits_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The same of the logits, (N, 10), of such images."""
    return (logits.argmax(1) == labels).float().mean().item()


def confusion_matrix(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """How often each digit is predicted as which.

    Args:
        logits: (N, 10).
        labels: int64 (N,), 0 to 9.

    Returns:
        int64 (10, 10), rows are true labels, columns predictions; it sums to N.
    """
    pairs = NUM_CLASSES * labels + logits.argmax(1)  # (N,)
    return pairs.bincount(minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES)


def highest_loss_indices(logits: torch.Tensor, labels: torch.Tensor, count: int) -> torch.Tensor:
    """Indices of the images with the highest cross-entropy loss, highest first.

    Args:
        logits: (N, 10).
        labels: int64 (N,), 0 to 9.
        count: number of indices; fewer are returned if N is smaller.

    Returns:
        int64 (min(count, N),).
    """
    losses = F.cross_entropy(logits, labels, reduction="none")  # (N,)
    return losses.topk(min(count, len(losses))).indices
