import pytest
import torch

from mnist_cnn.evaluation import accuracy, confusion_matrix, highest_loss_indices, predict_logits
from mnist_cnn.models import DigitCNN, build_model


class BrightestRow(DigitCNN):
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


def test_the_confusion_matrix_has_a_row_for_each_label():
    logits = torch.eye(10)[[3, 3, 7, 0]]
    matrix = confusion_matrix(logits, torch.tensor([3, 5, 7, 7]))
    expected = torch.zeros(10, 10, dtype=torch.int64)
    expected[3, 3] = expected[5, 3] = expected[7, 7] = expected[7, 0] = 1
    assert torch.equal(matrix, expected)


def test_the_hardest_come_first():
    logits = torch.zeros(4, 10)
    logits[:, 2] = torch.tensor([0.0, 3.0, 1.0, 2.0])
    labels = torch.full((4,), 2)
    assert highest_loss_indices(logits, labels, 3).tolist() == [0, 2, 3]
    assert len(highest_loss_indices(logits, labels, 9)) == 4
