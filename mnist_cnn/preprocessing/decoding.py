"""Decoding untrusted image files: format and size are checked before any pixel is decompressed."""

import io
import re

from PIL import (
    Image,
    ImageOps,
    WebPImagePlugin,  # noqa: F401, the only one of the formats below that Pillow does not register by itself
)

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # a camera's MPO counts as JPEG


# Formats that are not decoded, by what their files start with, and how to get one that is.
_PHONE_PHOTO = "Set the camera to JPEG (“most compatible”), or send a screenshot of the photo."
_OTHER_FORMATS = {
    rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)": ("HEIC", _PHONE_PHOTO),
    rb"....ftypavi[fs]": ("AVIF", "Save it as PNG or JPEG."),
    rb"II\*\0|MM\0\*|II\+\0|MM\0\+": ("TIFF", "Save it as PNG or JPEG."),
    rb"%PDF-": ("PDF", "Send a screenshot of the page."),
    rb"\s*(<\?xml.*?|<!--.*?)?(<!DOCTYPE svg.*?)?<svg": ("SVG", "Export it as PNG."),
}


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
        for start, (name, remedy) in _OTHER_FORMATS.items():
            if re.match(start, content[:1000], re.DOTALL):
                message = f"The file has the format {name}, which is not supported. {remedy}"
                raise ImageError(message) from error
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
