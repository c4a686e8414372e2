"""Confidence that means what it says: one temperature for all logits, and one threshold for "that is no digit".

After training with label smoothing a network is right far more often than its probabilities claim. Dividing its
logits by a temperature fitted to labelled images mends that and changes no prediction (Guo et al., "On calibration of
modern neural networks", 2017).

A digit that is hard to read leaves a doubt between two; what is no digit leaves the network without any idea. So a
drawing counts as no digit where even the two likeliest digits together have little probability.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .evaluation import predict_logits
from .models import DigitCNN

_IMAGES = 10_000  # plenty for two numbers
_REJECTION_RATE = 0.003  # share of them that may count as no digit


@dataclass(frozen=True)
class Calibration:
    """What turns a network's logits into statements.

    Attributes:
        temperature: divides the logits before they become probabilities; above 0.
        threshold: least `top2_probability` of a digit, 0 to 1; 0 takes everything for one.
    """

    temperature: float = 1.0
    rejection_threshold: float = 0.0

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Class probabilities (N, 10) of logits (N, 10)."""
        return (logits / self.temperature).softmax(dim=1)


UNCALIBRATED = Calibration()


def top2_probability(probabilities: torch.Tensor) -> torch.Tensor:
    """How much drawings look like digits, (N,): what the two likeliest share of their probabilities (N, 10)."""
    return probabilities.topk(2, dim=1).values.sum(dim=1)


def calibrate(model: DigitCNN, images: torch.Tensor, labels: torch.Tensor) -> Calibration:
    """The calibration of a network, from its own training images; the test set stays untouched.

    With fewer than 25,000 parameters a network reads its training images hardly better than others, so the first 10,000
    serve: the temperature is fitted to them, and the threshold lets 99.7 % of them pass for digits.

    Args:
        model: maps normalised images (N, 1, 28, 28) to logits (N, 10).
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.
    """
    logits = predict_logits(model, images[:_IMAGES])
    temperature = fit_temperature(logits, labels[:_IMAGES])
    alike = top2_probability(Calibration(temperature).probabilities(logits))
    return Calibration(temperature, alike.quantile(_REJECTION_RATE).item())


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
