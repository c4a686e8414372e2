import numpy as np

from mnist_cnn.model_summary import ReceptiveField
from mnist_cnn.ui.components.feature_maps.feature_maps import feature_maps_value
from tests.support.image_files import decode


def test_each_layer_is_scaled_from_zero_to_its_maximum():
    maps = np.linspace(-3, 6, 16 * 2 * 3).reshape(16, 2, 3)
    fields = [ReceptiveField(5, 1, -2), ReceptiveField(7, 2, -3)]
    model_input = np.arange(28 * 28).reshape(28, 28) % 256
    value = feature_maps_value(model_input, [maps, np.full((8, 7, 7), -1.0)], fields)
    assert (np.asarray(decode(value["model_input"])) == model_input).all()
    first, second = value["layers"]
    assert (second["cells"], second["size"], second["stride"], second["start"]) == (7, 7, 2, -3)
    assert first["name"] == "Layer 1: 16 maps of 2×3"
    assert second["name"] == "Layer 2: 8 maps of 7×7"
    sheet, blank = (np.asarray(decode(layer["image"])) for layer in (first, second))
    assert sheet.shape == (2, 16 * 4 - 1)
    assert sheet[0, 0] == 0
    assert sheet[1, -1] == 255
    assert abs(int(sheet[0, 4 * 8]) - 255 * maps[8, 0, 0] / 6) <= 1
    assert blank[:, :7].max() == 0
