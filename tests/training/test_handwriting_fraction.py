import dataclasses

import torch

from mnist_cnn.data.outliers import NON_DIGIT
from mnist_cnn.preprocessing import normalize
from mnist_cnn.training import get_settings
from mnist_cnn.training.batches import build_training_set, epoch_batches
from tests.support.handwriting import handwriting

SETTINGS = get_settings("net-25k", handwriting_fraction=0.5, outlier_fraction=0.2, batch_size=50)


def training_set(settings, generator):
    images, labels = handwriting(100, seed=0)
    return build_training_set(torch.from_numpy(images), torch.from_numpy(labels).long(), settings, None, generator)


def test_epoch_holds_the_training_set_and_written_digits():
    generator = torch.Generator().manual_seed(0)
    images, labels = training_set(SETTINGS, generator)
    before = images.clone(), labels.clone()
    assert len(images) == len(labels) == 180  # 100 digits, 20 outliers and half as many written digits
    batches = list(epoch_batches(images, labels, SETTINGS, [None], generator))
    assert sum(len(y) for _, y in batches) == 180
    assert torch.equal(images[:120], before[0][:120]) and torch.equal(labels[:120], before[1][:120])
    assert images[120:].amax((1, 2)).eq(255).all()
    seen = torch.cat([y for _, y in batches]).bincount(minlength=NON_DIGIT + 1)
    assert torch.equal(seen, labels.bincount(minlength=NON_DIGIT + 1))


def test_every_epoch_writes_new_digits():
    generator = torch.Generator().manual_seed(0)
    images, labels = training_set(SETTINGS, generator)
    list(epoch_batches(images, labels, SETTINGS, [None], generator))
    first = images[120:].clone()
    list(epoch_batches(images, labels, SETTINGS, [None], generator))
    assert (images[120:] != first).flatten(1).any(1).all()


def test_written_digits_are_not_augmented_further():
    settings = dataclasses.replace(SETTINGS, stroke_augmentation=1.0, outlier_fraction=0.0, stratified=False)
    generator = torch.Generator().manual_seed(0)
    images, labels = training_set(settings, generator)
    (inputs, _), *_ = epoch_batches(images, labels, dataclasses.replace(settings, batch_size=150), [None], generator)

    def keys(batch):
        return {tuple(image.flatten().tolist()) for image in batch}

    shown = keys(inputs)
    assert keys(normalize(images[100:])) <= shown
    assert not keys(normalize(images[:100])) & shown


def test_without_written_digits_nothing_is_added():
    settings = dataclasses.replace(SETTINGS, handwriting_fraction=0.0, outlier_fraction=0.0)
    images, _ = training_set(settings, torch.Generator().manual_seed(0))
    assert len(images) == 100
