import numpy as np
import pytest
import torch

from mnist_cnn.constants import MNIST_MEAN
from mnist_cnn.data import handwriting
from mnist_cnn.data.allographs import DIGITS, NON_DIGITS
from mnist_cnn.data.drawing import bounding_box, stroke_width
from mnist_cnn.data.handwriting import parse_drawing, write_allographs, write_digits
from mnist_cnn.data.outliers import NON_DIGIT
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.strokes import place, render

ALLOGRAPHS = [(label, *allograph) for label, allographs in DIGITS.items() for allograph in allographs]
ALLOGRAPHS += [(NON_DIGIT, *allograph) for allograph in NON_DIGITS]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_digit_has_several_allographs():
    assert sorted(DIGITS) == list(range(10))
    assert all(len(allographs) >= 10 for allographs in DIGITS.values())


def test_drawings_of_an_allograph_have_one_structure():
    for _, weight, *drawings in ALLOGRAPHS:
        assert weight > 0
        assert len({tuple(map(len, parse_drawing(drawing))) for drawing in drawings}) == 1, drawings
        points = np.array([point for drawing in drawings for stroke in parse_drawing(drawing) for point in stroke])
        assert points.min() >= -30 and points.max() <= 120, drawings


def test_notation_of_drawings():
    assert parse_drawing("1,2 3,4! / 5,6 -7,8") == [[(1, 2, 0), (3, 4, 1)], [(5, 6, 0), (-7, 8, 0)]]
    (quarter,) = parse_drawing("@50,40,10,20,0,90")
    assert np.allclose(quarter, [(60, 40, 0), (50 + 10 / 2**0.5, 40 + 20 / 2**0.5, 0), (50, 60, 0)])
    (ring,) = parse_drawing("0,0! @50,50,10,10,-90,-450")
    assert len(ring) == 10


@pytest.mark.parametrize("text", ["", "1,2", "1,2 3,4 /", "1,2 3", "1,2 a,b", "@1,2,3 4,5"])
def test_invalid_drawings_are_rejected(text):
    with pytest.raises(ValueError):
        parse_drawing(text)


def test_seed_determines_the_digits():
    (first, labels), (again, same_labels), (other, _) = (write_digits(300, generator(seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8 and first.shape == (300, 28, 28)
    assert labels.dtype == torch.int64 and labels.shape == (300,)
    assert torch.equal(first, again) and torch.equal(labels, same_labels)
    assert not torch.equal(first, other)


def test_digits_are_equally_frequent_and_some_drawings_are_none(monkeypatch):
    monkeypatch.setattr(handwriting, "_BLOT", 21)  # the ink has 20 pixels: no blots
    counts = write_digits(5000, generator())[1].bincount(minlength=NON_DIGIT + 1) / 5000
    assert counts[NON_DIGIT] == pytest.approx(handwriting._NON_DIGITS, abs=0.02)
    assert counts[:NON_DIGIT].min() > 0.06 and counts[:NON_DIGIT].max() < 0.13


def test_images_are_in_mnist_format():
    images = write_digits(500, generator())[0].float() / 255
    assert (images.amax((1, 2)) == 1).all()
    top, bottom, left, right = bounding_box(images)
    assert (torch.maximum(bottom - top, right - left) - 20).abs().max() <= 1
    places = torch.arange(28.0)
    for axis in (1, 2):
        centres = (images.sum(axis) @ places) / images.sum((1, 2))
        assert ((centres - 14).abs() <= 0.51).float().mean() > 0.97  # lopsided ones would leave the image
    assert MNIST_MEAN / 2 < images.mean() < MNIST_MEAN * 2


def test_one_stroke_digits_look_as_preprocessing_renders_them(monkeypatch):
    """The same paths, drawn with a pen of a tenth of the digit's size and preprocessed, give nearly the same images."""
    monkeypatch.setattr(handwriting, "_RAW_PROBABILITY", 0.0)
    monkeypatch.setattr(handwriting, "_CLOSING", (1.0,))
    monkeypatch.setattr(handwriting, "_DOTTED_PROBABILITY", 0.0)
    monkeypatch.setattr(handwriting, "_NORMAL_RADIUS", (1.13, 1.13))
    single = torch.tensor([i for i, (_, _, drawing, *_) in enumerate(ALLOGRAPHS) if "/" not in drawing and i < 100])
    table = handwriting._table(torch.device("cpu"))
    tips = handwriting._resample(*handwriting._write(table, single, generator()), generator(1))
    written = handwriting._render(tips, generator(2)).numpy()
    drawn = np.stack([sketch_to_mnist(render(place([tip.tolist()]), width=18)) for tip in tips])
    correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(written, drawn, strict=True)]
    assert np.median(correlations) > 0.97 and np.quantile(correlations, 0.1) > 0.85
    widths = [stroke_width(torch.from_numpy(images).float() / 255).mean().item() for images in (written, drawn)]
    assert widths[0] == pytest.approx(widths[1], rel=0.05)


def test_thick_pens_close_small_loops(monkeypatch):
    """A ring four pixels across inside is filled by a pen three pixels wider on either side, and by no thin one."""
    angle = torch.linspace(0, 6.28, 128)
    ring = torch.stack([50 + 15 * torch.cos(angle), 80 + 15 * torch.sin(angle)], dim=1)
    stem = torch.stack([torch.full((128,), 35.0), torch.linspace(0, 80, 128)], dim=1)
    six = torch.cat([stem, ring])[::2].expand(4, -1, -1)
    monkeypatch.setattr(handwriting, "_RAW_PROBABILITY", 0.0)
    middles = []
    for closing in ((1.0,), (0.0, 0.0, 0.0, 1.0)):
        monkeypatch.setattr(handwriting, "_CLOSING", closing)
        images = handwriting._render(six, generator()).float() / 255
        centre = images[:, 18:24].sum((1, 2)) / 1
        middles.append(centre.mean().item())
    assert middles[1] > 1.15 * middles[0]


def test_digits_filled_by_the_pen_count_as_blots():
    images, labels = write_digits(2000, generator())
    squares = np.lib.stride_tricks.sliding_window_view(images.numpy(), (9, 9), axis=(1, 2))  # (N, 20, 20, 9, 9)
    is_filled = torch.from_numpy((squares > 127).all((3, 4)).any((1, 2)))
    assert is_filled.float().mean() > 0.01
    assert (labels[is_filled] == NON_DIGIT).all()


def test_drawings_of_one_allograph_vary():
    images = write_allographs(torch.zeros(50, dtype=torch.int64), generator()).float().flatten(1)
    assert torch.pdist(images).min() > 300


def test_random_numbers_stay_on_the_generators_device():
    images, labels = write_digits(3, generator())
    assert images.device == labels.device == torch.device("cpu")
