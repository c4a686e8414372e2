"""Decode an image file from a stranger in a process of its own, whose memory and time are limited.

A file of a few kilobytes can ask a decoder for gigabytes or minutes: a BMP with a run-length code, a PNG of one colour,
a progressive JPEG with many scans.
"""

import contextlib
import json
import subprocess
import sys
import threading

from PIL import Image

if __package__:
    from .decoding import ImageError, decode_image
else:  # the process below: to import the package would import PyTorch, which takes seconds
    from decoding import ImageError, decode_image  # type: ignore[import-not-found,no-redef]

_MAX_MEMORY = 2**30  # bytes of address space; a JPEG of 64 million pixels needs a quarter of it
_MAX_SECONDS = 5  # of CPU time, and twice as long until the result must be there
_MAX_DECODING, _MAX_WAITING = 2, 6  # files at the same time; a waiting one blocks a thread of the server

_decoding = threading.BoundedSemaphore(_MAX_DECODING)
_accepted = threading.BoundedSemaphore(_MAX_DECODING + _MAX_WAITING)


def decode_in_process(content: bytes, formats: tuple[str, ...], max_pixels: int, max_side: int) -> Image.Image:
    """`decode_image` in a process of its own, which costs about a tenth of a second.

    Raises:
        ImageError: as `decode_image`; or decoding takes too much memory or time; or too many files are being decoded.
    """
    if not _accepted.acquire(blocking=False):
        raise ImageError("Too many images are being processed. Try again in a few seconds.")
    try:
        with _decoding:
            return _run(content, formats, max_pixels, max_side)
    finally:
        _accepted.release()


def _run(content: bytes, *arguments: object) -> Image.Image:
    too_demanding = ImageError(
        "The image takes too much memory or time to decode. Save it as a PNG file and try again."
    )
    try:
        child = subprocess.run(
            [sys.executable, __file__, json.dumps([_MAX_MEMORY, _MAX_SECONDS, *arguments])],
            input=content,
            capture_output=True,
            timeout=2 * _MAX_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise too_demanding from error
    header, _, pixels = child.stdout.partition(b"\n")
    if child.returncode or not header:
        raise too_demanding
    result = json.loads(header)
    if "error" in result:
        raise ImageError(result["error"])
    return Image.frombytes(result["mode"], tuple(result["size"]), pixels)


def _limit_resources(memory: int, seconds: int) -> None:
    """Limit this process; does nothing on Windows, where only the time is limited, by the parent."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _main() -> None:
    """Decode the file on stdin.

    Writes a line of JSON to stdout, with an error or the image's mode and size; then the pixels.
    """
    memory, seconds, formats, max_pixels, max_side = json.loads(sys.argv[1])
    _limit_resources(memory, seconds)
    try:
        image = decode_image(sys.stdin.buffer.read(), tuple(formats), max_pixels, max_side)
    except ImageError as error:
        header: dict[str, object] = {"error": str(error)}
        pixels = b""
    else:
        if image.mode not in ("1", "L", "I;16", "RGB") or "transparency" in image.info:
            image = image.convert("RGBA")
        header, pixels = {"mode": image.mode, "size": image.size}, image.tobytes()
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + pixels)


if __name__ == "__main__":
    _main()
