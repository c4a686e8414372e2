from drawing import handwriting

from mnist_cnn.answers import Answers
from mnist_cnn.ui.naming import score


def test_says_what_was_noted_and_how_often_the_network_was_right():
    images, _ = handwriting(2, seed=4)
    answers = Answers().with_answer(images[0], 0, 0)
    assert score(answers) == "Noted: 0. Read right: 1 of 1."
    assert score(answers.with_answer(images[1], 7, 1)) == "Noted: 7. Read right: 1 of 2."
