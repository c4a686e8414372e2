"""The components that only change how Gradio's own handle a value."""

import gradio as gr
import pytest

from mnist_cnn.ui.components.model_choice.model_choice import USER_MODEL, ModelChoice, model_choices
from mnist_cnn.ui.components.percent_slider.percent_slider import PercentSlider


def test_model_choice_accepts_its_choices():
    choice = ModelChoice(model_choices(["net-25k", "net-8k", USER_MODEL]))
    assert choice.choices == [("net-25k", "net-25k"), ("net-8k", "net-8k"), ("Your model", USER_MODEL)]
    assert choice.preprocess("net-8k") == "net-8k"


def test_model_choice_rejects_a_model_that_is_gone():
    with pytest.raises(gr.Error, match=r"Unknown model\. Available: net-25k, net-8k\."):
        ModelChoice(model_choices(["net-25k", "net-8k"])).preprocess(USER_MODEL)


@pytest.mark.parametrize("percent", [1, 7, 29, 58, 100])
def test_percent_slider_converts_between_percent_and_fraction(percent):
    slider = PercentSlider(1, 100, 0.5, step=1)
    assert slider.value == 50
    fraction = slider.preprocess(percent)
    assert fraction == pytest.approx(percent / 100)
    assert slider.postprocess(fraction) == percent
