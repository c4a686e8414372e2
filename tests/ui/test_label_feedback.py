import gradio as gr
import pytest

from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.ui.components.label_feedback.label_feedback import score_text, selected_digit
from tests.support.handwriting import handwriting


def test_score_counts_correct_predictions():
    images, _ = handwriting(2, seed=4)
    drawings = LabelledDrawings().add(images[0], 0, 0)
    assert score_text(drawings) == "Saved as 0. Correct so far: 1 of 1."
    assert score_text(drawings.add(images[1], 7, 1)) == "Saved as 7. Correct so far: 1 of 2."


def test_selected_digit_is_read_from_the_event():
    assert selected_digit(gr.EventData(None, {"digit": 7})) == 7


@pytest.mark.parametrize("data", [None, {}, {"digit": None}, {"digit": 10}, {"digit": "3"}, {"digit": True}, [3]])
def test_invalid_event_is_rejected(data):
    with pytest.raises(gr.Error, match="Invalid label"):
        selected_digit(gr.EventData(None, data))
