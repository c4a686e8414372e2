"""From a drawing or an image of any size to MNIST's format, stage by stage."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .ink import extract_ink, to_pixels
from .mnist_format import center, crop, resize_to_20x20
from .stroke_width import normalize_stroke_width


@dataclass(frozen=True)
class PreprocessingStages:
    """What becomes of a sketch on its way to the network; in each picture 0 is background.

    Attributes:
        ink: float64 (H, W), how much ink each pixel of the sketch has, 0 to 1; a large photo's is made smaller.
        cropped: float64 (h, w), the part of it that holds all ink, its strokes as wide as MNIST's.
        shrunk: uint8 (20, 20), padded to a square, averaged down and stretched to 255.
        image: uint8 (28, 28), that with its centre of mass in the middle: an MNIST image.
    """

    ink: np.ndarray
    cropped: np.ndarray
    resized: np.ndarray
    image: np.ndarray


def sketch_to_mnist(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """Make of a drawn digit what MNIST's makers would have made of it: `preprocess_with_stages` without the steps.

    Returns:
        uint8 (28, 28): 0 is background, the strongest ink is 255.
    """
    return preprocess_with_stages(sketch).image


def preprocess_with_stages(sketch: np.ndarray | Image.Image) -> PreprocessingStages:
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
    ink = extract_ink(to_pixels(sketch))
    cropped = normalize_stroke_width(crop(ink))
    resized = resize_to_20x20(cropped)  # (20, 20)
    return PreprocessingStages(ink, cropped, resized, center(resized))
