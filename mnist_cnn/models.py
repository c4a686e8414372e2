"""The two models, and one that teaches them. All end in one 7×7 map per class whose mean is that class's logit."""

import math
from collections import ChainMap
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from .runtime import limit_threads


class DigitCNN(nn.Module):
    """What both models offer: logits, and the class activation maps that explain them."""

    MUON_LAYERS: ClassVar[tuple[str, ...]]  # hidden convolutions followed by a batch norm, which Muon may train
    TARGET_STD: ClassVar[tuple[float, float] | None] = None  # standard deviations of ink in its input, see `normalize`
    # Height and width that hold nearly all ink of its input: MNIST's digits are at most 20 pixels high, and hardly ever
    # as wide once deslanted.
    CROP_SIZE: ClassVar[tuple[int, int]] = (24, 20)

    gap: nn.AdaptiveAvgPool2d  # the last module of each model

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """A map of evidence for each class, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28).

        Class activation maps (Zhou et al., "Learning deep features for discriminative localization", 2016); here they
        are exact, since the last layer is a 1×1 convolution: the mean of a class's map is its logit.
        """
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, float32 (N, 10), of normalised images (N, 1, 28, 28); also of crops of them."""
        return self.gap(self.class_activation_maps(x)).flatten(1)  # (N, 10)


class Net8k(DigitCNN):
    """The reference model: 8,530 parameters.

    Small convolutions with batch norm, 1×1 convolutions where they save parameters, and a 1×1 residual branch around
    the second stage.
    """

    MUON_LAYERS = ("conv2", "conv3", "conv4")
    # Digits smaller than MNIST's, since its receptive field has only 12 pixels, and all of the same extent, which
    # leaves it less to learn.
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
        """See `DigitCNN`."""
        x = F.relu_(_norm_dropout(self.conv1(x), self.bn1, self.dropout1))  # (N, 16, 28, 28)
        x = _norm_dropout(self.conv2(x), self.bn2, self.dropout2)  # (N, 24, 28, 28)
        x = F.relu_(self.pool1(x))  # (N, 24, 14, 14), the same as ReLU before pooling with a quarter of the work
        residual = self.conv_res(x)  # (N, 24, 14, 14)
        x = F.relu_(self.bn3(self.conv3(x)))  # (N, 16, 14, 14)
        x = F.relu_(_norm_dropout(self.conv4(x), self.bn4, self.dropout3))  # (N, 24, 14, 14)
        x = self.pool2(x + residual)  # (N, 24, 7, 7)
        return self.conv5(x)  # (N, 10, 7, 7)


class Net25k(DigitCNN):
    """Five convolutions with batch norm, two max pools and a 1×1 head: 23,930 parameters.

    The convolutions have no bias, since batch norm has one. Pooling comes before batch norm, which then has a quarter
    of the work; its windows overlap, which is more accurate than windows of 2×2. Hard swish learns more in one epoch
    than ReLU, at about the same cost. The hidden convolutions start with orthonormal rows, where Muon takes them.

    Args:
        width: multiplies the number of channels.
    """

    MUON_LAYERS = ("conv2", "conv3", "conv4", "conv5")

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        narrow, wide, last = 16 * width, 32 * width, 24 * width
        self.conv1 = nn.Conv2d(1, narrow, 5, padding=2, bias=False)
        self.pool1 = nn.MaxPool2d(3, 2, padding=1)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, wide, 3, padding=1, bias=False)
        self.pool2 = nn.MaxPool2d(3, 2, padding=1)
        self.bn3 = nn.BatchNorm2d(wide)
        self.conv4 = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(wide)
        self.conv5 = nn.Conv2d(wide, last, 3, padding=1, bias=False)
        self.bn5 = nn.BatchNorm2d(last)
        self.dropout = nn.Dropout(0.03)
        self.head = nn.Conv2d(last, 10, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)
        for name in self.MUON_LAYERS:
            nn.init.orthogonal_(self.get_parameter(f"{name}.weight"))

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """See `DigitCNN`."""
        x = F.hardswish(self.bn1(self.pool1(self.conv1(x))))  # (N, 16, 14, 14)
        x = F.hardswish(self.bn2(self.conv2(x)))  # (N, 16, 14, 14)
        x = F.hardswish(self.bn3(self.pool2(self.conv3(x))))  # (N, 32, 7, 7)
        x = F.hardswish(self.bn4(self.conv4(x)))  # (N, 32, 7, 7)
        x = self.dropout(F.hardswish(self.bn5(self.conv5(x))))  # (N, 24, 7, 7)
        return self.head(x)  # (N, 10, 7, 7)


def _norm_dropout(x: torch.Tensor, norm: nn.BatchNorm2d, dropout: nn.Dropout) -> torch.Tensor:
    """`dropout(norm(x))` of x (N, C, H, W), where a ReLU, or a max pool and a ReLU, must follow.

    A step of net-8k takes 30 % less time than with `nn.Dropout`, and 7 % less than with a mask that is multiplied. As
    many positions as dropout clears are drawn, rather than a random number for each; they are cleared in place, which
    autograd need not know: a ReLU passes no gradient to a value of 0. Batch norm does the scaling by 1 / (1 - p).
    """
    if not norm.training or dropout.p == 0:
        return norm(x)
    keep = 1 - dropout.p
    weight, bias, momentum = norm.weight / keep, norm.bias / keep, norm.momentum or 0.0
    x = F.batch_norm(x, norm.running_mean, norm.running_var, weight, bias, True, momentum, norm.eps)
    values = x.detach().as_strided((x.numel(),), (1,))  # in the order of memory, in either memory format
    num_draws = round(-math.log(keep) * x.numel())  # a value escapes all of them with probability 1 - p
    values.index_fill_(0, torch.randint(x.numel(), (num_draws,), device=x.device), 0.0)
    return x


class Net210k(Net25k):
    """net-25k with three times the channels: 210,010 parameters. It only teaches the two models, see `train`."""

    def __init__(self) -> None:
        super().__init__(width=3)


MODELS: dict[str, type[DigitCNN]] = {"net-8k": Net8k, "net-25k": Net25k}
DEFAULT_MODEL = "net-25k"
TEACHER = "net-210k"
TRAINABLE: Mapping[str, type[DigitCNN]] = ChainMap({TEACHER: Net210k}, MODELS)  # `MODELS` first, also later additions


def build_model(name: str, seed: int | None = None) -> DigitCNN:
    """A new model with random weights.

    Args:
        name: a key of `TRAINABLE`.
        seed: makes the weights reproducible without touching PyTorch's global random state; None draws from it.

    Raises:
        ValueError: unknown model.
    """
    if name not in TRAINABLE:
        raise ValueError(f"Unknown model {name!r}. Available: {', '.join(TRAINABLE)}.")
    if seed is None:
        return TRAINABLE[name]()
    # On one thread, since orthogonal initialisation rounds differently on several.
    with limit_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TRAINABLE[name]()


def model_name(model: nn.Module) -> str:
    """The name in `TRAINABLE` of a model that `build_model` made."""
    return next(name for name, cls in TRAINABLE.items() if type(model) is cls)


def count_parameters(model: nn.Module) -> int:
    """Number of parameters; the running statistics of batch norm do not count."""
    return sum(parameter.numel() for parameter in model.parameters())
