import pytest
import torch

from mnist_cnn.evaluation import predict_logits
from mnist_cnn.models import build_model
from mnist_cnn.preprocessing import normalize
from mnist_cnn.training import get_settings, train
from mnist_cnn.training.distillation import distillation_loss


def teacher_of(probabilities):
    """A model that predicts these probabilities for every image."""
    model = build_model("net-25k", seed=0).eval().requires_grad_(False)
    model.head.weight.zero_()
    model.head.bias.copy_(probabilities.log())
    return model


def test_loss_is_that_of_soft_and_hard_targets_by_their_definition():
    generator = torch.Generator().manual_seed(0)
    logits, teacher_logits = torch.randn(2, 5, 10, generator=generator)
    soft = (teacher_logits / 2).exp() / (teacher_logits / 2).exp().sum(1, keepdim=True)
    student = (logits / 2).exp() / (logits / 2).exp().sum(1, keepdim=True)
    divergence = (soft * (soft / student).log()).sum() / 5
    loss = distillation_loss(torch.tensor(3.0), logits, teacher_logits)
    torch.testing.assert_close(loss, 0.2 * 3.0 + 0.8 * 4 * divergence)


def test_loss_of_a_model_that_equals_its_teacher_is_that_of_the_labels():
    logits = torch.randn(5, 10)
    torch.testing.assert_close(distillation_loss(torch.tensor(2.0), logits, logits), torch.tensor(0.4))


@pytest.mark.parametrize("name", ["net-25k", "net-8k"])
def test_model_learns_what_only_its_teacher_knows(small_sets, name):
    images, labels = small_sets[0]
    confused = torch.full((10,), 0.01)
    confused[[3, 8]] = 0.46
    settings = get_settings(name, batch_size=20, epochs=2, logit_scale=1.0)
    model = build_model(name, 0)
    list(train(model, images, labels, settings, teacher=teacher_of(confused)))
    learnt = predict_logits(model, images).softmax(1).mean(0)  # (10,)
    assert learnt[[3, 8]].min() > 2 * learnt[[0, 1, 2, 4, 5, 6, 7, 9]].max()


def test_teacher_sees_whole_images_as_it_is_normalised_and_stays_as_it_is(small_sets):
    images, labels = small_sets[0]
    teacher = build_model("net-25k", seed=1).eval().requires_grad_(False)
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    seen = []
    teacher.register_forward_hook(lambda _, inputs, logits: seen.append(inputs[0]))
    settings = get_settings("net-8k", batch_size=100, stratified=False)
    list(train(build_model("net-8k", 0), images[:100], labels[:100], settings, teacher=teacher))
    (x,) = seen  # in random order
    expected = normalize(images[:100], teacher.TARGET_STD)  # (100, 1, 28, 28)
    torch.testing.assert_close(x.sum((1, 2, 3)).sort().values, expected.sum((1, 2, 3)).sort().values)
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())
