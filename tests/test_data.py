import pytest
import torch
from conftest import write_mnist
from torchvision import datasets

from mnist_cnn.data import DEFAULT_ROOT, DataError, data_root, load_mnist, split_validation


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])


def test_loads_both_halves_as_tensors(small_root, small_arrays):
    for train, (images, labels) in zip((True, False), small_arrays, strict=True):
        loaded_images, loaded_labels = load_mnist(small_root, train=train)
        assert loaded_images.dtype == torch.uint8
        assert loaded_labels.dtype == torch.int64
        assert (loaded_images.numpy() == images).all()
        assert (loaded_labels.numpy() == labels).all()


def test_loads_mnist(mnist_root):
    images, labels = load_mnist(mnist_root, train=True)
    assert images.shape == (60_000, 28, 28)
    # Class sizes and the statistics that everybody normalises with.
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (images.double() / 255).mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert (images.double() / 255).std().item() == pytest.approx(0.3081, abs=5e-5)


def test_root_is_the_argument_then_the_environment_then_the_project(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path / "environment"))
    assert data_root(tmp_path) == tmp_path
    assert data_root() == tmp_path / "environment"
    monkeypatch.delenv("MNIST_ROOT")
    assert data_root() == DEFAULT_ROOT


def test_without_network_says_what_to_put_where(no_network, tmp_path):
    with pytest.raises(DataError) as error:
        load_mnist(tmp_path)
    message = str(error.value)
    for part in (str(tmp_path / "MNIST" / "raw"), "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "MNIST_ROOT"):
        assert part in message


@pytest.mark.parametrize("damage", ["cut", "emptied", "text"])
def test_damaged_files_are_said_to_be_damaged(no_network, tmp_path, small_arrays, damage):
    write_mnist(tmp_path, *small_arrays)
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "emptied": b"", "text": b"<html>Not found</html>"}[damage])
    with pytest.raises(DataError, match=r"damaged.*Delete both"):
        load_mnist(tmp_path, train=False)
    assert len(load_mnist(tmp_path, train=True)[0]) == 400


def test_images_and_labels_must_fit_together(tmp_path, small_arrays):
    (images, labels), test = small_arrays
    write_mnist(tmp_path, (images, labels[:-1]), test)
    with pytest.raises(DataError, match="do not fit"):
        load_mnist(tmp_path)


def test_the_split_cuts_off_the_end():
    images, labels = torch.arange(50), torch.arange(50) % 10
    training, validation = split_validation(images, labels, 20)
    assert torch.equal(training[0], torch.arange(30))
    assert torch.equal(validation[0], torch.arange(30, 50))
    assert torch.equal(training[0] % 10, training[1])
    assert torch.equal(validation[0] % 10, validation[1])


@pytest.mark.parametrize("count", [0, 50, 60])
def test_a_split_that_leaves_one_part_empty_is_refused(count):
    with pytest.raises(ValueError, match="between 1 and 49 can be set aside"):
        split_validation(torch.arange(50), torch.arange(50), count)
