"""An uploaded image file as a Gradio component."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import ImageData
from PIL import Image

from ....preprocessing.decoding import IMAGE_FORMATS, ImageError
from ....preprocessing.decoding_process import decode_in_process
from ...server.errors import user_error

_MAX_PIXELS = 64_000_000  # more than most phone cameras take
_MAX_SIDE = 2048  # pixels; models see 28×28


class ImageUpload(gr.Image):
    """`gr.Image(type="pil", image_mode=None)` for untrusted files.

    As an input it gives a `PIL.Image.Image` in the file's own mode with no side longer than 2,048 pixels, or None. It
    accepts uploaded files only, and reads no other path of the server.
    """

    is_template = True  # the page renders it as its parent class

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(type="pil", image_mode=None, **kwargs)

    def get_config(self, cls: type[Block] | None = None) -> dict[str, Any]:
        """The configuration of `gr.Image`: Gradio reads the constructor's argument names, which this class hides."""
        config: dict[str, Any] = super().get_config(cls or gr.Image)
        return config

    def preprocess(self, payload: ImageData | None) -> Image.Image | None:
        """Decode the uploaded file.

        Raises:
            gr.Error: no such file was uploaded, or it is not an image, or has too many pixels.
        """
        if payload is None:
            return None
        cache = Path(self.GRADIO_CACHE).resolve()
        path = Path(payload.path or "").resolve()
        if not path.is_relative_to(cache) or not path.is_file():
            raise user_error("The uploaded file was not found. Upload the image again.")
        try:
            return decode_in_process(path.read_bytes(), IMAGE_FORMATS, _MAX_PIXELS, _MAX_SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
