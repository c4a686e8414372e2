import numpy as np
import pytest
import torch
from torch import nn

from mnist_cnn.calibration import calibrate, fit_temperature


def test_finds_the_temperature_that_logits_were_spoilt_with():
    torch.manual_seed(0)
    logits = 3 * torch.randn(20_000, 10)
    labels = torch.multinomial(logits.softmax(1), 1).squeeze(1)  # so these logits are right as they are
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.03)
    assert fit_temperature(logits * 4, labels) == pytest.approx(4, rel=0.03)
    assert fit_temperature(logits / 4, labels) == pytest.approx(1 / 4, rel=0.03)


def test_no_other_temperature_is_likelier():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(500, 10)), random.integers(0, 10, 500)
    logits[np.arange(500), labels] += 1.5

    def loss(temperature):
        scaled = logits / temperature
        return np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(500), labels])

    best = fit_temperature(torch.tensor(logits), torch.tensor(labels))
    assert all(loss(best) <= loss(other) for other in np.geomspace(0.05, 20, 400))


def test_stays_in_bounds_where_every_label_is_right():
    logits = torch.eye(10)
    assert fit_temperature(logits, torch.arange(10)) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(logits, torch.arange(10).roll(1)) == pytest.approx(20, rel=0.01)


def test_calibrate_asks_the_network():
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean((1, 2, 3))[:, None] * torch.linspace(-1, 1, 10)

    images = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (300,))
    inputs = (images[:, None].float() / 255 - 0.1307) / 0.3081
    assert calibrate(Mean(), images, labels) == pytest.approx(fit_temperature(Mean()(inputs), labels), rel=1e-3)
