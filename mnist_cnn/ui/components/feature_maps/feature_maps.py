"""The feature maps of a model's layers, one strip of small images per layer."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from ....model_summary import ReceptiveField
from ...images import png_url, tile
from ..base import component_files

_COLUMNS = 16  # the number of channels of every layer is a multiple of 8


class FeatureMaps(gr.HTML):
    """Shows what `feature_maps_value` returns."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(value={}, **component_files("feature_maps"), **kwargs)


def feature_maps_value(
    model_input: np.ndarray, maps: Sequence[np.ndarray], fields: Sequence[ReceptiveField]
) -> dict[str, Any]:
    """The values for the template.

    Args:
        model_input: uint8 (28, 28).
        maps: float (C, H, H) of each layer. Shown from black, 0 and below, to white, the layer's largest value.
        fields: of each layer.

    Returns:
        The model's input; and for each layer a caption, `name`; the data URL of its strip, `image`; the side of a map,
        `cells`; and the receptive field of a cell.
    """
    layers = [
        {
            "name": f"Layer {number}: {len(layer)} maps of {layer.shape[1]}×{layer.shape[2]}",
            "image": png_url(tile(255 * layer.clip(0) / max(layer.max(), 1e-9), _COLUMNS)),
            "cells": layer.shape[1],
            **field._asdict(),
        }
        for number, (layer, field) in enumerate(zip(maps, fields, strict=True), start=1)
    ]
    return {"model_input": png_url(model_input), "layers": layers}
