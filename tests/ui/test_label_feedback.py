from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.ui.components.label_feedback.label_feedback import score
from tests.support.handwriting import handwriting


def test_says_what_was_noted_and_how_often_the_network_was_right():
    images, _ = handwriting(2, seed=4)
    answers = LabelledDrawings().add(images[0], 0, 0)
    assert score(answers) == "Noted: 0. Read right: 1 of 1."
    assert score(answers.add(images[1], 7, 1)) == "Noted: 7. Read right: 1 of 2."
