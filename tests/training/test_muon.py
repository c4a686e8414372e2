import pytest
import torch
from torch import nn

from mnist_cnn.training.muon import Muon, orthogonalize


@pytest.mark.parametrize("shape", [(4, 4), (10, 90), (24, 144)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_orthogonalize_keeps_singular_vectors_and_levels_singular_values(shape, scale):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * scale
    result = orthogonalize(matrix)
    u, values, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    inner = u.mT @ result.double() @ v.mT  # diagonal where the singular vectors are the same
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-2
    large = values > 0.05 * values.max()  # the iteration promises nothing for directions that hardly matter
    assert inner.diagonal()[large].min() > 0.5
    assert inner.diagonal().max() < 1.3


def test_orthogonalize_keeps_zeros():
    assert orthogonalize(torch.zeros(3, 5)).count_nonzero() == 0


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_muon_step_is_the_orthogonalised_momentum(memory_format):
    generator = torch.Generator().manual_seed(3)
    shapes = [(8, 4, 3, 3), (6, 8, 1, 1)]
    weights = [
        nn.Parameter(torch.randn(shape, generator=generator).to(memory_format=memory_format)) for shape in shapes
    ]
    optimizer = Muon(weights, lr=0.1, momentum=0.6)
    expected = [weight.detach().clone() for weight in weights]
    momenta = [torch.zeros(shape) for shape in shapes]
    for _ in range(3):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator).to(memory_format=memory_format)
        for i, weight in enumerate(weights):
            momenta[i] = 0.6 * momenta[i] + weight.grad
            step = orthogonalize((weight.grad + 0.6 * momenta[i]).flatten(1)).view(shapes[i])
            expected[i] = expected[i] / expected[i].norm() * len(weight) ** 0.5 - 0.1 * step
        optimizer.step()
    for weight, value in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight.detach(), value, rtol=1e-4, atol=1e-5)
