"""The feature maps of a network's layers, as strips of small pictures."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from ...images import png_url, tiled
from ..base import component_files

_COLUMNS = 16  # pictures side by side; every layer has a multiple of 8 of them


class FeatureMaps(gr.HTML):
    """Shows what `feature_maps_value` makes of feature maps."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value=[], **component_files("layers"), **kwargs)


def feature_maps_value(maps: Sequence[np.ndarray]) -> list[dict[str, str]]:
    """The values of the template.

    Args:
        maps: of each layer, floats (C, H, W). Black is 0 and below, white the largest value of the layer.
    """
    return [
        {
            "name": f"Layer {number}: {len(layer)} maps of {layer.shape[1]}×{layer.shape[2]}",
            "image": png_url(tiled(255 * layer.clip(0) / max(layer.max(), 1e-9), _COLUMNS)),
        }
        for number, layer in enumerate(maps, start=1)
    ]
