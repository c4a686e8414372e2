"""An uploaded image file, and the Gradio component through which the API receives one."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class UploadedFile:
    """A file that a client says it has uploaded, which `decode` checks.

    Attributes:
        path: any text.
        folder: of uploads; no file outside of it is opened.
    """

    path: str
    folder: str

    def decode(self) -> Image.Image:
        """The image in the file's own mode, with no side longer than 2,048 pixels.

        Raises:
            ImageError: no such file was uploaded, or it is empty or no image, or has too many pixels.
        """
        try:
            path = Path(self.path).resolve()
            if not path.is_relative_to(Path(self.folder).resolve()):
                raise FileNotFoundError(path)
            content = path.read_bytes()
        except (OSError, ValueError) as error:  # a ValueError if the text cannot be a path
            raise ImageError("The uploaded file was not found. Upload the image again.") from error
        if not content:
            raise ImageError("The file is empty. Send another one.")
        return decode_in_process(content, IMAGE_FORMATS, _MAX_PIXELS, _MAX_SIDE)


class ImageUpload(gr.Image):
    """`gr.Image(type="pil", image_mode=None)` for untrusted files.

    As an input it gives what `UploadedFile.decode` returns, or None. It accepts uploaded files only, and reads no other
    path of the server.
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
            gr.Error: as `UploadedFile.decode`.
        """
        if payload is None:
            return None
        try:
            return UploadedFile(payload.path or "", self.GRADIO_CACHE).decode()
        except ImageError as error:
            raise user_error(str(error)) from error
