"""From a drawing of any size to the 28×28 image that the networks read.

`sketch_to_mnist` repeats how MNIST itself was made from scanned forms (LeCun et al., "Gradient-based learning
applied to document recognition", 1998, section III-A, and the reconstruction by Yadav and Bottou, "Cold case: the
lost MNIST digits", 2019): crop the ink, pad to a square, average down to 20×20, and place that in 28×28 with its
centre of mass in the middle. Ahead of that it finds the ink, in a photo by `paper`, and gives the strokes MNIST's
width, see `pen`. `normalize` is the one place where grey levels become network input: of drawings and of MNIST's own
images alike, sheared by `slant`, for some networks of one size by `spread`, and standardised.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps

from .paper import ink_on_paper, is_unevenly_lit
from .pen import even_pen
from .slant import deslant
from .spread import even_spread

MNIST_MEAN = 0.1307
MNIST_STD = 0.3081

IMAGE_SIZE = 28  # side of an MNIST image, in pixels
DIGIT_SIZE = 20  # longer side of the digit inside it

# Ink fainter than this share of full contrast is not told apart from an empty page.
_MIN_CONTRAST = 0.05
# How many times the paper's own unevenness a pixel must differ from the paper to count as ink.
_NOISE_FACTOR = 6.0
# Pixels; a picture file whose longer side is twice that or more is averaged down to less than twice that.
_LARGEST = 800


class BlankSketchError(ValueError):
    """The sketch has no ink on it, so there is no digit to read."""


@dataclass(frozen=True)
class Steps:
    """What becomes of a sketch on its way to the network; in each picture 0 is background.

    Attributes:
        ink: float64 (H, W), how much ink each pixel of the sketch has, 0 to 1; a large photo's is made smaller.
        cropped: float64 (h, w), the part of it that holds all ink, its strokes as wide as MNIST's.
        shrunk: uint8 (20, 20), padded to a square, averaged down and stretched to 255.
        image: uint8 (28, 28), that with its centre of mass in the middle: an MNIST image.
    """

    ink: np.ndarray
    cropped: np.ndarray
    shrunk: np.ndarray
    image: np.ndarray


def normalize(images: torch.Tensor, spread: tuple[float, float] | None = None) -> torch.Tensor:
    """Turn grey levels into network input: without slant, and standardised with MNIST's training statistics.

    Args:
        images: uint8 (N, 28, 28), 0 is background and 255 full ink.
        spread: the network's `SPREAD`: standard deviations of ink, down and across, in pixels, that images are brought
            to; None leaves digits as large as they are.

    Returns:
        float32 (N, 1, 28, 28), `(grey / 255 - MNIST_MEAN) / MNIST_STD` of the deslanted images, on their device.

    Raises:
        TypeError: `images` is not a uint8 tensor.
        ValueError: `images` has another shape.
    """
    if not isinstance(images, torch.Tensor) or images.dtype != torch.uint8:
        raise TypeError(f"normalize takes a uint8 tensor of grey levels 0 to 255, not {_kind(images)}.")
    if images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(f"normalize takes images of shape (N, 28, 28), not {tuple(images.shape)}.")
    shown = deslant(images)  # (N, 28, 28)
    if spread is not None:
        shown = even_spread(shown, spread)
    return shown.unsqueeze(1).float().div_(255).sub_(MNIST_MEAN).div_(MNIST_STD)  # (N, 1, 28, 28)


def grey_levels(inputs: torch.Tensor) -> torch.Tensor:
    """The images, uint8 (N, 28, 28), that `normalize` standardised to `inputs`, float32 (N, 1, 28, 28)."""
    return ((inputs * MNIST_STD + MNIST_MEAN) * 255).round().to(torch.uint8).squeeze(1)  # (N, 28, 28)


def sketch_to_mnist(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """Make of a drawn digit what MNIST's makers would have made of it: `preprocessing_steps` without the steps.

    Returns:
        uint8 (28, 28): 0 is background, the strongest ink is 255.
    """
    return preprocessing_steps(sketch).image


def preprocessing_steps(sketch: np.ndarray | Image.Image) -> Steps:
    """Make an MNIST image of a drawn digit, step by step.

    Args:
        sketch: the drawing, of any size: an array (H, W) or (H, W, 3) or (H, W, 4), uint8, uint16, bool, or
            floating point in 0 to 1 (or 0 to 255), or a PIL image. Ink of any colour on a plain background of any
            other, or on a transparent one; or a photo of ink on paper, however that is lit.

    Raises:
        BlankSketchError: nothing is drawn.
        TypeError: `sketch` is neither an array of numbers nor a PIL image.
        ValueError: the array has another shape, or values that are not finite or out of range.
    """
    ink = find_ink(to_pixels(sketch))
    cropped = even_pen(crop(ink))
    shrunk = shrink(cropped)  # (20, 20)
    return Steps(ink, cropped, shrunk, center(shrunk))


def _kind(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"


def to_pixels(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """A sketch as numbers: takes and raises what `preprocessing_steps` does, but for `BlankSketchError`.

    Returns:
        float64 (H, W, C) in 0 to 1, colours multiplied by their alpha where there is one.
    """
    if isinstance(sketch, Image.Image):
        sketch = ImageOps.exif_transpose(sketch)  # phones store a turned photo with a note to turn it
        if not (sketch.mode in ("L", "1") or sketch.mode.startswith("I;16")):
            sketch = sketch.convert("RGBA")
            # A phone's photo has more pixels than a digit needs: they would take seconds and hundreds of megabytes.
            sketch = sketch.reduce(max(1, max(sketch.size) // _LARGEST))
        sketch = np.asarray(sketch)
    if not isinstance(sketch, np.ndarray) or sketch.dtype.kind not in "buf":
        raise TypeError(f"A sketch is a PIL image or an array of uint8 or of floats, not {_kind(sketch)}.")
    if sketch.ndim == 2:
        sketch = sketch[:, :, None]
    if sketch.ndim != 3 or sketch.shape[2] not in (1, 3, 4) or 0 in sketch.shape:
        raise ValueError(f"A sketch has the shape (H, W), (H, W, 3) or (H, W, 4), not {sketch.shape}.")
    if sketch.dtype.kind == "f" and not np.isfinite(sketch).all():
        raise ValueError("The sketch holds values that are not finite numbers (NaN or infinity).")
    if sketch.dtype.kind == "f" and not 0 <= sketch.min() <= sketch.max() <= 255:
        raise ValueError("The sketch holds values outside 0 to 1 and outside 0 to 255. Scale them to one of the two.")

    if sketch.dtype.kind == "u":
        full_scale = float(np.iinfo(sketch.dtype).max)
    elif sketch.dtype.kind == "f" and sketch.max() > 1:
        full_scale = 255.0
    else:
        full_scale = 1.0
    pixels = sketch.astype(np.float64) / full_scale  # (H, W, C)
    if pixels.shape[2] == 4:
        pixels[:, :, :3] *= pixels[:, :, 3:]
    return pixels


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """How much ink each pixel of a picture has, exactly 0 where there is none: the first step.

    The background is the median colour of the picture's border. A pixel that an ink of any colour covers by a share
    a is away from it by a times the ink's own distance, whether the paper is opaque or transparent (alpha counts as
    a fourth channel), so the result is the pen's coverage up to a factor. A photo whose paper is not even along the
    border is left to `ink_on_paper`.

    Args:
        pixels: float64 (H, W, C), 0 to 1, as `to_pixels` gives them.

    Returns:
        float64 (H, W) in 0 to 1; of a photo of uneven paper, (h, w), which is no larger.

    Raises:
        BlankSketchError: nothing is drawn.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (P, C)
    paper = np.median(border, axis=0)  # (C,)
    # Zero for a drawing on a clean canvas; above it for a camera's or a JPEG's noise.
    noise = _NOISE_FACTOR * np.median(np.abs(border - paper).max(axis=1))
    opaque = pixels.shape[2] < 4 or pixels[:, :, 3].min() == 1
    if opaque and is_unevenly_lit(border, noise):
        ink = ink_on_paper(pixels[:, :, :3])
        blank = not ink.any()
    else:
        ink = np.abs(pixels - paper).max(axis=2)  # (H, W)
        blank = ink.max() <= max(noise, _MIN_CONTRAST)
        ink = np.where(ink > noise, ink, 0.0)
    if blank:
        raise BlankSketchError("The sketch is blank: nothing stands out from its background. Draw a digit first.")
    return ink


def crop(ink: np.ndarray) -> np.ndarray:
    """The smallest box (h, w) that holds all ink (H, W), of which there is some."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def shrink(digit: np.ndarray) -> np.ndarray:
    """Pad a cropped digit to a square, average its area down and stretch its grey levels.

    Args:
        digit: float64 (h, w), not negative; some of it is ink.

    Returns:
        uint8 (20, 20), the strongest ink being 255.
    """
    height, width = digit.shape
    cell = max(height, width) / DIGIT_SIZE  # side of an output pixel, in pixels of the sketch
    shrunk = _averaging(height, cell) @ digit @ _averaging(width, cell).T
    return np.rint(shrunk * (255 / shrunk.max())).astype(np.uint8)


def _averaging(length: int, cell: float) -> np.ndarray:
    """Matrix (20, length) that averages `length` pixels into 20 cells of side `cell`, the rest being padding.

    The padding in front is a whole number of cells: the first pixel starts on a cell's edge, so what was sharp on
    the grid stays sharp.
    """
    front = (DIGIT_SIZE - int(np.ceil(length / cell - 1e-9))) // 2
    edges = (np.arange(DIGIT_SIZE + 1) - front) * cell  # of the cells, in pixels of the sketch
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) / cell


def center(digit: np.ndarray) -> np.ndarray:
    """Paste a digit into an image at the whole-pixel offset that brings its centre of mass nearest to pixel 14.

    A picture of even size has no middle pixel; that MNIST took the 15th of 28 is what its own digits show.

    Args:
        digit: uint8 (20, 20), not all 0.

    Returns:
        uint8 (28, 28), the rest 0.
    """
    mass = digit.sum()
    positions = np.arange(DIGIT_SIZE)
    offsets = np.rint(IMAGE_SIZE // 2 - np.array([digit.sum(axis=1) @ positions, digit.sum(axis=0) @ positions]) / mass)
    top, left = np.clip(offsets.astype(int), 0, IMAGE_SIZE - DIGIT_SIZE)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + DIGIT_SIZE, left : left + DIGIT_SIZE] = digit
    return image
