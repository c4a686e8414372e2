"""The choice of the model whose prediction is shown, as a Gradio component."""

from collections.abc import Iterable

import gradio as gr

from ...server.errors import user_error

USER_MODEL = "user"  # the choice that stands for the user's own model
_LABELS = {USER_MODEL: "Your model"}


def model_label(key: str) -> str:
    """What the page calls the model of a choice."""
    return _LABELS.get(key, key)


def model_choices(keys: Iterable[str]) -> list[tuple[str, str]]:
    """(label, value) pairs for `gr.Radio`."""
    return [(model_label(key), key) for key in keys]


class ModelChoice(gr.Radio):
    """`gr.Radio` with an error message for a model that no longer exists."""

    is_template = True  # the page renders it as its parent class

    def preprocess(self, payload: str | int | float | None) -> str | int | float | None:
        """The selected value.

        Raises:
            gr.Error: it is not one of the choices, such as the user's own model after the server was restarted.
        """
        values = [str(value) for _, value in self.choices]
        if payload not in values:
            pretrained = ", ".join(value for value in values if value != USER_MODEL)
            raise user_error(
                f"Unknown model. Available: {pretrained}. A model that you trained or loaded is kept until the server "
                "restarts."
            )
        return super().preprocess(payload)
