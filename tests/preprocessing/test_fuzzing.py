"""Whatever the input, preprocessing gives an image or says why not. `--hypothesis-profile=deep` tries more."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from mnist_cnn.classifier import load_classifier
from mnist_cnn.preprocessing import MAX_DIGITS, BlankSketchError, preprocess_with_stages
from mnist_cnn.preprocessing.decoding import IMAGE_FORMATS, ImageError, decode_image
from tests.support.fuzzing import arrays, damaged_files


@given(st.binary(max_size=200) | damaged_files())
def test_any_file_is_decoded_or_rejected(content):
    with contextlib.suppress(ImageError):
        image = decode_image(content, IMAGE_FORMATS, 1_000_000, 500)
        assert max(image.size) <= 500


@given(arrays())
def test_any_array_is_preprocessed_or_rejected(sketch):
    try:
        image = preprocess_with_stages(sketch).image
    except BlankSketchError:
        return
    except ValueError as error:
        assert "finite" in str(error) or "outside 0 to 255" in str(error)
        return
    assert image.shape == (28, 28) and image.max() == 255


@given(arrays())
def test_any_array_has_a_number_or_none(sketch):
    try:
        number = load_classifier().predict_number(sketch)
    except ValueError as error:
        assert "finite" in str(error) or "outside 0 to 255" in str(error)
        return
    assert len(number.text) == len(number.digits) == len(number.boxes) <= MAX_DIGITS
    for left, top, right, bottom in number.boxes:
        assert 0 <= left < right <= sketch.shape[1] and 0 <= top < bottom <= sketch.shape[0]
