"""Decoding untrusted image files: format and size are checked before any pixel is decompressed."""

import io

from PIL import (
    Image,
    ImageOps,
    WebPImagePlugin,  # noqa: F401, the only one of the formats below that Pillow does not register by itself
)

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # a camera's MPO counts as JPEG


class ImageError(ValueError):
    """The bytes are not an image that can be decoded; the message is a sentence with the cause and what to do."""


def decode_image(content: bytes, formats: tuple[str, ...], max_pixels: int, max_side: int) -> Image.Image:
    """Decode an image file.

    Args:
        content: the bytes of the file.
        formats: the formats of `IMAGE_FORMATS` that are accepted.
        max_pixels: an image whose header announces more pixels is rejected before decompression.
        max_side: an image with a longer side is reduced to this side.

    Returns:
        The image, or the first frame of an animation, rotated as its EXIF orientation says.

    Raises:
        ImageError: the file has none of the formats, is damaged, or is too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            width, height = image.size  # from the header; nothing is decompressed yet
            if width * height > max_pixels:
                raise ImageError(
                    f"The image has {width:,} × {height:,} pixels; at most {max_pixels:,} are accepted. "
                    "Send a smaller one."
                )
            # JPEG can be decoded at a half, a quarter or an eighth of its size.
            image.draft(None, (max_side, max_side))
            image.load()
            factor = -(-max(image.size) // max_side)
            return ImageOps.exif_transpose(image if factor == 1 else _reduce(image, factor))
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"The image has more than the {max_pixels:,} pixels that are accepted. Send a smaller one."
        ) from error
    # Pillow's decoders raise nearly any exception on damaged or malicious files.
    except Exception as error:
        raise ImageError(
            f"The image is damaged, or not a {', '.join(formats)} file. Send it again, or another one."
        ) from error


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Average blocks of factor×factor pixels."""
    exif = image.getexif()
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("I" if image.mode.startswith("I;16") else "RGBA")
    reduced = image.reduce(factor)
    reduced.getexif().update(exif)
    return reduced if reduced.mode != "I" else reduced.convert("I;16")
