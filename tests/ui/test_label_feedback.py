import gradio as gr
import pytest

from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.ui.components.label_feedback.label_feedback import is_challenge, score_text, selected_digit
from tests.support.handwriting import handwriting


def test_score_counts_correct_predictions():
    images, _ = handwriting(2, seed=4)
    drawings = LabelledDrawings().add(images[0], 0, 0)
    assert score_text(drawings) == "Saved as 0. Correct so far: 1 of 1."
    assert score_text(drawings.add(images[1], 7, 1)) == "Saved as 7. Correct so far: 1 of 2."


def test_score_of_a_challenge_counts_misclassified_and_rejected_drawings():
    images, _ = handwriting(3, seed=4)
    drawings = LabelledDrawings().add(images[0], 0, 0).add(images[1], 7, 1).add(images[2], 2, None)
    assert score_text(drawings, challenge=True) == "Saved as 2. Misclassified so far: 2 of 3."


@pytest.mark.parametrize(("data", "expected"), [({"challenge": True}, True), ({"challenge": 1}, False), ({}, False)])
def test_challenge_is_read_from_the_event(data, expected):
    assert is_challenge(gr.EventData(None, {"digit": 7} | data)) is expected


def test_selected_digit_is_read_from_the_event():
    assert selected_digit(gr.EventData(None, {"digit": 7})) == 7


@pytest.mark.parametrize("data", [None, {}, {"digit": None}, {"digit": 10}, {"digit": "3"}, {"digit": True}, [3]])
def test_invalid_event_is_rejected(data):
    with pytest.raises(gr.Error, match="Invalid label"):
        selected_digit(gr.EventData(None, data))
