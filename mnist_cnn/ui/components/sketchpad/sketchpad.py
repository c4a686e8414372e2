"""The drawing pad as a Gradio component."""

import base64
from typing import Any

import gradio as gr
from PIL import Image

from ....preprocessing.decoding import ImageError, decode_image
from ...server.errors import user_error
from ..base import component_files

_PREFIX = "data:image/png;base64,"
_MAX_CHARACTERS = 300_000  # of a data URL; the pad's own pictures have a few thousand
_MAX_SIDE = 1024  # pixels; the pad's own pictures have 280


class Sketchpad(gr.HTML):
    """A pad to draw on; it fires `input` during and after every stroke.

    As an input it gives the drawing as a `PIL.Image.Image` of mode L, the ink's coverage, 255 where it is full, or None
    when it is empty.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**component_files("sketchpad"), **kwargs)

    def preprocess(self, payload: object) -> Image.Image | None:  # type: ignore[override]  # gr.HTML's is text
        """Decode the pad's PNG data URL; anything else is refused in words.

        Raises:
            gr.Error: the payload is not such a picture, or larger than the pad's can be.
        """
        if payload is None or payload == "":
            return None
        if not isinstance(payload, str) or not payload.startswith(_PREFIX):
            raise user_error("The drawing did not arrive as a PNG picture. Clear the pad and draw again.")
        if len(payload) > _MAX_CHARACTERS:
            raise user_error("The drawing is larger than the pad can make it. Clear the pad and draw again.")
        try:
            content = base64.b64decode(payload[len(_PREFIX) :], validate=True)
            picture = decode_image(content, ("PNG",), _MAX_SIDE**2, _MAX_SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
        except ValueError as error:  # of the base64
            raise user_error("The drawing arrived damaged. Draw on to send it again.") from error
        return picture.convert("RGBA").getchannel("A")
