"""How the page looks: Gradio's default theme, with letters that are whole and grey that can be read."""

import gradio as gr


def theme() -> gr.themes.Base:
    """The theme to launch the page with.

    The bold face that Gradio's theme names, 600, comes with Gradio as a stub of a few letters; 700 is whole. The grey
    of its lesser texts is too light on white for WCAG AA.
    """
    return gr.themes.Default(
        font=(gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif")
    ).set(body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400")
