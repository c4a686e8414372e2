"""The choice of the network that reads, as a Gradio component."""

import gradio as gr

from ..server.errors import user_error


class ModelChoice(gr.Radio):
    """`gr.Radio` that says what became of a network that is no longer there."""

    is_template = True  # the page shows it as it does its parent

    def preprocess(self, payload: str | int | float | None) -> str | int | float | None:
        """The chosen value.

        Raises:
            gr.Error: it is not one of the choices, as a visitor's own network after the server was started anew.
        """
        if payload not in [value for _, value in self.choices]:
            raise user_error(
                "There is no such network here. A network that you trained is kept until the server starts anew; "
                "choose another one."
            )
        return super().preprocess(payload)
