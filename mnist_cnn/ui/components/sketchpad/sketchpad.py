"""The canvas, which holds a drawing or an image file, as a Gradio component."""

import base64
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from ....preprocessing.decoding import ImageError, decode_image
from ...server.errors import user_error
from ..base import component_files
from ..image_upload.image_upload import UploadedFile

_PREFIX = "data:image/png;base64,"
_MAX_CHARACTERS = 300_000  # of a data URL; those that the page sends have a few thousand
_SIDE = 280  # pixels of the image that the page sends; larger ones would hold up the event loop


@dataclass(frozen=True)
class UnfinishedDrawing:
    """A drawing while the pen is down."""

    image: Image.Image


Sketch = Image.Image | UnfinishedDrawing | UploadedFile  # what the canvas holds: a drawing, or an image file


class Sketchpad(gr.HTML):
    """A canvas that holds a drawing or an image file; fires `input` during and after every stroke, and for a file.

    As an input it gives a drawing as a `PIL.Image.Image` of mode L, the ink's coverage from 0 to 255, in an
    `UnfinishedDrawing` while the pen is down; an image file as an `UploadedFile`; or None if the canvas is empty.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**component_files("sketchpad"), **kwargs)

    def preprocess(self, payload: object) -> Sketch | None:  # type: ignore[override]  # gr.HTML's is text
        """Decode the PNG data URL that the page sends of a drawing.

        While the pen is down, the page sends `{"unfinished": ...}`; of a file it sends `{"path": ...}`.

        Raises:
            gr.Error: the payload is something else, or larger than the page can send.
        """
        if payload is None or payload == "":
            return None
        if isinstance(payload, dict) and isinstance(path := payload.get("path"), str):
            return UploadedFile(path, self.GRADIO_CACHE)
        if isinstance(payload, dict) and isinstance(drawing := payload.get("unfinished"), str):
            ink = self.preprocess(drawing)
            return UnfinishedDrawing(ink) if isinstance(ink, Image.Image) else None
        if not isinstance(payload, str) or not payload.startswith(_PREFIX):
            raise user_error("The drawing is not a PNG image. Clear the canvas and draw again.")
        if len(payload) > _MAX_CHARACTERS:
            raise user_error(f"The drawing is too large (limit {_MAX_CHARACTERS:,} characters). Clear the canvas.")
        try:
            content = base64.b64decode(payload[len(_PREFIX) :], validate=True)
            image = decode_image(_without_metadata(content), ("PNG",), _SIDE**2, _SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
        except ValueError as error:  # invalid base64
            raise user_error("The drawing arrived damaged. Continue to draw, and it is sent again.") from error
        ink = image.convert("RGBA").getchannel("A")
        return ink if ink.getbbox() else None  # None if everything was erased


def _without_metadata(png: bytes) -> bytes:
    """A PNG file without its ancillary chunks, of which Pillow would decompress megabytes of texts and profiles."""
    parts, start = [png[:8]], 8
    while start < len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4])
        if png[start + 4 : start + 5].isupper():
            parts.append(png[start:end])
        start = end
    return b"".join(parts)


def sketch_image(sketch: Sketch) -> Image.Image:
    """The image of a drawing or a file.

    Raises:
        ImageError: as `UploadedFile.decode`.
    """
    if isinstance(sketch, UploadedFile):
        return sketch.decode()
    return sketch.image if isinstance(sketch, UnfinishedDrawing) else sketch
