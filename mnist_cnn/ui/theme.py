"""Gradio's default theme, with a complete bold font and text that has enough contrast."""

import gradio as gr

_RED = gr.themes.colors.red


def theme() -> gr.themes.Base:
    """The theme to launch the page with.

    Gradio's theme asks for weight 600, of which Gradio ships only a few letters; weight 700 is complete. Its grey for
    secondary text on white, and its white text on orange and red buttons, have too little contrast for WCAG AA.
    """
    return gr.themes.Default(
        font=(gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif")
    ).set(
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        button_cancel_background_fill=_RED.c700,
        button_cancel_background_fill_hover=_RED.c800,
    )
