import pytest
import torch

from mnist_cnn.data.outliers import NON_DIGIT
from mnist_cnn.models import MODELS
from mnist_cnn.preprocessing import denormalize, normalize
from mnist_cnn.training import get_settings
from mnist_cnn.training.batches import build_training_set, epoch_batches, random_crop
from tests.support.handwriting import handwriting


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(count):
    """Images whose ink, of one row without slant, tells their number: uint8 (N, 28, 28), and labels 0 to 9 in turn."""
    images = torch.zeros(count, 28, 28, dtype=torch.uint8)
    images[:, 14, 14] = torch.arange(count) + 1
    return images, torch.arange(count) % 10


def numbers(batches):
    """The numbers of the images in batches, in their order."""
    return torch.cat([denormalize(x)[:, 14, 14].long() - 1 for x, _ in batches])


@pytest.mark.parametrize("stratified", [False, True])
def test_epoch_has_every_image_once_in_random_order(stratified):
    images, labels = numbered(130)
    settings = get_settings("net-25k", batch_size=32, stratified=stratified)
    source = generator()
    first, second = (list(epoch_batches(images, labels, settings, [None], source)) for _ in range(2))
    assert [len(x) for x, _ in first] == [32, 32, 32, 32, 2]
    for batches in (first, second):
        assert numbers(batches).sort().values.tolist() == list(range(130))
        assert torch.equal(torch.cat([y for _, y in batches]), labels[numbers(batches)])
    assert not torch.equal(numbers(first), numbers(second))


def test_stratified_batches_have_the_class_frequencies_of_the_training_set():
    images, _ = numbered(240)
    labels = torch.tensor([0] * 120 + [1] * 80 + [2] * 40)
    settings = get_settings("net-25k", batch_size=24, stratified=True)
    for _, y in epoch_batches(images, labels, settings, [None], generator()):
        assert (y.bincount(minlength=3) - torch.tensor([12, 8, 4])).abs().max() <= 2


def test_batches_are_augmented_and_normalised():
    images, labels = (torch.from_numpy(array).long() for array in handwriting(40, seed=0))
    images = images.to(torch.uint8)
    settings = get_settings("net-25k", stroke_augmentation=1.0, stratified=False)
    ((x, y),) = epoch_batches(images, labels, settings, [None], generator())
    assert x.shape == (40, 1, 28, 28) and x.dtype == torch.float32
    order = torch.randperm(40, generator=generator())
    assert torch.equal(y, labels[order])
    plain = normalize(images[order])
    assert all(not torch.equal(one, other) for one, other in zip(x, plain, strict=True))


def test_train_fraction_is_drawn_with_the_seed():
    images, labels = numbered(200)

    def chosen(seed):
        settings = get_settings("net-8k", train_fraction=0.25, batch_size=10, seed=seed)
        return build_training_set(images, labels, settings, None, generator())[0][:, 14, 14].tolist()

    assert len(chosen(0)) == len(set(chosen(0))) == 50
    assert chosen(0) == chosen(0) != chosen(1)


def test_extra_data_joins_the_train_fraction():
    images, labels = numbered(200)
    settings = get_settings("net-8k", train_fraction=0.25, batch_size=10)
    extra = (torch.full((7, 28, 28), 255, dtype=torch.uint8), torch.full((7,), 3))
    together = build_training_set(images, labels, settings, extra, generator())
    assert len(together[0]) == len(together[1]) == 57
    assert torch.equal(together[0][-7:], extra[0]) and torch.equal(together[1][-7:], extra[1])


def test_outliers_are_added_as_a_fraction_of_the_training_set():
    images, labels = (torch.from_numpy(array) for array in handwriting(60, seed=0))
    settings = get_settings("net-25k", batch_size=10, outlier_fraction=0.5)
    together = build_training_set(images, labels.long(), settings, None, generator())
    assert len(together[0]) == len(together[1]) == 90
    assert torch.equal(together[0][:60], images)
    assert together[1][60:].unique().tolist() == [NON_DIGIT]


@pytest.mark.parametrize(("num_images", "num_labels"), [(0, 0), (20, 19)])
def test_images_without_labels_are_rejected(num_images, num_labels):
    images, labels = numbered(20)
    with pytest.raises(ValueError, match="Training needs images and as many labels"):
        build_training_set(images[:num_images], labels[:num_labels], get_settings("net-25k"), None, generator())


def test_batch_larger_than_the_training_set_is_rejected():
    with pytest.raises(ValueError, match=r"batch_size \(96\) exceeds the training set \(20\)"):
        build_training_set(*numbered(20), get_settings("net-25k"), None, generator())


@pytest.mark.parametrize("name", MODELS)
def test_crop_holds_nearly_all_ink(name):
    images = torch.from_numpy(handwriting(300, seed=0)[0])
    ink = denormalize(normalize(images, MODELS[name].TARGET_STD)).float()  # (N, 28, 28)
    height, width = MODELS[name].CROP_SIZE
    top, left = (28 - height) // 2, (28 - width) // 2
    assert ink[:, top : top + height, left : left + width].sum() > 0.98 * ink.sum()


def test_crop_is_the_same_for_all_images_and_within_a_pixel_of_the_centre():
    x = torch.arange(28 * 28.0).view(1, 1, 28, 28).expand(3, -1, -1, -1)
    corners, source = set(), generator()
    for _ in range(200):
        crop = random_crop(x, (24, 20), source)
        assert crop.shape == (3, 1, 24, 20)
        top, left = divmod(int(crop[0, 0, 0, 0]), 28)
        assert torch.equal(crop, x[:, :, top : top + 24, left : left + 20])
        corners.add((top, left))
    assert corners == {(top, left) for top in (1, 2, 3) for left in (3, 4, 5)}
