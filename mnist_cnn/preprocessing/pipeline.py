"""From a drawing or an image of any size to MNIST's format, stage by stage."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .ink import Contrast, cover, measure_contrast, to_pixels
from .mnist_format import bounding_box, center, crop, resize_to_20x20
from .stroke_width import normalize_stroke_width


@dataclass(frozen=True)
class PreprocessingStages:
    """The result of each stage of preprocessing; 0 is background in all of them.

    Attributes:
        ink: float64 (H, W), the fraction of each pixel that ink covers, 0 to 1; smaller than a large photo, and larger
            than a small image with noise.
        cropped: float64 (h, w), the bounding box of the ink, its strokes normalised to MNIST's width.
        resized: uint8 (20, 20), padded to a square, averaged by area and scaled to a maximum of 255.
        image: uint8 (28, 28), the MNIST image: the above with its centre of mass in the centre.
        contrast: from which the ink was selected.
    """

    ink: np.ndarray
    cropped: np.ndarray
    resized: np.ndarray
    image: np.ndarray
    contrast: Contrast

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the ink, as fractions of the image's width and height."""
        height, width = self.ink.shape
        left, top, right, bottom = bounding_box(self.ink)
        return left / width, top / height, right / width, bottom / height


def sketch_to_mnist(sketch: np.ndarray | Image.Image) -> np.ndarray:
    """Convert a drawn digit to an MNIST image, as MNIST's authors would have done.

    Takes and raises what `preprocess_with_stages` does.

    Returns:
        uint8 (28, 28): 0 is background, the strongest ink is 255.
    """
    return preprocess_with_stages(sketch).image


def preprocess_with_stages(sketch: np.ndarray | Image.Image) -> PreprocessingStages:
    """Convert a drawn digit to an MNIST image, and keep the stages.

    Args:
        sketch: the drawing, of any size: an array (H, W), (H, W, 3) or (H, W, 4) of uint8, uint16, bool, or floats in 0
            to 1 (or 0 to 255); or a PIL image. Ink of any colour on a uniform background of another colour or on a
            transparent one, or a photo of ink on paper in any light.

    Raises:
        BlankSketchError: there is no ink that could be a digit.
        TypeError: `sketch` is neither an array of numbers nor a PIL image.
        ValueError: the array has another shape, or values that are not finite or out of range.
    """
    contrast = measure_contrast(to_pixels(sketch))
    return preprocess_ink(cover(contrast), contrast)


def preprocess_ink(ink: np.ndarray, contrast: Contrast) -> PreprocessingStages:
    """Convert the ink of a digit, float64 (H, W) and not all 0, to an MNIST image; `contrast` is kept."""
    cropped = normalize_stroke_width(crop(ink))  # (h, w)
    resized = resize_to_20x20(cropped)  # (20, 20)
    return PreprocessingStages(ink, cropped, resized, center(resized), contrast)
