import pytest
import torch

from mnist_cnn.data.outliers import NON_DIGIT
from mnist_cnn.training import get_settings
from mnist_cnn.training.progress import ProgressMeter


def update(meter, predictions, labels, loss):
    """Record a step whose logits predict these digits."""
    meter.start()
    logits = torch.nn.functional.one_hot(torch.tensor(predictions), 10).float()
    return meter.update(logits, torch.tensor(labels), torch.tensor(loss), lr=0.1)


def test_progress_counts_steps_epochs_samples_and_time():
    meter = ProgressMeter(5, get_settings("net-8k", epochs=2, batch_size=2))
    batches = [[1, 2], [3, 4], [5]] * 2
    steps = [update(meter, batch, batch, 0.5) for batch in batches]
    assert [progress.step for progress in steps] == list(range(1, 7))
    assert {progress.total_steps for progress in steps} == {6}
    assert [progress.epoch for progress in steps] == [1, 1, 1, 2, 2, 2]
    assert [progress.samples_seen for progress in steps] == [2, 4, 5, 7, 9, 10]
    assert [progress.is_last for progress in steps] == [False] * 5 + [True]
    seconds = [progress.seconds for progress in steps]
    assert seconds == sorted(seconds) and seconds[0] > 0
    assert steps[2].eta_seconds == pytest.approx(seconds[2])
    assert steps[-1].eta_seconds == 0
    assert steps[-1].samples_per_second == pytest.approx(10 / seconds[-1])


def test_smoothed_metrics_start_with_the_first_batch_and_follow_slowly():
    meter = ProgressMeter(60_000, get_settings("net-8k", batch_size=2))
    first = update(meter, [1, 2], [1, 2], 1.0)
    assert (first.loss, first.smoothed_loss, first.batch_accuracy, first.smoothed_accuracy) == (1.0, 1.0, 1.0, 1.0)
    second = update(meter, [1, 2], [1, 3], 3.0)
    assert (second.loss, second.batch_accuracy, second.epoch_accuracy) == (3.0, 0.5, 0.75)
    assert second.smoothed_loss == pytest.approx(1.0 + 2.0 * 2 / 2000)
    assert second.smoothed_accuracy == pytest.approx(1.0 - 0.5 * 2 / 2000)


def test_epoch_accuracy_starts_anew_with_every_epoch():
    meter = ProgressMeter(2, get_settings("net-8k", epochs=2, batch_size=2))
    assert update(meter, [1, 2], [3, 4], 1.0).epoch_accuracy == 0
    assert update(meter, [1, 2], [1, 2], 1.0).epoch_accuracy == 1


def test_temperature_fits_the_logits_before_their_scale():
    settings = get_settings("net-25k", batch_size=500)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(500, 10, generator=generator)
    labels = (logits / 0.3).softmax(1).multinomial(1, generator=generator).squeeze(1)  # right as often as it says
    labels[:100] = NON_DIGIT
    meter = ProgressMeter(500, settings)
    meter.update(settings.logit_scale * logits, labels, torch.tensor(1.0), lr=0.1)
    assert meter.temperature() == pytest.approx(0.3, rel=0.1)


def test_outliers_count_as_samples_but_not_as_digits():
    meter = ProgressMeter(60_000, get_settings("net-25k", batch_size=4))
    progress = update(meter, [1, 2, 3, 4], [1, 9, NON_DIGIT, NON_DIGIT], 1.0)
    assert progress.samples_seen == 4
    assert progress.batch_accuracy == progress.epoch_accuracy == 0.5
    progress = update(meter, [1, 2], [NON_DIGIT, NON_DIGIT], 2.0)
    assert (progress.batch_accuracy, progress.epoch_accuracy) == (0, 0.5)
    assert progress.smoothed_accuracy == 0.5
