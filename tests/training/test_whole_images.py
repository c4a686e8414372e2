import pytest
import torch

from mnist_cnn.data import load_mnist
from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.preprocessing import normalize
from mnist_cnn.training import get_settings, train
from mnist_cnn.training.loop import model_to_evaluate
from mnist_cnn.training.whole_images import adapt_to_whole_images


@pytest.mark.parametrize("name", MODELS)
def test_batch_norm_gets_the_statistics_of_whole_training_images(name):
    images, labels = torch.randint(0, 256, (550, 28, 28), dtype=torch.uint8), torch.arange(550) % 10
    model = build_model(name, seed=0).train()
    adapted = adapt_to_whole_images(model, images, labels)
    assert not adapted.training
    features = model.conv1(normalize(images[:500], model.TARGET_STD))
    if name == "net-25k":
        features = model.pool1(features)
    torch.testing.assert_close(adapted.bn1.running_mean, features.mean((0, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(adapted.bn1.running_var, features.var((0, 2, 3)), atol=0, rtol=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_bias_balances_the_logits(name, small_sets):
    (images, labels), _ = small_sets
    model = build_model(name, seed=0)
    head = model.conv5 if name == "net-8k" else model.head
    torch.nn.init.zeros_(head.bias)
    with torch.no_grad():
        head.bias[3] += 3  # as if all background were a 3
    means = predict_logits(adapt_to_whole_images(model, images, labels), images).mean(0)
    assert means.max() - means.min() < 1


def test_model_and_random_state_stay_as_they_are(small_sets):
    model = build_model("net-8k", seed=0).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random_state = torch.get_rng_state()
    adapt_to_whole_images(model, *small_sets[0])
    assert torch.equal(torch.get_rng_state(), random_state)  # or training would go on with other dropout
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_model_stopped_at_half_of_the_epoch_is_as_accurate_on_whole_images_as_on_crops(name, mnist_root, mnist_test):
    training_set = load_mnist(mnist_root, train=True)
    settings, model = get_settings(name, seed=1), build_model(name, 1)
    for progress in train(model, *training_set, settings, mnist_test, evaluate_at=[0.5]):
        if progress.test_accuracy is not None:
            break
    kept = accuracy(model_to_evaluate(model, progress, settings, *training_set), *mnist_test)
    predictions = predict_logits(model, mnist_test[0], cropped=True).argmax(1)
    on_crops = (predictions == mnist_test[1]).float().mean().item()
    assert on_crops > 0.94
    assert kept == pytest.approx(on_crops, abs=0.02)
    assert progress.test_accuracy == pytest.approx(on_crops, abs=0.025)  # of a tenth of the test set
