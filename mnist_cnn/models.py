"""The two networks. Both end in one 7×7 map per class whose average is that class's logit."""

import torch
from torch import nn
from torch.nn import functional as F


class Net8k(nn.Module):
    """The reference network, 8,530 parameters.

    Small kernels, 1×1 convolutions where they save parameters, and a 1×1 residual branch around the second stage.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.dropout1 = nn.Dropout(0.03)
        self.conv2 = nn.Conv2d(16, 24, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(24)
        self.dropout2 = nn.Dropout(0.03)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv_res = nn.Conv2d(24, 24, 1)
        self.conv3 = nn.Conv2d(24, 16, 1)
        self.bn3 = nn.BatchNorm2d(16)
        self.conv4 = nn.Conv2d(16, 24, 3, padding=1)
        self.bn4 = nn.BatchNorm2d(24)
        self.dropout3 = nn.Dropout(0.03)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.conv5 = nn.Conv2d(24, 10, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)

    def evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        x = self.dropout1(F.relu(self.bn1(self.conv1(x))))  # (N, 16, 28, 28)
        x = self.dropout2(F.relu(self.bn2(self.conv2(x))))  # (N, 24, 28, 28)
        x = self.pool1(x)  # (N, 24, 14, 14)
        residual = self.conv_res(x)  # (N, 24, 14, 14)
        x = F.relu(self.bn3(self.conv3(x)))  # (N, 16, 14, 14)
        x = self.dropout3(F.relu(self.bn4(self.conv4(x))))  # (N, 24, 14, 14)
        x = self.pool2(x + residual)  # (N, 24, 7, 7)
        return self.conv5(x)  # (N, 10, 7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 10), of normalised images (N, 1, 28, 28)."""
        return self.gap(self.evidence(x)).flatten(1)  # (N, 10)


class Net25k(nn.Module):
    """Five convolutions with batch norm, two max pools and a 1×1 head: 22,382 parameters.

    The convolutions have no bias: batch norm subtracts the mean, and adds its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.conv3 = nn.Conv2d(24, 24, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(24)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.conv4 = nn.Conv2d(24, 32, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(32)
        self.conv5 = nn.Conv2d(32, 24, 3, padding=1, bias=False)
        self.bn5 = nn.BatchNorm2d(24)
        self.dropout = nn.Dropout(0.03)
        self.head = nn.Conv2d(24, 10, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)

    def evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))  # (N, 12, 14, 14)
        x = F.relu(self.bn2(self.conv2(x)))  # (N, 24, 14, 14)
        x = self.pool2(F.relu(self.bn3(self.conv3(x))))  # (N, 24, 7, 7)
        x = F.relu(self.bn4(self.conv4(x)))  # (N, 32, 7, 7)
        x = self.dropout(F.relu(self.bn5(self.conv5(x))))  # (N, 24, 7, 7)
        return self.head(x)  # (N, 10, 7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 10), of normalised images (N, 1, 28, 28)."""
        return self.gap(self.evidence(x)).flatten(1)  # (N, 10)


MODELS: dict[str, type[nn.Module]] = {"net-8k": Net8k, "net-25k": Net25k}


def build_model(name: str, seed: int | None = None) -> nn.Module:
    """A fresh network with random weights.

    Args:
        name: a key of `MODELS`.
        seed: makes the weights reproducible without touching PyTorch's global random state; None draws from it.

    Raises:
        ValueError: no network has that name.
    """
    if name not in MODELS:
        raise ValueError(f"There is no network named {name!r}; the networks are {', '.join(MODELS)}.")
    if seed is None:
        return MODELS[name]()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[name]()


def model_name(model: nn.Module) -> str:
    """The name in `MODELS` of a network that `build_model` made."""
    return next(name for name, cls in MODELS.items() if type(model) is cls)


def count_parameters(model: nn.Module) -> int:
    """Number of parameters; the running statistics of batch norm are none."""
    return sum(parameter.numel() for parameter in model.parameters())
