import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import Prediction
from mnist_cnn.ui.reading import reading_value


def prediction(probabilities, is_digit=True):
    probabilities = np.array(probabilities, np.float32)
    image = np.arange(784, dtype=np.uint16).reshape(28, 28).astype(np.uint8)
    digit = int(probabilities.argmax())
    return Prediction(digit, float(probabilities[digit]), probabilities, image, is_digit)


def test_shows_the_winner_the_bars_and_the_pixels():
    value = reading_value(prediction([0, 0.004, 0, 0, 0.995, 0, 0, 0, 0, 0.001]))
    assert (value["digit"], value["words"]) == ("4", "Certainly a 4.")
    assert [bar["digit"] for bar in value["bars"]] == list(range(10))
    assert [bar["percent"] for bar in value["bars"]][:5] == ["0.0", "0.4", "0.0", "0.0", "99.5"]
    assert [bar["digit"] for bar in value["bars"] if bar["rank"] == "winner"] == [4]
    png = base64.b64decode(value["image"].removeprefix("data:image/png;base64,"))
    assert (np.asarray(Image.open(io.BytesIO(png))) == np.arange(784).reshape(28, 28) % 256).all()


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.995, "Certainly a 7."), (0.95, "Very likely a 7."), (0.8, "Probably a 7."), (0.55, "Not sure: 7 or 1?")],
)
def test_says_how_sure_it_is(share, words):
    assert reading_value(prediction([0, 1 - share, 0, 0, 0, 0, 0, share, 0, 0]))["words"] == words


@pytest.mark.parametrize("nothing", [None, prediction([0.1] * 10, is_digit=False)])
def test_names_no_digit_where_there_is_none(nothing):
    value = reading_value(nothing)
    assert value["digit"] == ""
    assert "Draw a digit" in value["words"]
    assert all(bar["rank"] == "other" for bar in value["bars"])
