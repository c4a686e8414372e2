"""Muon for convolution kernels."""

from collections.abc import Sequence

import torch
from torch import nn

# Coefficients of the quintic Newton-Schulz iteration and their source: K. Jordan, "Muon: an optimizer for the hidden
# layers of neural networks", 2024. They push all singular values to between about 0.7 and 1.2 in five rounds.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose step for each kernel is orthogonalised, every direction in it made equally long.

    `torch.optim.Muon` does the same for 2D weights, one at a time and in bfloat16. This one takes convolution
    kernels, as matrices (out, in·k·k), padded with zeros to one size and stacked: for kernels of a few thousand
    numbers the time goes into calls, not arithmetic. Each kernel is kept at norm sqrt(out), so that the step's size
    is relative to it; batch norm behind the convolution makes the kernel's own scale meaningless.

    Args:
        kernels: parameters (out, in, k, k) with out ≤ in·k·k, on one device.
        lr: step size relative to the kernel.
        momentum: of the running sum of gradients, with Nesterov's look ahead.
    """

    def __init__(self, kernels: list[nn.Parameter], lr: float, momentum: float = 0.6) -> None:
        super().__init__(kernels, {"lr": lr, "momentum": momentum})
        for group in self.param_groups:
            kernels = group["params"]
            rows, columns = max(map(len, kernels)), max(kernel[0].numel() for kernel in kernels)
            for buffer in ("ahead", "momenta", "steps"):
                group[buffer] = kernels[0].new_zeros(len(kernels), rows, columns)  # (L, rows, columns)
            group["slots"] = {buffer: _slots(group[buffer], kernels) for buffer in ("ahead", "steps")}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nothing here calls a closure
        """Move the kernels along their gradients."""
        for group in self.param_groups:
            kernels, momenta, ahead, slots = group["params"], group["momenta"], group["ahead"], group["slots"]
            torch._foreach_copy_(slots["ahead"], [kernel.grad for kernel in kernels])
            momenta.mul_(group["momentum"]).add_(ahead)
            ahead.add_(momenta, alpha=group["momentum"])
            orthogonalize(ahead, out=group["steps"])
            torch._foreach_div_(kernels, torch._foreach_norm(kernels))
            torch._foreach_mul_(kernels, [len(kernel) ** 0.5 for kernel in kernels])
            torch._foreach_sub_(kernels, slots["steps"], alpha=group["lr"])


def _slots(stack: torch.Tensor, kernels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Each kernel's place in a stack (L, rows, columns), in the shape of the kernel (out, in, k, k).

    Its rows hold (k, k, in), the order in memory of kernels in the channels-last format, which copy fastest so.
    """
    return [
        matrix[: len(kernel), : kernel[0].numel()].unflatten(1, (*kernel.shape[2:], -1)).permute(0, 3, 1, 2)
        for matrix, kernel in zip(stack, kernels, strict=True)
    ]


def orthogonalize(matrices: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """Set the singular values of each matrix of a stack, float32 (L, m, n) with m ≤ n, to about 1; zeros stay zero.

    Newton-Schulz multiplies a matrix X by a polynomial of its Gram matrix X Xᵀ round after round. All rounds are
    done on the small Gram matrices; only the product of the polynomials touches X itself.
    """
    gram = matrices @ matrices.mT  # (L, m, m)
    norms = gram.diagonal(dim1=1, dim2=2).sum(1).sqrt_().clamp_min_(1e-12)[:, None, None]  # Frobenius norms
    gram /= norms.square()
    identity = torch.eye(gram.shape[1], device=gram.device).mul_(_A)
    total = 1 / norms * torch.eye(gram.shape[1], device=gram.device)
    for _ in range(_ROUNDS):
        polynomial = torch.baddbmm(torch.add(identity, gram, alpha=_B), gram, gram, alpha=_C)
        total = polynomial @ total
        gram = polynomial @ gram @ polynomial
    return torch.bmm(total, matrices, out=out)
