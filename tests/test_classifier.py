import numpy as np
import pytest
import torch
from PIL import Image

from mnist_cnn.calibration import Calibration
from mnist_cnn.checkpoint import CheckpointError, save_checkpoint
from mnist_cnn.classifier import Classifier, Prediction, load_classifier
from mnist_cnn.evaluation import predict_logits
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.preprocessing import sketch_to_mnist
from mnist_cnn.preprocessing.normalization import deslant, moment_normalize
from tests.support.digits import DIGITS
from tests.support.handwriting import render
from tests.support.numbers import number


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("digit", range(10))
def test_every_drawn_digit_is_recognised(name, digit):
    drawing = render(DIGITS[digit])
    prediction = load_classifier(name).predict(drawing)
    assert isinstance(prediction, Prediction)
    assert prediction.digit == digit
    assert prediction.is_digit is True
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.dtype == np.float32
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert prediction.confidence == pytest.approx(prediction.probabilities[digit])
    assert (prediction.image == sketch_to_mnist(drawing)).all()


def test_blank_sketch_is_not_a_digit():
    prediction = load_classifier().predict(Image.new("RGBA", (280, 280)))
    assert prediction.is_digit is False
    assert prediction.digit is None
    assert prediction.probabilities.tolist() == pytest.approx([0.1] * 10)
    assert prediction.image.tolist() == np.zeros((28, 28)).tolist()


@pytest.mark.parametrize("name", MODELS)
def test_number_has_a_prediction_and_a_box_for_each_digit(name):
    drawing = render(number("42", 0.4, 0.1), width=12)
    prediction = load_classifier(name).predict_number(drawing)
    assert prediction.text == "42"
    assert [digit.digit for digit in prediction.digits] == [4, 2]
    alpha = np.asarray(drawing.getchannel("A"))
    (_, _, right, _), (left, _, _, _) = prediction.boxes
    assert right < left
    for box, digit in zip(prediction.boxes, prediction.digits, strict=True):
        alone = drawing.crop(box)
        assert alone.getchannel("A").getbbox() == (0, 0, *alone.size)  # the box is tight
        assert (digit.image == load_classifier(name).predict(alone).image).all()
    assert sum(np.asarray(drawing.crop(box))[:, :, 3].sum() for box in prediction.boxes) == alpha.sum()


@pytest.mark.parametrize("digit", range(10))
def test_number_of_one_digit_is_what_predict_returns(digit):
    drawing = render(DIGITS[digit])
    expected, prediction = load_classifier().predict(drawing), load_classifier().predict_number(drawing)
    (only,) = prediction.digits
    assert prediction.text == str(digit)
    assert (only.probabilities == expected.probabilities).all() and (only.image == expected.image).all()
    assert prediction.boxes == (drawing.getchannel("A").getbbox(),)


def test_number_box_is_in_pixels_of_the_upright_image():
    drawing = Image.new("L", (560, 280), 255)
    drawing.paste(0, (100, 0), mask=render(number("17", 0.4, 0.1)).getchannel("A"))
    expected = load_classifier().predict_number(drawing)
    assert expected.text == "17"
    sideways = drawing.transpose(Image.Transpose.ROTATE_90)
    sideways.getexif()[0x0112] = 6  # rotate it back to show it
    assert load_classifier().predict_number(sideways).boxes == expected.boxes
    enlarged = load_classifier().predict_number(np.asarray(drawing).repeat(2, axis=0).repeat(2, axis=1))
    assert np.array(enlarged.boxes) == pytest.approx(2 * np.array(expected.boxes), abs=2)


@pytest.mark.parametrize(
    "drawing", [Image.new("L", (280, 280)), render([[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]])]
)
def test_what_shows_no_number_has_no_text(drawing):
    prediction = load_classifier().predict_number(drawing)
    assert (prediction.text, prediction.digits, prediction.boxes) == ("", (), ())


NON_DIGITS = {
    "A": [[(0.3, 0.8), (0.5, 0.2), (0.7, 0.8)], [(0.38, 0.58), (0.62, 0.58)]],
    "E": [[(0.65, 0.2), (0.35, 0.2), (0.35, 0.8), (0.65, 0.8)], [(0.35, 0.5), (0.6, 0.5)]],
    "H": [[(0.32, 0.2), (0.32, 0.8)], [(0.68, 0.2), (0.68, 0.8)], [(0.32, 0.5), (0.68, 0.5)]],
    "K": [[(0.35, 0.2), (0.35, 0.8)], [(0.68, 0.2), (0.36, 0.52), (0.68, 0.8)]],
    "M": [[(0.25, 0.8), (0.3, 0.2), (0.5, 0.6), (0.7, 0.2), (0.75, 0.8)]],
    "X": [[(0.3, 0.2), (0.7, 0.8)], [(0.7, 0.2), (0.3, 0.8)]],
    "dash": [[(0.25, 0.5), (0.75, 0.48)]],
    "star": [[(0.5, 0.2), (0.5, 0.8)], [(0.25, 0.35), (0.75, 0.65)], [(0.25, 0.65), (0.75, 0.35)]],
    "N": [[(0.32, 0.8), (0.32, 0.2), (0.68, 0.8), (0.68, 0.2)]],
    "W": [[(0.2, 0.2), (0.35, 0.8), (0.5, 0.35), (0.65, 0.8), (0.8, 0.2)]],
    "R": [[(0.35, 0.8), (0.35, 0.2), (0.6, 0.2), (0.65, 0.35), (0.6, 0.5), (0.35, 0.5), (0.68, 0.8)]],
    "grid": [[(0.4, 0.2), (0.4, 0.8)], [(0.6, 0.2), (0.6, 0.8)], [(0.2, 0.4), (0.8, 0.4)], [(0.2, 0.6), (0.8, 0.6)]],
    "blot": [[(0.4 + 0.2 * (step % 2), 0.4 + step / 150) for step in range(31)]],
    "zigzag": [[(0.2 + step / 20, 0.3 + 0.3 * (step % 2)) for step in range(13)]],
    "27": [
        [(middle + 0.46 * (x - 0.5), y) for x, y in stroke]
        for digit, middle in ((2, 0.25), (7, 0.75))
        for stroke in DIGITS[digit]
    ],
    "15": [[(0.25, 0.3), (0.25, 0.7)], [(0.75, 0.3), (0.55, 0.3), (0.55, 0.48), (0.75, 0.52), (0.7, 0.7), (0.53, 0.7)]],
}


@pytest.mark.parametrize("name", MODELS)
def test_non_digits_are_rejected(name):
    classifier = load_classifier(name)
    predictions = {drawing: classifier.predict(render(strokes)) for drawing, strokes in NON_DIGITS.items()}
    rejected = [drawing for drawing, prediction in predictions.items() if not prediction.is_digit]
    assert len(rejected) >= 13, rejected  # of 16
    assert all(prediction.digit in range(10) for prediction in predictions.values())


def test_rejection_threshold_decides_what_is_a_digit():
    image = sketch_to_mnist(render(NON_DIGITS["K"]))
    model = load_classifier().model
    prediction = Classifier(model, "net-25k").predict_image(image)
    top_two = np.sort(prediction.probabilities)[-2:].sum()
    assert prediction.is_digit is True  # without calibration everything is
    for rejection_threshold, expected in ((top_two - 0.01, True), (top_two + 0.01, False)):
        calibration = Calibration(1.0, float(rejection_threshold))
        assert Classifier(model, "net-25k", calibration=calibration).predict_image(image).is_digit is expected


def test_rejector_decides_what_is_a_digit_and_nothing_else():
    model, rejection_model = (build_model("net-8k", seed=seed) for seed in (1, 2))
    image = sketch_to_mnist(render(DIGITS[3]))
    alone = Classifier(model, "net-8k").predict_image(image)
    top_two = np.sort(Classifier(rejection_model, "net-8k").probabilities(image[None])[0])[-2:].sum()
    for rejection_threshold, expected in ((top_two - 0.01, True), (top_two + 0.01, False)):
        calibration = Calibration(1.0, float(rejection_threshold))
        rejector = Classifier(rejection_model, "net-8k", calibration=calibration)
        classifier = Classifier(model, "net-8k", rejector=rejector)
        assert classifier.predict_image(image).is_digit is expected
        assert classifier.predict_image(image, is_digit=not expected).is_digit is not expected  # as given
        assert classifier.top2_probability(image[None]) == pytest.approx(top_two)
        assert (classifier.predict_image(image).probabilities == alone.probabilities).all()


def test_many_images_are_classified_as_each_alone():
    classifier = load_classifier("net-8k")
    images = np.stack([sketch_to_mnist(render(strokes)) for strokes in (*DIGITS.values(), *NON_DIGITS.values())])
    predictions = [classifier.predict_image(image) for image in images]
    expected = [prediction.digit if prediction.is_digit else -1 for prediction in predictions]
    assert classifier.classify(images).tolist() == expected
    assert set(expected) == {-1, *range(10)}


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature():
    model = build_model("net-8k", seed=1).eval()
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
    model_inputs = moment_normalize(deslant(torch.from_numpy(images)), (3.8, 3.2)).numpy()
    inputs = ((model_inputs / 255 - 0.1307) / 0.3081).astype(np.float32)[:, None]
    with torch.no_grad():
        logits = model(torch.from_numpy(inputs)).double().numpy() / 0.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classifier = Classifier(model, "net-8k", calibration=Calibration(0.5))
    probabilities = classifier.probabilities(images)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert (classifier.predict_image(images[0]).model_input == model_inputs[0]).all()


def test_checkpoint_states_its_model(tmp_path):
    save_checkpoint(build_model("net-8k", seed=5), tmp_path / "mine.pt", test_accuracy=0.5)
    classifier = load_classifier(path=tmp_path / "mine.pt")
    assert (classifier.name, classifier.test_accuracy) == ("net-8k", 0.5)
    assert not classifier.predict(render(NON_DIGITS["star"])).is_digit  # although this model has learnt nothing


def test_unknown_models_and_missing_checkpoints_are_errors(tmp_path):
    with pytest.raises(ValueError, match=r"Unknown model 'net-1'\. Available: net-8k, net-25k"):
        load_classifier("net-1")
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load_classifier(path=tmp_path / "none.pt")


@pytest.mark.parametrize("name", MODELS)
def test_class_activation_maps_average_to_the_logits(name):
    classifier = load_classifier(name)
    prediction = classifier.predict(render(DIGITS[3]))
    assert prediction.class_activation_maps.shape == (10, 7, 7)
    logits = predict_logits(classifier.model, torch.from_numpy(prediction.image[None]))[0]
    logits = logits / classifier.calibration.temperature
    np.testing.assert_allclose(prediction.class_activation_maps.mean(axis=(1, 2)), logits.numpy(), atol=1e-3)
    np.testing.assert_allclose(prediction.probabilities, logits.softmax(0).numpy(), atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_pretrained_models_reach_the_accuracy_that_they_state(name, mnist_test):
    classifier = load_classifier(name)
    images, labels = mnist_test
    accuracy = (classifier.probabilities(images).argmax(axis=1) == labels.numpy()).mean()
    assert accuracy == pytest.approx(classifier.test_accuracy, abs=5e-4)
    assert accuracy >= {"net-25k": 0.994, "net-8k": 0.987}[name]
