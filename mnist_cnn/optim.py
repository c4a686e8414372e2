"""Muon for convolution kernels."""

import torch

# Coefficients of the quintic Newton-Schulz iteration and their source: K. Jordan, "Muon: an optimizer for the hidden
# layers of neural networks", 2024. They push all singular values to between about 0.7 and 1.2 in five rounds.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose step for each kernel is orthogonalised, every direction in it made equally long.

    `torch.optim.Muon` does the same for 2D weights, one at a time and in bfloat16. This one takes convolution
    kernels, as matrices (out, in·k·k), all of them in one batch of small float32 products: for kernels of a few
    thousand numbers the time goes into calls, not arithmetic. Each kernel is kept at norm sqrt(out), so that the
    step's size is relative to it; batch norm behind the convolution makes the kernel's own scale meaningless.

    Args:
        kernels: parameters (out, in, k, k) with out ≤ in·k·k.
        lr: step size relative to the kernel.
        momentum: of the running mean of gradients, with Nesterov's look ahead.
    """

    def __init__(self, kernels, lr: float, momentum: float = 0.6) -> None:
        super().__init__(kernels, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            kernels = group["params"]
            gradients = [kernel.grad for kernel in kernels]
            if "momenta" not in group:
                group["momenta"] = [torch.zeros_like(kernel) for kernel in kernels]
            torch._foreach_mul_(group["momenta"], group["momentum"])
            torch._foreach_add_(group["momenta"], gradients)
            ahead = torch._foreach_add(gradients, group["momenta"], alpha=group["momentum"])
            steps = orthogonalize([step.flatten(1) for step in ahead])
            targets = [len(kernel) ** 0.5 for kernel in kernels]
            for kernel, step, target in zip(kernels, steps, targets, strict=True):
                kernel.mul_(target / kernel.norm())
                kernel.sub_(step.view_as(kernel), alpha=group["lr"])


def orthogonalize(matrices: list[torch.Tensor]) -> list[torch.Tensor]:
    """Set the singular values of each matrix (m, n), m ≤ n, to about 1.

    Newton-Schulz multiplies a matrix X by a polynomial of its Gram matrix X Xᵀ round after round. All rounds are
    done on the small Gram matrices, padded with zeros to one size and stacked; only the product of the polynomials
    touches X itself.
    """
    size = max(len(matrix) for matrix in matrices)
    gram = matrices[0].new_zeros(len(matrices), size, size)
    for slot, matrix in zip(gram, matrices, strict=True):
        m = len(matrix)
        torch.mm(matrix, matrix.T, out=slot[:m, :m]) if m == size else slot[:m, :m].copy_(matrix @ matrix.T)
    norms = gram.diagonal(dim1=1, dim2=2).sum(1).sqrt().clamp_min(1e-12)  # Frobenius norms, (L,)
    gram /= norms.square()[:, None, None]
    total = torch.eye(size, device=gram.device).expand_as(gram)
    identity = total * _A
    for _ in range(_ROUNDS):
        polynomial = torch.baddbmm(torch.add(identity, gram, alpha=_B), gram, gram, alpha=_C)
        total = polynomial @ total
        gram = polynomial @ gram @ polynomial
    total = total / norms[:, None, None]
    return [product[: len(matrix), : len(matrix)] @ matrix for product, matrix in zip(total, matrices, strict=True)]
