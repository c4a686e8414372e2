import pytest
import torch

from mnist_cnn.data import split_validation


def test_the_split_is_a_fixed_partition():
    images, labels = torch.arange(50), torch.arange(50) % 10
    (training, training_labels), (validation, validation_labels) = split_validation(images, labels, 20)
    assert (len(training), len(validation)) == (30, 20)
    assert torch.cat([training, validation]).sort().values.tolist() == list(range(50))
    assert torch.equal(training % 10, training_labels)
    assert torch.equal(validation % 10, validation_labels)
    torch.manual_seed(1)
    assert torch.equal(split_validation(images, labels, 20)[1][0], validation)


@pytest.mark.parametrize("count", [0, 50, 60])
def test_a_split_that_leaves_one_part_empty_is_refused(count):
    with pytest.raises(ValueError, match="between 1 and 49 can be set aside"):
        split_validation(torch.arange(50), torch.arange(50), count)
