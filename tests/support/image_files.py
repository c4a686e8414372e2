"""Image files for tests."""

import base64
import io
import struct
import zlib

from PIL import Image


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    """The bytes of an image as a file of a kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decode(url: str) -> Image.Image:
    """The image of a data URL."""
    return Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))


def png_with_header(width: int, height: int) -> bytes:
    """A PNG whose header announces more pixels than its few bytes hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + header, b"IDAT" + zlib.compress(b"few")):
        content += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content
