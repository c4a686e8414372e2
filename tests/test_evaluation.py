import pytest
import torch

from mnist_cnn.evaluation import accuracy, confusion_matrix, highest_loss_indices, predict_logits
from mnist_cnn.models import MODELS, DigitCNN, build_model
from mnist_cnn.preprocessing import normalize


class BrightestRow(DigitCNN):
    """Predicts the index of the brightest of the first ten rows."""

    def forward(self, x):
        return x[:, 0, :10].mean(2)


def test_accuracy_is_the_fraction_classified_correctly():
    labels = torch.arange(10).repeat(250)  # more than one batch
    images = torch.zeros(2500, 28, 28, dtype=torch.uint8)
    images[torch.arange(2500), labels] = 200
    assert accuracy(BrightestRow(), images, labels) == 1
    assert accuracy(BrightestRow(), images, torch.zeros(2500, dtype=torch.int64)) == pytest.approx(0.1)


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_those_of_the_model_in_evaluation_mode(name):
    model = build_model(name, seed=0).eval()
    images = torch.randint(0, 256, (300, 28, 28), dtype=torch.uint8)
    with torch.no_grad():
        expected = model(normalize(images, model.TARGET_STD))
    torch.testing.assert_close(predict_logits(model.train(), images), expected, atol=1e-3, rtol=1e-3)


def test_evaluation_leaves_the_model_and_the_number_of_threads_as_they_were():
    model = build_model("net-8k", seed=0).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    strides, threads = model.conv2.weight.stride(), torch.get_num_threads()
    images = torch.randint(0, 256, (8, 28, 28), dtype=torch.uint8)
    assert torch.equal(predict_logits(model, images), predict_logits(model, images))
    assert model.training
    assert (model.conv2.weight.stride(), torch.get_num_threads()) == (strides, threads)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_cropped_images_are_those_that_training_crops_from_the_centre():
    class Shape(DigitCNN):
        CROP_SIZE = (24, 20)

        def forward(self, x):
            return torch.tensor([[*x.shape[2:], *x[0, 0, 0, :2], *x[0, 0, -1, -2:]]]).expand(len(x), -1)

    images = torch.arange(28 * 28).reshape(1, 28, 28).remainder(251).to(torch.uint8)
    inputs = normalize(images)[0, 0, 2:26, 4:24]
    (values,) = predict_logits(Shape(), images, cropped=True)
    assert values.tolist() == [24, 20, *inputs[0, :2].tolist(), *inputs[-1, -2:].tolist()]


def test_confusion_matrix_has_a_row_for_each_label():
    logits = torch.eye(10)[[3, 3, 7, 0]]
    matrix = confusion_matrix(logits, torch.tensor([3, 5, 7, 7]))
    expected = torch.zeros(10, 10, dtype=torch.int64)
    expected[3, 3] = expected[5, 3] = expected[7, 7] = expected[7, 0] = 1
    assert torch.equal(matrix, expected)


def test_highest_loss_comes_first():
    logits = torch.zeros(4, 10)
    logits[:, 2] = torch.tensor([0.0, 3.0, 1.0, 2.0])
    labels = torch.full((4,), 2)
    assert highest_loss_indices(logits, labels, 3).tolist() == [0, 2, 3]
    assert len(highest_loss_indices(logits, labels, 9)) == 4
