import pytest
import torch
from torch import nn

from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.models import build_model


class BrightestRow(nn.Module):
    """Says the number of the brightest of the first ten rows."""

    def forward(self, x):
        return x[:, 0, :10].mean(2)


def test_accuracy_counts_what_is_right():
    labels = torch.arange(10).repeat(250)  # more than one batch
    images = torch.zeros(2500, 28, 28, dtype=torch.uint8)
    images[torch.arange(2500), labels] = 200
    assert accuracy(BrightestRow(), images, labels) == 1
    assert accuracy(BrightestRow(), images, torch.zeros(2500, dtype=torch.int64)) == pytest.approx(0.1)


def test_the_network_is_evaluated_without_dropout_and_left_as_it_was():
    model = build_model("net-8k", seed=0).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    images = torch.randint(0, 256, (8, 28, 28), dtype=torch.uint8)
    assert torch.equal(predict_logits(model, images), predict_logits(model, images))
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
