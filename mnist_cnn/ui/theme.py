"""Gradio's default theme, with a complete bold font and text that has enough contrast."""

import gradio as gr


def theme() -> gr.themes.Base:
    """The theme to launch the page with.

    Gradio's theme asks for weight 600, of which Gradio ships only a few letters; weight 700 is complete. Its grey for
    secondary text has too little contrast on white for WCAG AA.
    """
    return gr.themes.Default(
        font=(gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif")
    ).set(body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400")
