import io
import os
import zipfile

import numpy as np
import pytest
import torch

from mnist_cnn.data import load_mnist
from mnist_cnn.data.corrections import DrawingsError, LabelledDrawings, decode_drawings
from tests.support.handwriting import handwriting

IMAGES, LABELS = handwriting(4, seed=3)


def test_drawings_are_counted_and_compared_with_their_predictions():
    drawings = LabelledDrawings()
    assert (drawings.count, drawings.correct) == (0, 0)
    for image, label, prediction in zip(IMAGES, (0, 1, 2, 3), (0, 7, 2, 3), strict=True):
        drawings = drawings.add(image, label, prediction)
    assert (drawings.count, drawings.correct) == (4, 3)
    assert drawings.labels.tolist() == [0, 1, 2, 3]
    assert drawings.predictions.tolist() == [0, 7, 2, 3]
    assert (drawings.images.numpy() == IMAGES).all()


def test_rejected_drawing_counts_as_misclassified():
    drawings = LabelledDrawings().add(IMAGES[0], 0, None)
    assert (drawings.count, drawings.correct, drawings.predictions.tolist()) == (1, 0, [-1])


def test_second_label_for_the_same_drawing_replaces_the_first():
    drawings = LabelledDrawings().add(IMAGES[0], 6, 0).add(IMAGES[1], 2, 1).add(IMAGES[1], 1, 1)
    assert drawings.labels.tolist() == [6, 1]
    assert (drawings.count, drawings.correct) == (2, 1)


def test_add_copies_the_image_and_leaves_the_original_unchanged():
    before = LabelledDrawings().add(IMAGES[0], 0, 0)
    image = IMAGES[1].copy()
    after = before.add(image, 1, 1)
    image[:] = 0
    assert before.count == 1
    assert (after.images[1].numpy() == IMAGES[1]).all()


def test_drawings_can_be_concatenated_with_a_training_set(small_root):
    images, labels = load_mnist(small_root, train=True)
    drawings = LabelledDrawings().add(IMAGES[3], 3, 5)
    for added, existing in ((drawings.images, images), (drawings.labels, labels)):
        assert torch.cat([existing, added]).dtype == existing.dtype
        assert added.shape[1:] == existing.shape[1:]


def test_augmented_copies_differ_slightly_and_keep_their_labels(small_sets):
    images = small_sets[1][0]
    drawings = LabelledDrawings().add(images[0].numpy(), 3, None).add(images[1].numpy(), 5, 5)
    copies, labels = drawings.augmented_copies(20, seed=1)
    assert copies.shape == (40, 28, 28)
    assert copies.dtype == torch.uint8
    assert labels.tolist() == [3, 5] * 20
    assert len({copy.numpy().tobytes() for copy in copies}) == 40
    assert torch.equal(copies, drawings.augmented_copies(20, seed=1)[0])
    mean = copies[::2].float().mean(0)  # still where the drawing is
    overlap = torch.nn.functional.cosine_similarity(mean.flatten(), images[0].float().flatten(), dim=0)
    assert overlap > 0.7


@pytest.mark.parametrize(("count", "expected"), [(1, 400), (7, 399), (300, 3000)])
def test_fine_tuning_has_many_copies_of_few_drawings_and_some_of_each(count, expected):
    drawings = LabelledDrawings(torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count) % 10)
    copies, labels = drawings.fine_tuning_copies(seed=1)
    assert len(copies) == len(labels) == expected
    assert labels[-count:].tolist() == drawings.labels.tolist()


def test_last_300_drawings_are_kept():
    drawings = LabelledDrawings()
    for number in range(305):
        image = IMAGES[0].copy()
        image[0, :2] = divmod(number, 256)
        drawings = drawings.add(image, number % 10, None)
    assert drawings.count == len(drawings.images) == len(drawings.predictions) == 300
    assert drawings.labels.tolist() == [number % 10 for number in range(5, 305)]
    drawings = drawings.add(image, 9, None)  # corrects the last one
    assert drawings.count == 300 and drawings.labels[-1] == 9


def test_file_of_drawings_is_loaded_unchanged():
    drawings = LabelledDrawings().add(IMAGES[0], 0, 0).add(IMAGES[1], 7, None)
    images, labels = decode_drawings(drawings.to_npz())
    assert torch.equal(images, drawings.images) and torch.equal(labels, drawings.labels)
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)


def test_largest_file_of_drawings_is_loaded():
    noise = torch.from_numpy(np.random.default_rng(0).integers(256, size=(300, 28, 28), dtype=np.uint8))
    drawings = LabelledDrawings(noise, torch.arange(300) % 10, torch.zeros(300, dtype=torch.int64))
    assert torch.equal(decode_drawings(drawings.to_npz())[0], noise)


def test_extended_drawings_are_the_last_300():
    numbers = torch.arange(299)
    drawings = LabelledDrawings().add(IMAGES[0], 0, 0).add(IMAGES[1], 1, 1)
    images = torch.zeros(299, 28, 28, dtype=torch.uint8)
    extended = drawings.extend(images, numbers % 10, numbers % 10)
    assert len(extended.images) == len(extended.predictions) == extended.count == 300
    assert extended.labels.tolist() == [1, *(numbers % 10).tolist()]
    assert drawings.count == 2


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def archive(**entries):
    """A zip file with these bytes in place of arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as entry:
        for name, content in entries.items():
            entry.writestr(f"{name}.npy", content)
    return file.getvalue()


def header(shape):
    """The header of a uint8 array of a shape, as .npy files have it, without the array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


class Attack:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"PK", "damaged"),
        (npz(images=IMAGES, labels=LABELS)[:-50], "damaged"),
        (npz(images=IMAGES), "damaged, or no .npz file with the arrays images and labels"),
        (npz(images=IMAGES, labels=np.array([Attack()] * 4)), "damaged"),
        (archive(images=header((2**40, 28, 28)), labels=b""), "damaged"),
        (archive(images=header((2**70, 28, 28)), labels=b""), "damaged"),
        (archive(images=bytes(2**24)), "more than the 300 drawings"),
        (npz(images=np.zeros((301, 28, 28), np.uint8), labels=np.zeros(301, int)), "with N from 1 to 300"),
        (npz(images=np.zeros((0, 28, 28), np.uint8), labels=np.zeros(0, int)), "with N from 1 to 300"),
        (npz(images=IMAGES.astype(float), labels=LABELS), "must be uint8"),
        (npz(images=IMAGES[:, :20], labels=LABELS), "must be uint8"),
        (npz(images=np.uint8(3), labels=np.int64(3)), "must be uint8"),
        (npz(images=IMAGES, labels=LABELS[:3]), "labels N whole numbers"),
        (npz(images=IMAGES, labels=LABELS.astype(float)), "labels N whole numbers"),
        (npz(images=IMAGES, labels=LABELS + 7), "from 0 to 9"),
        (npz(images=IMAGES, labels=-LABELS.astype(int) - 1), "from 0 to 9"),
    ],
)
def test_unsuitable_file_of_drawings_is_rejected_with_the_reason(content, message):
    with pytest.raises(DrawingsError, match=message):
        decode_drawings(content)
