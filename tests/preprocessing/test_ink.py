import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from benchmarks.preprocessing import on_canvas
from mnist_cnn.classifier import load_classifier
from mnist_cnn.constants import MNIST_MEAN, MNIST_STD
from mnist_cnn.evaluation import accuracy
from mnist_cnn.preprocessing import BlankSketchError, normalize, sketch_to_mnist
from mnist_cnn.preprocessing.normalization import deslant
from tests.support.digits import DIGITS
from tests.support.handwriting import render


def reference_sketch_to_mnist(ink):
    """The published steps as a reference, pixel by pixel and in integers where possible.

    Takes integer ink (H, W) whose longer side is a multiple of 20.
    """
    rows, columns = np.nonzero(ink.max(axis=1))[0], np.nonzero(ink.max(axis=0))[0]
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(int)
    cell = max(box.shape) // 20
    small = np.zeros((20, 20))
    offsets = [(20 - -(-length // cell)) // 2 for length in box.shape]
    for y, x in np.ndindex(box.shape):
        small[offsets[0] + y // cell, offsets[1] + x // cell] += box[y, x] / cell**2
    small = np.round(small / small.max() * 255)
    center = [sum(i * small.sum(axis=1 - axis)[i] for i in range(20)) / small.sum() for axis in (0, 1)]
    top, left = (min(max(round(14 - m), 0), 8) for m in center)
    image = np.zeros((28, 28), np.uint8)
    image[top : top + 20, left : left + 20] = small
    return image


def test_normalize_matches_torchvision_on_deslanted_images():
    images = torch.randint(0, 256, (5, 28, 28), dtype=torch.uint8)
    to_input = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MNIST_MEAN,), (MNIST_STD,))])
    expected = torch.stack([to_input(Image.fromarray(image.numpy())) for image in deslant(images)])
    assert normalize(images).dtype == torch.float32
    torch.testing.assert_close(normalize(images), expected)


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (torch.zeros(2, 28, 28), TypeError),
        (np.zeros((2, 28, 28), np.uint8), TypeError),
        (torch.zeros(28, 28, dtype=torch.uint8), ValueError),
        (torch.zeros(2, 32, 32, dtype=torch.uint8), ValueError),
    ],
)
def test_normalize_rejects_other_shapes_and_dtypes(images, error):
    with pytest.raises(error, match="normalize takes"):
        normalize(images)


@pytest.mark.parametrize("shape", [(200, 120), (60, 140), (100, 100)])
def test_matches_the_published_steps(shape):
    random = np.random.default_rng(0)
    canvas = np.zeros((300, 300), np.uint8)
    # Coarse blobs keep the scaled values away from rounding ties.
    blobs = np.kron(random.integers(0, 3, (shape[0] // 20, shape[1] // 20)) * 127, np.ones((20, 20), int))
    blobs[:20, :20] = blobs[-20:, -20:] = 255  # a single pixel would be a speck
    canvas[40 : 40 + shape[0], 70 : 70 + shape[1]] = blobs
    difference = sketch_to_mnist(canvas).astype(int) - reference_sketch_to_mnist(canvas)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_enlarged_mnist_digits_are_restored(mnist_test, step):
    images, labels = (tensor[::step] for tensor in mnist_test)
    random = np.random.default_rng(0)
    results = np.stack([sketch_to_mnist(on_canvas(digit, random)) for digit in images.numpy()])
    difference = np.abs(results.astype(int) - images.numpy()).max(axis=(1, 2))
    assert (difference > 1).sum() <= 6  # 0.06 % of all digits
    # Every digit that reaches 255 is restored bit for bit, except two that MNIST's lower edge cuts off and two whose
    # edges are as sharp as a screen's, so that their stroke width is normalised.
    full = images.numpy().max(axis=(1, 2)) == 255
    assert full.mean() > 0.89
    changed = (np.flatnonzero(full & (difference > 0)) * step).tolist()
    assert changed == [index for index in (4530, 5553, 9051, 9302) if index % step == 0]
    model = load_classifier("net-25k").model
    assert abs(accuracy(model, torch.from_numpy(results), labels) - accuracy(model, images, labels)) <= 0.0005


def test_colours_and_dtypes_do_not_change_the_image():
    drawing = render(DIGITS[5])
    alpha = np.asarray(drawing)[..., 3]
    expected = sketch_to_mnist(drawing)
    opaque = {}
    for background, ink in (("white", "black"), ("black", "white"), ("#204080", "#f0e060"), ("#ddd", "#d11")):
        page = Image.new("RGB", drawing.size, background)
        page.paste(Image.new("RGB", drawing.size, ink), mask=drawing.getchannel("A"))
        opaque[background] = page
    variants = {
        "alpha as grey": alpha,
        "inverted grey": 255 - alpha,
        "floats to 1": alpha / 255,
        "16 bits": alpha.astype(np.uint16) * 257,
        "array with alpha": np.asarray(drawing),
        "white ink on nothing": render(DIGITS[5], ink=(255, 255, 255)),
        "palette": opaque["white"].convert("P"),
        **opaque,
    }
    for name, variant in variants.items():
        difference = np.abs(sketch_to_mnist(variant).astype(int) - expected)
        # Eight bits and a palette round each pixel's coverage, which moves the edge of normalised strokes.
        assert difference.max() <= 25, name
        assert difference.mean() < 0.5, name


def test_position_and_size_do_not_change_the_image():
    strokes = np.array(DIGITS[2][0])
    images = [
        sketch_to_mnist(render([strokes * scale + shift], side=600, width=round(40 * scale)))
        for scale, shift in ((1.0, 0.0), (0.5, 0.0), (0.5, 0.45))
    ]
    assert np.abs(images[0].astype(int) - images[2]).mean() < 4
    assert np.abs(images[1].astype(int) - images[2]).mean() < 1


def test_noise_of_the_paper_is_removed():
    random = np.random.default_rng(0)
    clean = sketch_to_mnist(render(DIGITS[3]))
    alpha = np.asarray(render(DIGITS[3]))[..., 3] / 255
    photo = np.clip(210 - 150 * alpha + random.normal(0, 2.5, alpha.shape), 0, 255).astype(np.uint8)
    assert np.abs(sketch_to_mnist(photo).astype(int) - clean).mean() < 4


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((280, 280), np.uint8),
        np.full((280, 280, 3), 200, np.uint8),
        np.zeros((50, 30, 4), np.uint8),
        np.ones((1, 1)),
        np.random.default_rng(0).normal(200, 2, (100, 100)).astype(np.uint8),
        Image.new("RGBA", (280, 280)),
    ],
)
def test_blank_image_raises(blank):
    with pytest.raises(BlankSketchError, match="blank"):
        sketch_to_mnist(blank)


@pytest.mark.parametrize(
    ("sketch", "error", "message"),
    [
        (np.zeros((0, 5)), ValueError, "shape"),
        (np.zeros((28, 28, 2)), ValueError, "shape"),
        (np.zeros(28), ValueError, "shape"),
        (np.array([[np.nan, 1.0]]), ValueError, "finite"),
        (np.array([["a"]]), TypeError, "PIL image or an array"),
        ("digit.png", TypeError, "PIL image or an array"),
    ],
)
def test_invalid_input_is_rejected_with_the_reason(sketch, error, message):
    with pytest.raises(error, match=message):
        sketch_to_mnist(sketch)


@pytest.mark.parametrize("strokes", [[[(0.5, 0.5)]], [[(0.1, 0.5), (0.9, 0.5)]], [[(0.0, 0.0), (1.0, 1.0)]]])
def test_dots_dashes_and_diagonals_fit_the_frame(strokes):
    image = sketch_to_mnist(render(strokes))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
