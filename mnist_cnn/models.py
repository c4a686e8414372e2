"""The two networks. Both end in one 7×7 map per class whose average is that class's logit."""

import math
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from .runtime import limit_threads


class DigitCNN(nn.Module):
    """What both networks offer: `forward` for training, `class_activation_maps` for those who ask why."""

    MUON_LAYERS: ClassVar[tuple[str, ...]]  # hidden layers whose output a batch norm scales
    TARGET_STD: ClassVar[tuple[float, float] | None] = None  # of the ink it is shown, see `normalize`
    # Pixels high and wide that hold nearly all ink that it is shown: MNIST's digits are 20 pixels high at most, and
    # hardly ever as wide without their slant.
    CROP_SIZE: ClassVar[tuple[int, int]] = (24, 20)

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        raise NotImplementedError


class Net8k(DigitCNN):
    """The reference network, 8,530 parameters.

    Small kernels, 1×1 convolutions where they save parameters, and a 1×1 residual branch around the second stage.
    """

    MUON_LAYERS = ("conv2", "conv3", "conv4")
    # Smaller digits than MNIST's, as it sees 12 pixels at a time, and all of one spread, which leaves it less to learn.
    TARGET_STD = (3.8, 3.2)
    CROP_SIZE = (20, 20)

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

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        x = F.relu_(_norm_dropout(self.conv1(x), self.bn1, self.dropout1))  # (N, 16, 28, 28)
        x = _norm_dropout(self.conv2(x), self.bn2, self.dropout2)  # (N, 24, 28, 28)
        x = F.relu_(self.pool1(x))  # (N, 24, 14, 14), the same as ReLU before pooling with a quarter of the work
        residual = self.conv_res(x)  # (N, 24, 14, 14)
        x = F.relu_(self.bn3(self.conv3(x)))  # (N, 16, 14, 14)
        x = F.relu_(_norm_dropout(self.conv4(x), self.bn4, self.dropout3))  # (N, 24, 14, 14)
        x = self.pool2(x + residual)  # (N, 24, 7, 7)
        return self.conv5(x)  # (N, 10, 7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 10), of normalised images (N, 1, 28, 28)."""
        return self.gap(self.class_activation_maps(x)).flatten(1)  # (N, 10)


class Net25k(DigitCNN):
    """Five convolutions with batch norm, two max pools and a 1×1 head: 23,930 parameters.

    The convolutions have no bias: batch norm subtracts the mean, and adds its own. Pooling comes ahead of the norm,
    which has a quarter of the work there; its windows overlap, which reads more than windows of 2×2 do. Hard swish
    learns more in one epoch than ReLU, at about the same cost. Hidden kernels start with orthonormal rows, which is
    where Muon takes them.
    """

    MUON_LAYERS = ("conv2", "conv3", "conv4", "conv5")

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2, bias=False)
        self.pool1 = nn.MaxPool2d(3, 2, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.pool2 = nn.MaxPool2d(3, 2, padding=1)
        self.bn3 = nn.BatchNorm2d(32)
        self.conv4 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(32)
        self.conv5 = nn.Conv2d(32, 24, 3, padding=1, bias=False)
        self.bn5 = nn.BatchNorm2d(24)
        self.dropout = nn.Dropout(0.03)
        self.head = nn.Conv2d(24, 10, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)
        for name in self.MUON_LAYERS:
            nn.init.orthogonal_(self.get_parameter(f"{name}.weight"))

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        x = F.hardswish(self.bn1(self.pool1(self.conv1(x))))  # (N, 16, 14, 14)
        x = F.hardswish(self.bn2(self.conv2(x)))  # (N, 16, 14, 14)
        x = F.hardswish(self.bn3(self.pool2(self.conv3(x))))  # (N, 32, 7, 7)
        x = F.hardswish(self.bn4(self.conv4(x)))  # (N, 32, 7, 7)
        x = _dropout(F.hardswish(self.bn5(self.conv5(x))), self.dropout)  # (N, 24, 7, 7)
        return self.head(x)  # (N, 10, 7, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 10), of normalised images (N, 1, 28, 28)."""
        return self.gap(self.class_activation_maps(x)).flatten(1)  # (N, 10)


def _dropout(x: torch.Tensor, dropout: nn.Dropout) -> torch.Tensor:
    """`dropout` of `x`, a dense tensor of any shape, quicker than `dropout(x)` on a processor."""
    if not dropout.training or dropout.p == 0:
        return x
    mask = torch.full_like(x, 1 / (1 - dropout.p))
    _clear(mask, dropout.p)
    return x * mask


def _norm_dropout(x: torch.Tensor, norm: nn.BatchNorm2d, dropout: nn.Dropout) -> torch.Tensor:
    """`dropout` of `norm` of `x` (N, C, H, W) where a ReLU, or a max pool and a ReLU, must follow.

    The norm does the scaling, and values are cleared behind autograd's back: what is 0 gets no gradient from a ReLU.
    """
    if not norm.training:
        return norm(x)
    keep = 1 - dropout.p
    x = F.batch_norm(
        x,
        norm.running_mean,
        norm.running_var,
        norm.weight / keep,
        norm.bias / keep,
        True,
        norm.momentum or 0.0,
        norm.eps,
    )
    if dropout.p > 0:
        _clear(x.detach(), dropout.p)
    return x


def _clear(x: torch.Tensor, p: float) -> None:
    """Set each value of a dense tensor to 0 with probability `p`, in place.

    As many places as that takes are drawn at random, some of them twice: far fewer random numbers than one per value.
    """
    values = x.as_strided((x.numel(),), (1,))  # in the order of memory, whichever that is
    draws = round(-math.log1p(-p) * x.numel())  # a value escapes all of them with probability 1 - p
    values.index_fill_(0, torch.randint(x.numel(), (draws,), device=x.device), 0.0)


MODELS: dict[str, type[DigitCNN]] = {"net-8k": Net8k, "net-25k": Net25k}
DEFAULT_MODEL = "net-25k"


def build_model(name: str, seed: int | None = None) -> DigitCNN:
    """A fresh network with random weights.

    Args:
        name: a key of `MODELS`.
        seed: makes the weights reproducible without touching PyTorch's global random state; None draws from it.

    Raises:
        ValueError: no network has that name.
    """
    if name not in MODELS:
        raise ValueError(f"Unknown model {name!r}. Available: {', '.join(MODELS)}.")
    if seed is None:
        return MODELS[name]()
    # On one thread, as orthogonal kernels come out otherwise, if by little, where more threads share the work.
    with limit_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[name]()


def model_name(model: nn.Module) -> str:
    """The name in `MODELS` of a network that `build_model` made."""
    return next(name for name, cls in MODELS.items() if type(model) is cls)


def count_parameters(model: nn.Module) -> int:
    """Number of parameters; the running statistics of batch norm are none."""
    return sum(parameter.numel() for parameter in model.parameters())
