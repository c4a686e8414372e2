"""The canvas to draw on as a Gradio component."""

import base64
from typing import Any

import gradio as gr
from PIL import Image

from ....preprocessing.decoding import ImageError, decode_image
from ...server.errors import user_error
from ..base import component_files

_PREFIX = "data:image/png;base64,"
_MAX_CHARACTERS = 300_000  # of a data URL; those that the page sends have a few thousand
_MAX_SIDE = 1024  # pixels; the page sends 280


class Sketchpad(gr.HTML):
    """A canvas to draw on; fires `input` during and after every stroke.

    As an input it gives the drawing as a `PIL.Image.Image` of mode L, the ink's coverage from 0 to 255, or None if the
    canvas is empty.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**component_files("sketchpad"), **kwargs)

    def preprocess(self, payload: object) -> Image.Image | None:  # type: ignore[override]  # gr.HTML's is text
        """Decode the PNG data URL that the page sends.

        Raises:
            gr.Error: the payload is something else, or larger than the page can send.
        """
        if payload is None or payload == "":
            return None
        if not isinstance(payload, str) or not payload.startswith(_PREFIX):
            raise user_error("The drawing is not a PNG image. Clear the canvas and draw again.")
        if len(payload) > _MAX_CHARACTERS:
            raise user_error(f"The drawing is too large (limit {_MAX_CHARACTERS:,} characters). Clear the canvas.")
        try:
            content = base64.b64decode(payload[len(_PREFIX) :], validate=True)
            image = decode_image(content, ("PNG",), _MAX_SIDE**2, _MAX_SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
        except ValueError as error:  # invalid base64
            raise user_error("The drawing arrived damaged. Continue to draw, and it is sent again.") from error
        return image.convert("RGBA").getchannel("A")
