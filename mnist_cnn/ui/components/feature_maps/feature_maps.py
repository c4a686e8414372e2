"""The feature maps of a model's layers, one strip of small images per layer."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from ...images import png_url, tile
from ..base import component_files

_COLUMNS = 16  # the number of channels of every layer is a multiple of 8


class FeatureMaps(gr.HTML):
    """Shows what `feature_maps_value` returns."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value=[], **component_files("feature_maps"), **kwargs)


def feature_maps_value(maps: Sequence[np.ndarray]) -> list[dict[str, str]]:
    """The values for the template.

    Args:
        maps: float (C, H, W) of each layer. Shown from black, 0 and below, to white, the layer's largest value.

    Returns:
        For each layer a caption, `name`, and the data URL of its strip, `image`.
    """
    return [
        {
            "name": f"Layer {number}: {len(layer)} maps of {layer.shape[1]}×{layer.shape[2]}",
            "image": png_url(tile(255 * layer.clip(0) / max(layer.max(), 1e-9), _COLUMNS)),
        }
        for number, layer in enumerate(maps, start=1)
    ]
