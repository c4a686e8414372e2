import torch

from mnist_cnn.data import load_mnist
from mnist_cnn.data.corrections import LabelledDrawings
from tests.support.handwriting import handwriting

IMAGES, LABELS = handwriting(4, seed=3)


def test_counts_what_was_drawn_and_read_right():
    answers = LabelledDrawings()
    assert (answers.count, answers.correct) == (0, 0)
    for image, label, read in zip(IMAGES, (0, 1, 2, 3), (0, 7, 2, 3), strict=True):
        answers = answers.add(image, label, read)
    assert (answers.count, answers.correct) == (4, 3)
    assert answers.labels.tolist() == [0, 1, 2, 3]
    assert answers.read.tolist() == [0, 7, 2, 3]
    assert (answers.images.numpy() == IMAGES).all()
    unread = LabelledDrawings().add(IMAGES[0], 0, None)
    assert (unread.count, unread.correct, unread.read.tolist()) == (1, 0, [-1])


def test_a_second_answer_for_the_same_drawing_replaces_the_first():
    answers = LabelledDrawings().add(IMAGES[0], 6, 0).add(IMAGES[1], 2, 1).add(IMAGES[1], 1, 1)
    assert answers.labels.tolist() == [6, 1]
    assert (answers.count, answers.correct) == (2, 1)


def test_leaves_itself_and_the_image_alone():
    before = LabelledDrawings().add(IMAGES[0], 0, 0)
    image = IMAGES[1].copy()
    after = before.add(image, 1, 1)
    image[:] = 0
    assert before.count == 1
    assert (after.images[1].numpy() == IMAGES[1]).all()


def test_can_be_added_to_a_training_set(small_root):
    images, labels = load_mnist(small_root, train=True)
    answers = LabelledDrawings().add(IMAGES[3], 3, 5)
    for ours, theirs in ((answers.images, images), (answers.labels, labels)):
        assert torch.cat([theirs, ours]).dtype == theirs.dtype
        assert ours.shape[1:] == theirs.shape[1:]


def test_copies_to_train_on_differ_a_little_and_keep_their_labels(small_sets):
    images = small_sets[1][0]
    answers = LabelledDrawings().add(images[0].numpy(), 3, None).add(images[1].numpy(), 5, 5)
    copies, names = answers.augmented_copies(20, seed=1)
    assert copies.shape == (40, 28, 28)
    assert copies.dtype == torch.uint8
    assert names.tolist() == [3, 5] * 20
    assert len({copy.numpy().tobytes() for copy in copies}) == 40
    assert torch.equal(copies, answers.augmented_copies(20, seed=1)[0])
    mean = copies[::2].float().mean(0)  # still where the drawing is
    overlap = torch.nn.functional.cosine_similarity(mean.flatten(), images[0].float().flatten(), dim=0)
    assert overlap > 0.7
