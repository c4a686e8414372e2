"""The drawing pad as a Gradio component."""

import base64
import io

import gradio as gr
from PIL import Image

from .assets import component_files

_PREFIX = "data:image/png;base64,"
_MAX_CHARACTERS = 300_000  # of a data URL; the pad's own pictures have a few thousand
_MAX_SIDE = 1024  # pixels; the pad's own pictures have 280


class Sketchpad(gr.HTML):
    """A pad to draw on; it fires `input` during and after every stroke.

    As an input it gives the drawing as a `PIL.Image.Image` of mode L, the ink's coverage, 255 where it is full, or None
    when it is empty.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**component_files("sketchpad"), **kwargs)

    def preprocess(self, payload: str | None) -> Image.Image | None:
        """Decode the pad's PNG data URL; anything else is refused in words.

        Raises:
            gr.Error: the payload is not such a picture, or larger than the pad's can be.
        """
        if not payload:
            return None
        if not isinstance(payload, str) or not payload.startswith(_PREFIX):
            raise gr.Error("The drawing did not arrive as a PNG picture. Clear the pad and draw again.")
        if len(payload) > _MAX_CHARACTERS:
            raise gr.Error("The drawing is larger than the pad can make it. Clear the pad and draw again.")
        try:
            picture = Image.open(io.BytesIO(base64.b64decode(payload[len(_PREFIX) :], validate=True)), formats=["PNG"])
            # The size stands in the header: a small file is refused before it unpacks into a large picture.
            drawing = picture.convert("RGBA").getchannel("A") if max(picture.size) <= _MAX_SIDE else None
        except Image.DecompressionBombError:
            drawing = None
        except (OSError, SyntaxError, ValueError) as error:  # of the base64 or of the PNG
            raise gr.Error("The drawing arrived damaged. Draw on to send it again.") from error
        if drawing is None:
            raise gr.Error(f"The drawing is larger than {_MAX_SIDE} pixels a side. Clear the pad and draw again.")
        return drawing
