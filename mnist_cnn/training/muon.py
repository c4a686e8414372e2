"""Muon for convolution weights."""

import torch
from torch import nn

# Coefficients of the quintic Newton-Schulz iteration and their source: K. Jordan, "Muon: an optimizer for the hidden
# layers of neural networks", 2024. They push all singular values to between about 0.7 and 1.2 in five iterations.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose step for each weight is orthogonalised: every direction in it gets the same length.

    `torch.optim.Muon` does the same for linear layers, in bfloat16. This one takes convolution weights, as matrices
    (out, in·k·k), and keeps each at norm sqrt(out), so that the step size is relative to the weight; batch norm behind
    the convolution makes the weight's own scale meaningless.

    Args:
        weights: parameters (out, in, k, k) with out ≤ in·k·k.
        lr: step size relative to the weight.
        momentum: of the running sum of gradients.
    """

    def __init__(self, weights: list[nn.Parameter], lr: float, momentum: float) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nothing here calls a closure
        """Move the weights along their gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(weight.grad)  # (out, in, k, k)
                lookahead = weight.grad.add(buffer, alpha=group["momentum"])
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                weight.sub_(orthogonalize(lookahead.flatten(1)).view_as(weight), alpha=group["lr"])


def orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """Set the singular values of a matrix, float32 (m, n) with m ≤ n, to about 1; zeros stay zero."""
    norm = matrix.norm().clamp_min(1e-12)
    # Each iteration multiplies the matrix by a factor that depends on its Gram matrix alone. So the factors are
    # multiplied first, which takes half of the time where n is several times m.
    gram = matrix @ matrix.mT / norm**2  # (m, m)
    identity = torch.eye(len(matrix), device=matrix.device)
    product = identity / norm  # (m, m)
    for _ in range(_ITERATIONS):
        factor = torch.addmm(torch.add(_A * identity, gram, alpha=_B), gram, gram, alpha=_C)  # (m, m)
        gram = factor @ gram @ factor  # (m, m)
        product = factor @ product  # (m, m)
    return product @ matrix
