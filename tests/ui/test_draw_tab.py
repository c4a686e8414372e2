"""The Draw tab's handlers, called with plain values."""

import asyncio
import dataclasses
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from mnist_cnn.classifier import Classifier, load_classifier
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.preprocessing import BlankSketchError, sketch_to_mnist
from mnist_cnn.ui import draw_tab, mnist_digits
from mnist_cnn.ui.components.image_upload.image_upload import UploadedFile
from mnist_cnn.ui.components.model_choice.model_choice import USER_MODEL
from mnist_cnn.ui.components.prediction_panel.prediction_panel import EMPTY_PREDICTION
from mnist_cnn.ui.components.sketchpad.sketchpad import UnfinishedDrawing
from mnist_cnn.ui.draw_tab import DrawHandlers, create_draw_tab
from tests.support.asgi import run
from tests.support.concurrency import Concurrency
from tests.support.digits import DIGITS
from tests.support.handwriting import render
from tests.support.image_files import decode
from tests.support.numbers import number

CROSS = render([[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]])
NUMBER = render(number("42", 0.4, 0.1), width=12)
ERASED = Image.new("L", (280, 280), 0)


@pytest.fixture(scope="module")
def handlers():
    return DrawHandlers({name: load_classifier(name) for name in ("net-25k", "net-8k")})


@pytest.fixture(scope="module")
def user_model():
    return load_classifier("net-8k")


def press(digit):
    return gr.EventData(None, {"digit": digit})


def test_every_model_classifies_the_drawing(handlers, user_model):
    sketch = render(DIGITS[4])
    ((stages, results),) = handlers.predict_all(sketch, user_model)
    assert list(results) == ["net-25k", "net-8k", USER_MODEL]
    assert [result.name for result in results.values()] == ["net-25k", "net-8k", "Your model"]
    assert {result.prediction.digit for result in results.values()} == {4}
    expected = load_classifier("net-25k").predict(sketch)
    assert (stages.image == expected.image).all()
    assert (results["net-25k"].prediction.probabilities == expected.probabilities).all()


def test_pretrained_models_reject_the_same_drawings_and_the_user_model_decides_for_itself(handlers, user_model):
    calibration = dataclasses.replace(user_model.calibration, rejection_threshold=0.0)
    sure = Classifier(user_model.model, "net-8k", calibration=calibration)
    ((_, results),) = handlers.predict_all(CROSS, sure)
    assert [result.prediction.is_digit for result in results.values()] == [False, False, True]
    value, _ = handlers.predict_sketch(CROSS, USER_MODEL, False, sure)
    assert value["digit"] == str(results[USER_MODEL].prediction.digit)


@pytest.mark.parametrize("sketch", [render(DIGITS[4]), CROSS, NUMBER], ids=["digit", "no digit", "number"])
@pytest.mark.parametrize(
    ("model", "classifying"),
    [("net-25k", ["net-25k"]), ("net-8k", ["net-25k", "net-8k"]), (USER_MODEL, ["net-25k", USER_MODEL])],
)
def test_other_models_do_not_classify_while_the_pen_is_down(
    handlers, user_model, monkeypatch, sketch, model, classifying
):
    finished = handlers.predict_sketch(sketch, model, True, user_model)
    used, number_value = [], draw_tab.number_value

    def recorded(digits, *arguments, **options):
        used.extend(list(results) for _, results in digits)
        return number_value(digits, *arguments, **options)

    monkeypatch.setattr(draw_tab, "number_value", recorded)
    value, maps = handlers.predict_sketch(UnfinishedDrawing(sketch), model, True, user_model)
    assert used == [classifying] * (2 if sketch is NUMBER else 1)
    assert (value, maps) == (finished[0] | {"models": None}, finished[1])


def test_run_in_progress_follows_the_canvas(handlers):
    images = []
    run = SimpleNamespace(set_probe_image=images.append)
    for sketch in (render(DIGITS[4]), None):
        handlers.predict_sketch(sketch, "net-25k", False, None, run)
    assert len(images) == 1
    assert (images[0] == handlers.predict_all(render(DIGITS[4]), None)[0][0].image).all()


def test_empty_canvas_has_no_prediction(handlers):
    with pytest.raises(BlankSketchError, match="Draw a digit"):
        handlers.predict_all(None, None)
    assert handlers.predict_sketch(None, "net-25k", True, None) == (EMPTY_PREDICTION, {})


def test_selected_model_is_shown_with_its_feature_maps(handlers, user_model):
    sketch = render(DIGITS[7])
    value, maps = handlers.predict_sketch(sketch, "net-8k", False, None)
    assert (value["digit"], maps) == ("7", {})
    assert [model["name"] for model in value["models"] if model["rank"] == "selected"] == ["net-8k"]
    value, maps = handlers.predict_sketch(sketch, USER_MODEL, True, user_model)
    assert [model["name"] for model in value["models"] if model["rank"] == "selected"] == ["Your model"]
    assert [layer["name"].split(":")[0] for layer in maps["layers"]] == ["Layer 1", "Layer 2", "Layer 3", "Layer 4"]


def test_layers_of_the_selected_model_are_shown_with_its_feature_maps(handlers, user_model):
    shown = handlers.model_table("net-25k", True, None)
    assert shown[0][0] == "conv1 (Conv2d)"
    assert (shown[-1][0], shown[-1][4]) == ("Sum", "23,930")
    assert handlers.model_table(USER_MODEL, True, user_model) == handlers.model_table("net-8k", True, None) != shown
    assert handlers.model_table("net-25k", False, None) == handlers.model_table(USER_MODEL, True, None) == []


def test_user_model_that_was_lost_has_no_prediction(handlers):
    assert handlers.predict_sketch(render(DIGITS[7]), USER_MODEL, True, None) == (EMPTY_PREDICTION, {})


@pytest.fixture
def upload(tmp_path):
    """Makes an `UploadedFile` of an image."""

    def upload(image):
        file = tmp_path / "image"
        image.save(file, "PNG")
        return UploadedFile(str(file), str(tmp_path))

    return upload


def test_image_file_is_classified_with_its_ink_and_feature_maps(handlers, upload):
    image = Image.new("RGB", (560, 280), "white")
    image.paste(render(DIGITS[5]), (280, 0), render(DIGITS[5]))
    value, maps = handlers.predict_sketch(upload(image), "net-25k", True, None)
    assert value["digit"] == "5"
    assert value["stages"][0]["name"] == "Extracted ink"
    assert len(maps["layers"]) == 5
    ink = np.asarray(decode(value["ink"]).getchannel("A"))  # of the whole image
    assert ink.shape == (280, 560)
    assert not ink[:, :280].any()
    assert (ink[:, 280:] > 128).mean() == pytest.approx((np.asarray(render(DIGITS[5]))[..., 3] > 128).mean(), abs=0.01)


def test_drawing_is_sent_without_its_ink(handlers):
    assert handlers.predict_sketch(render(DIGITS[5]), "net-25k", False, None)[0]["ink"] is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("L", (280, 280), 255), "The image is blank"),
        (Image.fromarray(255 - np.asarray(render(DIGITS[5]))[..., 3] // 30), "The ink is too faint"),
    ],
    ids=["blank", "faint"],
)
def test_image_file_without_a_digit_gets_the_reason_in_place_of_a_prediction(handlers, upload, image, message):
    value, maps = handlers.predict_sketch(upload(image), "net-25k", True, None)
    assert (value["digit"], maps) == ("", {})
    assert value["message"].startswith(message)


def test_file_that_cannot_be_decoded_gets_the_reason_in_place_of_a_prediction(handlers, tmp_path):
    files = {"empty": b"", "document": b"%PDF-1.7", "text": b"no image"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "uploads").mkdir()

    def message(path, folder=tmp_path):
        value, _ = handlers.predict_sketch(UploadedFile(path, str(folder)), "net-25k", True, None)
        assert (value["digit"], value["state"]) == ("", "empty")
        return value["message"]

    assert message(str(tmp_path / "empty")).startswith("The file is empty")
    assert message(str(tmp_path / "document")).startswith("The file has the format PDF")
    assert message(str(tmp_path / "text")).startswith("The image is damaged")
    outside = str(tmp_path / "uploads" / ".." / "text")
    for path in (str(tmp_path / "none"), outside, str(tmp_path), "", "\0", "\ud800", "x" * 5000):
        assert message(path, tmp_path / "uploads").startswith("The uploaded file was not found")


def test_label_is_added_to_the_drawings(handlers):
    sketch = render(DIGITS[3])
    text, drawings = handlers.add_label(press(3), sketch, "net-25k", None, LabelledDrawings())
    assert text == "Saved as 3. Correct so far: 1 of 1."
    assert (drawings.images[0].numpy() == handlers.predict_all(sketch, None)[0][0].image).all()
    text, drawings = handlers.add_label(press(8), CROSS, "net-25k", None, drawings)
    assert text == "Saved as 8. Correct so far: 1 of 2."
    assert drawings.labels.tolist() == [3, 8]


def test_label_of_an_image_file_is_added(handlers, upload):
    image = Image.new("RGB", (280, 280), "white")
    image.paste(render(DIGITS[5]), mask=render(DIGITS[5]))
    text, drawings = handlers.add_label(press(5), upload(image), "net-25k", None, LabelledDrawings())
    assert text == "Saved as 5. Correct so far: 1 of 1."
    assert (drawings.images[0].numpy() == sketch_to_mnist(image)).all()


def test_label_without_a_drawing_is_not_added(handlers, upload):
    drawings = LabelledDrawings()
    for sketch in (None, upload(Image.new("L", (280, 280), 255)), UploadedFile("none", "uploads")):
        assert handlers.add_label(press(3), sketch, "net-25k", None, drawings) == ("Draw a digit first.", drawings)


def test_api_returns_probabilities(handlers):
    sketch = render(DIGITS[5])
    expected = load_classifier("net-25k").predict(sketch).probabilities
    probabilities = handlers.classify_file(sketch)
    assert list(probabilities) == [str(digit) for digit in range(10)]
    assert np.array(list(probabilities.values())) == pytest.approx(expected)


def test_api_rejects_what_is_not_a_digit(handlers):
    assert handlers.classify_file(CROSS) == "no digit"


@pytest.mark.parametrize(
    ("image", "message"),
    [(None, "There is no image"), (Image.new("L", (280, 280), 0), "The image is blank")],
    ids=["none", "blank"],
)
def test_api_explains_a_missing_or_blank_image(handlers, image, message):
    with pytest.raises(gr.Error, match=message):
        handlers.classify_file(image)


def test_every_model_classifies_each_digit_of_a_number(handlers, user_model):
    digits = handlers.predict_all(NUMBER, user_model)
    assert [list(results) for _, results in digits] == [["net-25k", "net-8k", USER_MODEL]] * 2
    assert [{result.prediction.digit for result in results.values()} for _, results in digits] == [{4}, {2}]
    value, maps = handlers.predict_sketch(NUMBER, "net-8k", True, None)
    assert (value["digit"], [digit["digit"] for digit in value["number"]]) == ("42", ["4", "2"])
    assert len(maps["layers"]) == 4


def test_number_is_not_added_to_the_drawings(handlers):
    drawings = LabelledDrawings()
    text = "Only a single digit can be labelled. Draw it alone."
    assert handlers.add_label(press(4), NUMBER, "net-25k", None, drawings) == (text, drawings)


def test_api_returns_a_number_with_its_digits(handlers):
    expected = load_classifier().predict_number(NUMBER)
    number = handlers.classify_number_file(NUMBER)
    assert number["text"] == "42"
    assert [digit["label"] for digit in number["digits"]] == ["4", "2"]
    assert [digit["confidence"] for digit in number["digits"]] == [digit.confidence for digit in expected.digits]
    assert [tuple(digit["box"]) for digit in number["digits"]] == list(expected.boxes)
    assert handlers.classify_number_file(render(DIGITS[5]))["text"] == "5"
    assert handlers.classify_number_file(CROSS) == {"text": "", "digits": []}


@pytest.mark.parametrize(
    ("image", "message"), [(None, "There is no image"), (ERASED, "The image is blank")], ids=["none", "blank"]
)
def test_api_explains_an_image_without_a_number(handlers, image, message):
    with pytest.raises(gr.Error, match=message):
        handlers.classify_number_file(image)


@pytest.mark.parametrize(
    ("event", "owner", "name", "inputs", "peak"),
    [
        ("predict_sketch", DrawHandlers, "predict_sketch", (UploadedFile("", ""), "net-25k", False, None, None), 2),
        ("misclassified", mnist_digits, "digit_for_canvas", ("net-25k", None), 1),
    ],
    ids=["files", "searches for test digits"],
)
def test_few_of_what_takes_long_run_at_once(handlers, monkeypatch, event, owner, name, inputs, peak):
    calls = Concurrency()
    monkeypatch.setattr(owner, name, calls)
    with gr.Blocks(analytics_enabled=False) as demo:
        create_draw_tab(handlers._pretrained)
    (handler,) = [fn.fn for fn in demo.fns.values() if fn.api_name == event]

    async def crowd():
        await asyncio.gather(*(handler(*inputs) for _ in range(6)))

    run(crowd())
    assert calls.peak == peak
