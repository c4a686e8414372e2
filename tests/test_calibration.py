import numpy as np
import pytest
import torch

from mnist_cnn.calibration import Calibration, calibrate, fit_temperature, top2_probability
from mnist_cnn.evaluation import predict_logits
from mnist_cnn.models import DigitCNN
from tests.support.handwriting import handwriting


@pytest.fixture(scope="module")
def digits():
    """Images, uint8 (300, 28, 28), and labels, int64 (300,)."""
    images, labels = handwriting(300, seed=0)
    return torch.from_numpy(images), torch.from_numpy(labels).long()


@pytest.mark.parametrize("scale", [1, 4, 1 / 4])
def test_temperature_recovers_the_scale_of_the_logits(scale):
    torch.manual_seed(0)
    logits = 3 * torch.randn(20_000, 10)
    labels = torch.multinomial(logits.softmax(1), 1).squeeze(1)  # so these logits are calibrated
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.03)


@pytest.mark.parametrize(("count", "noise", "margin"), [(500, 1.0, 1.5), (1000, 4.0, 15.0), (200, 1.0, 0.2)])
def test_temperature_minimises_the_loss(count, noise, margin):
    random = np.random.default_rng(0)
    logits, labels = random.normal(scale=noise, size=(count, 10)), random.integers(0, 10, count)
    logits[np.arange(count), labels] += margin

    def loss(temperature):
        scaled = logits / temperature
        return np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(count), labels])

    temperatures = np.geomspace(0.05, 20, 12_000)  # each 0.05 % above the one before
    best = temperatures[np.argmin([loss(temperature) for temperature in temperatures])]
    fitted = fit_temperature(torch.tensor(logits), torch.tensor(labels))
    assert fitted == pytest.approx(best, rel=1e-3)
    assert loss(fitted) <= loss(best)


def test_temperature_stays_in_bounds_if_all_labels_are_right_or_wrong():
    logits = torch.eye(10)
    assert fit_temperature(logits, torch.arange(10)) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(logits, torch.arange(10).roll(1)) == pytest.approx(20, rel=0.01)


def test_top2_probability_is_the_sum_of_the_two_highest():
    probabilities = torch.tensor([[0.1] * 10, [0.5, 0.45, 0.05] + [0.0] * 7, [0.0] * 9 + [1.0]])
    torch.testing.assert_close(top2_probability(probabilities), torch.tensor([0.2, 0.95, 1.0]))


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature():
    logits = torch.randn(5, 10)
    expected = np.exp(logits.numpy() / 2.5)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Calibration(2.5).probabilities(logits).numpy(), expected, rtol=1e-5)


def test_calibration_is_fitted_to_the_logits_of_the_model(digits):
    class Mean(DigitCNN):
        def forward(self, x):
            return x.mean((1, 2, 3))[:, None] * torch.linspace(-1, 1, 10)

    images, labels = digits
    inputs = (images[:, None].float() / 255 - 0.1307) / 0.3081
    calibration = calibrate(Mean(), images, labels)
    assert calibration.temperature == pytest.approx(fit_temperature(Mean()(inputs), labels), rel=1e-3)
    assert calibration == calibrate(Mean(), images, labels)


def test_threshold_rejects_no_digit_but_an_image_that_leaves_the_model_undecided(digits):
    class InkCounter(DigitCNN):
        """Certain about images with an average amount of ink, and undecided about those with much more."""

        def forward(self, x):
            ink = x.mean((1, 2, 3))[:, None]
            return torch.where(ink < 2, 5.0, 0.0) * torch.eye(10)[0]

    images, labels = digits
    calibration = calibrate(InkCounter(), images, labels)
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    for batch, accepted in ((images, True), (full, False)):
        scores = top2_probability(calibration.probabilities(predict_logits(InkCounter(), batch)))
        assert (scores >= calibration.rejection_threshold).all() == accepted
