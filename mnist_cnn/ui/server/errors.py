"""Errors that the page shows to its user."""

import gradio as gr


def user_error(message: str) -> gr.Error:
    """An error to raise in an event; unlike other errors, it leaves no traceback in the server's log.

    Args:
        message: what is wrong and what to do. It must not contain anything that the user sent, since the page shows it
            as HTML.
    """
    return gr.Error(message, print_exception=False)
