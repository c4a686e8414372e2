"""Whatever the browser sends, a component takes it or rejects it. `--hypothesis-profile=deep` tries more."""

import gradio as gr
from hypothesis import given

from mnist_cnn.ui.components.label_feedback.label_feedback import selected_digit
from mnist_cnn.ui.components.model_choice.model_choice import ModelChoice
from mnist_cnn.ui.components.sketchpad.sketchpad import Sketchpad
from tests.support.fuzzing import damaged_files, invalid_drawings, json_values
from tests.support.http_client import png_data_url


@given(json_values | invalid_drawings | damaged_files().map(png_data_url))
def test_any_drawing_is_decoded_or_rejected(payload):
    try:
        ink = Sketchpad().preprocess(payload)
    except gr.Error as error:
        assert error.message.endswith(".") and not error.print_exception
    else:
        assert ink is None or ink.mode == "L"


@given(json_values)
def test_any_label_is_a_digit_or_rejected(data):
    for event_data in (data, {"digit": data}):
        try:
            digit = selected_digit(gr.EventData(None, event_data))
        except gr.Error as error:
            assert not error.print_exception
        else:
            assert event_data["digit"] is digit and digit in range(10)


@given(json_values)
def test_any_model_choice_is_a_model_or_rejected(payload):
    choice = ModelChoice(["net-25k", "net-8k"])
    try:
        assert choice.preprocess(payload) in ("net-25k", "net-8k")
    except gr.Error as error:
        assert not error.print_exception
