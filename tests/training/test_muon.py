import pytest
import torch
from torch import nn

from mnist_cnn.training.muon import Muon, orthogonalize


def padded(matrix: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return nn.functional.pad(matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0]))


@pytest.mark.parametrize("shape", [(4, 4), (10, 90), (24, 144)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_orthogonalize_keeps_the_singular_vectors_and_levels_the_values(shape, scale):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * scale
    result = orthogonalize(matrix[None])[0]
    u, values, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    inner = u.mT @ result.double() @ v.mT  # diagonal where the singular vectors are the same
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-2
    large = values > 0.05 * values.max()  # the iteration promises nothing for directions that hardly matter
    assert inner.diagonal()[large].min() > 0.5
    assert inner.diagonal().max() < 1.3


def test_orthogonalize_treats_each_matrix_by_itself_and_ignores_padding():
    generator = torch.Generator().manual_seed(2)
    small, large = torch.randn(3, 8, generator=generator), torch.randn(6, 20, generator=generator)
    together = orthogonalize(torch.stack([padded(small, 6, 20), large]))
    torch.testing.assert_close(together[0, :3, :8], orthogonalize(small[None])[0])
    torch.testing.assert_close(together[1], orthogonalize(large[None])[0])
    assert together[0, 3:].count_nonzero() == 0
    assert together[0, :, 8:].count_nonzero() == 0


def test_orthogonalize_leaves_zeros_alone():
    assert orthogonalize(torch.zeros(2, 3, 5)).count_nonzero() == 0


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_muon_step_is_the_orthogonalised_momentum(memory_format):
    generator = torch.Generator().manual_seed(3)
    shapes = [(8, 4, 3, 3), (6, 8, 1, 1)]
    kernels = [
        nn.Parameter(torch.randn(shape, generator=generator).to(memory_format=memory_format)) for shape in shapes
    ]
    optimizer = Muon(kernels, lr=0.1, momentum=0.6)
    expected = [kernel.detach().clone() for kernel in kernels]
    momenta = [torch.zeros(shape) for shape in shapes]
    for _ in range(3):
        for kernel in kernels:
            kernel.grad = torch.randn(kernel.shape, generator=generator)
        for i, kernel in enumerate(kernels):
            momenta[i] = 0.6 * momenta[i] + kernel.grad
            ahead = kernel.grad + 0.6 * momenta[i]
            step = orthogonalize(ahead.flatten(1)[None])[0].view(shapes[i])
            expected[i] = expected[i] / expected[i].norm() * len(kernel) ** 0.5 - 0.1 * step
        optimizer.step()
    for kernel, value in zip(kernels, expected, strict=True):
        torch.testing.assert_close(kernel.detach(), value, rtol=1e-4, atol=1e-5)
