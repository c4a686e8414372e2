import numpy as np
import pytest
import torch

from mnist_cnn.calibration import Calibration, calibrate, fit_temperature, top2_probability
from mnist_cnn.evaluation import predict_logits
from mnist_cnn.models import DigitCNN
from tests.support.handwriting import handwriting


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


def test_likeness_is_the_share_of_the_two_likeliest():
    probabilities = torch.tensor([[0.1] * 10, [0.5, 0.45, 0.05] + [0.0] * 7, [0.0] * 9 + [1.0]])
    torch.testing.assert_close(top2_probability(probabilities), torch.tensor([0.2, 0.95, 1.0]))


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature():
    logits = torch.randn(5, 10)
    expected = np.exp(logits.numpy() / 2.5)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Calibration(2.5).probabilities(logits).numpy(), expected, rtol=1e-5)


def test_calibrate_asks_the_network():
    class Mean(DigitCNN):
        def forward(self, x):
            return x.mean((1, 2, 3))[:, None] * torch.linspace(-1, 1, 10)

    images, labels = (torch.from_numpy(array) for array in handwriting(300, seed=0))
    labels = labels.long()
    inputs = (images[:, None].float() / 255 - 0.1307) / 0.3081
    found = calibrate(Mean(), images, labels)
    assert found.temperature == pytest.approx(fit_temperature(Mean()(inputs), labels), rel=1e-3)
    assert found == calibrate(Mean(), images, labels)


def test_the_threshold_refuses_hardly_a_digit_but_what_leaves_no_idea():
    class Knowing(DigitCNN):
        """Sure of whatever has an average amount of ink, without any idea of what has much more."""

        def forward(self, x):
            ink = x.mean((1, 2, 3))[:, None]
            return torch.where(ink < 2, 5.0, 0.0) * torch.eye(10)[0]

    images, labels = (torch.from_numpy(array) for array in handwriting(300, seed=0))
    calibration = calibrate(Knowing(), images, labels.long())
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    for batch, expected in ((images, True), (full, False)):
        alike = top2_probability(calibration.probabilities(predict_logits(Knowing(), batch)))
        assert (alike >= calibration.rejection_threshold).all() == expected
