"""Calibration: a temperature that makes probabilities match accuracies, and a threshold that rejects non-digits.

After training with label smoothing, a model is correct far more often than its probabilities say. Dividing its logits
by a temperature fitted to labelled images corrects that and changes no prediction (Guo et al., "On calibration of
modern neural networks", 2017).

An ambiguous digit leaves a model undecided between two classes, a non-digit between many. An image is therefore
rejected if even its two most likely digits together have a low probability.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .evaluation import predict_logits
from .models import DigitCNN

NUM_CALIBRATION_IMAGES = 5000  # enough to fit two numbers

# Fraction of training images that the threshold rejects: about the least with which the pretrained net-25k rejects 90 %
# of the scribbles of `benchmarks.confidence`, which are validation data.
_REJECTION_RATE = 0.0013
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """How to turn a model's logits into probabilities, and when to reject an image.

    Attributes:
        temperature: divides the logits before the softmax; above 0.
        rejection_threshold: images with a lower `top2_probability` are rejected; 0 to 1, 0 rejects nothing.
    """

    temperature: float = 1.0
    rejection_threshold: float = 0.0

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Class probabilities (N, 10) of logits (N, 10)."""
        return (logits / self.temperature).softmax(dim=1)


UNCALIBRATED = Calibration()


def top2_probability(probabilities: torch.Tensor) -> torch.Tensor:
    """The probability of the two most likely digits together, (N,), given probabilities (N, 10)."""
    return probabilities.topk(2, dim=1).values.sum(dim=1)


def calibrate(model: DigitCNN, images: torch.Tensor, labels: torch.Tensor) -> Calibration:
    """Calibrate a model on its own training images, so that the test set remains unseen.

    A model with fewer than 25,000 parameters is hardly more accurate on its training images than on others. The
    first 5,000 of them are used.

    Args:
        model: maps normalised images (N, 1, 28, 28) to logits (N, 10).
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.
    """
    return fit_calibration(predict_logits(model, images[:NUM_CALIBRATION_IMAGES]), labels[:NUM_CALIBRATION_IMAGES])


def fit_calibration(logits: torch.Tensor, labels: torch.Tensor) -> Calibration:
    """A temperature fitted to logits (N, 10) and labels (N,), and a threshold that rejects 0.13 % of their images."""
    temperature = fit_temperature(logits, labels)
    scores = top2_probability(Calibration(temperature).probabilities(logits))  # (N,)
    return Calibration(temperature, scores.quantile(_REJECTION_RATE).item())


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that minimises the cross-entropy loss of `logits / temperature`.

    Args:
        logits: float32 (N, 10).
        labels: int64 (N,), 0 to 9.

    Returns:
        A temperature from 0.05 to 20: above 1 for overconfident logits, below 1 for underconfident ones.
    """
    logits = logits.double()
    inverse_temperature = torch.ones((), dtype=torch.float64, requires_grad=True)  # in which the loss is convex
    optimizer = torch.optim.LBFGS(
        [inverse_temperature], max_iter=100, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(logits * inverse_temperature, labels)
        loss.backward()
        return loss

    optimizer.step(loss)
    return 1 / inverse_temperature.detach().clamp(1 / _MAX_TEMPERATURE, 1 / _MIN_TEMPERATURE).item()
