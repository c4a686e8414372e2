"""A slider for a fraction, as a Gradio component."""

import gradio as gr


class PercentSlider(gr.Slider):
    """`gr.Slider` that shows percent, its `minimum`, `maximum` and `step`, and whose value is a fraction of 1."""

    is_template = True  # the page renders it as its parent class

    def preprocess(self, payload: float | None) -> float | None:  # type: ignore[override]  # gr.Slider's is no None
        """The fraction that a percentage stands for, whichever it is: `TrainingForm` checks the range."""
        return None if payload is None else payload / 100

    def postprocess(self, value: float | None) -> float:
        """The percentage for a fraction."""
        return super().postprocess(None if value is None else round(100 * value, 4))
