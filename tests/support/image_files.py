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
    return content + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"few"))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
