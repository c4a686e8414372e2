"""What the page says where it does not do what it was asked."""

import gradio as gr


def user_error(words: str) -> gr.Error:
    """An error to raise: the page shows the words, and the server's log does not fill with traces of visitors' doings.

    Args:
        words: what was wrong and what to do, in a sentence or two, without anything that the visitor sent: the page
            shows them as HTML.
    """
    return gr.Error(words, print_exception=False)
