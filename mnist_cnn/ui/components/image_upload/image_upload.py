"""An uploaded image file as a Gradio component."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import ImageData
from gradio_client.utils import is_http_url_like
from PIL import Image

from ....preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from ...server.errors import user_error

_MAX_PIXELS = 64_000_000  # more than most phone cameras take
_MAX_SIDE = 2048  # pixels; models see 28×28


class ImageUpload(gr.Image):
    """`gr.Image(type="pil", image_mode=None)` for untrusted files.

    As an input it gives a `PIL.Image.Image` in the file's own mode with no side longer than 2,048 pixels, or None. It
    accepts uploaded files only: it fetches no URLs, and reads no other path of the server.
    """

    is_template = True  # the page renders it as its parent class

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(type="pil", image_mode=None, **kwargs)

    def get_config(self, cls: type[Block] | None = None) -> dict[str, Any]:
        """The configuration of `gr.Image`: Gradio reads the constructor's argument names, which this class hides."""
        config: dict[str, Any] = super().get_config(cls or gr.Image)
        return config

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        """As in Gradio, but for files only: Gradio would have the server fetch any URL that it is sent.

        Raises:
            gr.Error: it is a URL.
        """
        if is_http_url_like(str(url_or_file_path)):
            raise user_error("Images are not fetched from URLs. Download the image and upload the file.")
        path: str | None = await super().async_move_resource_to_block_cache(url_or_file_path)
        return path

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
            return decode_image(path.read_bytes(), IMAGE_FORMATS, _MAX_PIXELS, _MAX_SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
