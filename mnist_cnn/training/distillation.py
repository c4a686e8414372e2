"""Distillation: a model learns the probabilities of a larger one beside the labels.

G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015. The larger model, the teacher,
receives the same augmented images. It tells which other digits a drawing resembles, which a label does not.
"""

import torch
from torch.nn import functional as F

_TEMPERATURE = 2.0  # divides the logits of both, so that unlikely digits count more
_WEIGHT = 0.8  # of the teacher; the labels have the rest


def distillation_loss(loss: torch.Tensor, logits: torch.Tensor, teacher_logits: torch.Tensor) -> torch.Tensor:
    """The loss of a model that has a teacher, a scalar.

    Args:
        loss: scalar, that of the labels.
        logits: (B, 10).
        teacher_logits: (B, 10), of the same images.
    """
    probabilities = (teacher_logits / _TEMPERATURE).softmax(1)
    divergence = F.kl_div((logits / _TEMPERATURE).log_softmax(1), probabilities, reduction="batchmean")
    # The gradient of the divergence is smaller by the square of the temperature.
    return (1 - _WEIGHT) * loss + _WEIGHT * (_TEMPERATURE**2 * divergence)
