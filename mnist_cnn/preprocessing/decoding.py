"""Pictures that strangers send: their kind and size are known to be harmless before anything is unpacked."""

import io

from PIL import (
    Image,
    ImageOps,
    WebPImagePlugin,  # noqa: F401, the one format of those below that Pillow does not load by itself
)

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # a camera's MPO is among JPEG


class ImageError(ValueError):
    """What was sent is no picture that can be read; the message says why, in a sentence, and what to do."""


def decode_image(content: bytes, formats: tuple[str, ...], max_pixels: int, max_side: int) -> Image.Image:
    """Unpack a picture file.

    Args:
        content: the file.
        formats: those of `IMAGE_FORMATS` that may be tried.
        max_pixels: a picture whose header announces more is not unpacked.
        max_side: a picture with a longer side comes back smaller, to that side.

    Returns:
        The picture, of an animation the first, turned as a camera's note in the file says.

    Raises:
        PictureError: it is not one of the formats, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=formats) as picture:
            width, height = picture.size  # of the header; no pixel is unpacked yet
            if width * height > max_pixels:
                raise ImageError(
                    f"The picture has {width:,} × {height:,} pixels, more than the {max_pixels:,} that are taken. "
                    "Send a smaller one."
                )
            # JPEG can be unpacked at a half, a quarter or an eighth of its size.
            picture.draft(None, (max_side, max_side))
            picture.load()
            factor = -(-max(picture.size) // max_side)
            return ImageOps.exif_transpose(picture if factor == 1 else _smaller(picture, factor))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"The picture has more than the {max_pixels:,} pixels that are taken. Send a smaller one."
        ) from error
    # A damaged or made-up file can raise nearly anything on its way through Pillow's readers.
    except Exception as error:
        names = ", ".join(name for name in formats if name != "MPO")  # a camera's JPEG
        raise ImageError(f"The picture is damaged, or not a {names} file. Send it again, or another.") from error


def _smaller(picture: Image.Image, factor: int) -> Image.Image:
    """The picture with areas of factor×factor pixels averaged."""
    exif = picture.getexif()
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("I" if picture.mode.startswith("I;16") else "RGBA")
    smaller = picture.reduce(factor)
    smaller.getexif().update(exif)
    return smaller if smaller.mode != "I" else smaller.convert("I;16")
