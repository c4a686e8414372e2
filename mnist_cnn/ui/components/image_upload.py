"""A picture file as a Gradio component."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import ImageData
from gradio_client.utils import is_http_url_like
from PIL import Image

from ...preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from ..server.errors import user_error

_MAX_PIXELS = 64_000_000  # more than the cameras of most phones give
_MAX_SIDE = 2048  # the networks see 28


class ImageUpload(gr.Image):
    """`gr.Image(type="pil", image_mode=None)` for files from strangers.

    As an input it gives a `PIL.Image.Image` in the file's own mode with no side longer than 2,048 pixels, or None. It
    takes uploaded files alone: it fetches no addresses, and reads no other path of the server.
    """

    is_template = True  # the page shows it as it does its parent

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(type="pil", image_mode=None, **kwargs)

    def get_config(self, cls: type[Block] | None = None) -> dict[str, Any]:
        """As of `gr.Image`: Gradio goes by the names of a constructor's arguments, and this one's has none."""
        config: dict[str, Any] = super().get_config(cls or gr.Image)
        return config

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        """As in Gradio, for files alone: the server would fetch whatever address a visitor names.

        Raises:
            gr.Error: it is an address.
        """
        if is_http_url_like(str(url_or_file_path)):
            raise user_error("Pictures are not fetched from other addresses. Download the picture and send the file.")
        path: str | None = await super().async_move_resource_to_block_cache(url_or_file_path)
        return path

    def preprocess(self, payload: ImageData | None) -> Image.Image | None:
        """Read the uploaded file.

        Raises:
            gr.Error: there is no such upload, or it is not a picture, or it is too large to be unpacked.
        """
        if payload is None:
            return None
        cache = Path(self.GRADIO_CACHE).resolve()
        path = Path(payload.path or "").resolve()
        if not path.is_relative_to(cache) or not path.is_file():
            raise user_error("There is no such upload. Send the picture again.")
        try:
            return decode_image(path.read_bytes(), IMAGE_FORMATS, _MAX_PIXELS, _MAX_SIDE)
        except ImageError as error:
            raise user_error(str(error)) from error
