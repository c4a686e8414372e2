"""Confidence that means what it says: one temperature for all logits.

After training with label smoothing a network is right far more often than its probabilities claim. Dividing its
logits by a temperature fitted to labelled images mends that and changes no prediction (Guo et al., "On calibration of
modern neural networks", 2017).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .evaluation import predict_logits

_IMAGES = 10_000  # plenty for one number


def calibrate(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature for a network, fitted to the first 10,000 of its own training images, as they are.

    Args:
        model: maps normalised images (N, 1, 28, 28) to logits (N, 10). With fewer than 25,000 parameters it reads its
            training images hardly better than others, so they serve, and the test set stays untouched.
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.

    Returns:
        As `fit_temperature`.
    """
    return fit_temperature(predict_logits(model, images[:_IMAGES]), labels[:_IMAGES])


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that makes labelled images likeliest, their logits being divided by it.

    Args:
        logits: float32 (N, 10).
        labels: int64 (N,), 0 to 9.

    Returns:
        A temperature from 0.05 to 20; above 1 where the logits claim too much, below 1 where they claim too little.
    """

    def loss(log_temperature: float) -> float:
        return F.cross_entropy(logits.double() / math.exp(log_temperature), labels).item()

    # The loss has a single minimum in the inverse temperature (it is convex there), so golden-section search finds it.
    ratio = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.05), math.log(20)
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return math.exp((low + high) / 2)
