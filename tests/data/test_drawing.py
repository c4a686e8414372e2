import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from mnist_cnn.data.drawing import (
    DRAWING_SIZE,
    bounding_box,
    draw_line,
    fit_to_mnist,
    stroke_width,
    uniform_sampler,
    upsample,
)
from mnist_cnn.preprocessing import sketch_to_mnist
from tests.support.handwriting import handwriting


def test_upsampling_keeps_the_ink():
    images = torch.from_numpy(handwriting(20, seed=0)[0])
    ink = upsample(images)
    assert ink.shape == (20, 56, 56)
    torch.testing.assert_close(ink.mean((1, 2)), images.float().mean((1, 2)) / 255, rtol=0.01, atol=0)
    averaged = torch.nn.functional.avg_pool2d(ink, 2)
    assert (averaged - images / 255).abs().mean() < 0.03


def test_lines_match_pillows():
    start, end = torch.tensor([[6.0, 7.0], [20.0, 20.0]]), torch.tensor([[21.0, 15.0], [20.0, 20.0]])
    radius = torch.tensor([1.5, 4.0])
    drawings = draw_line(start, end, radius)
    for index in range(2):
        zoom = 16  # pixels of Pillow's image per pixel of MNIST's
        image = Image.new("L", (28 * zoom, 28 * zoom))
        draw = ImageDraw.Draw(image)
        a, b, r = (start[index] * zoom).tolist(), (end[index] * zoom).tolist(), float(radius[index]) * zoom
        draw.line([*a, *b], fill=255, width=round(2 * r))
        for x, y in (a, b):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
        expected = np.asarray(image.resize((DRAWING_SIZE, DRAWING_SIZE), Image.Resampling.BOX)) / 255
        assert np.abs(drawings[index].numpy() - expected).mean() < 0.01


def test_bounding_box_and_stroke_width_of_a_bar():
    ink = torch.zeros(1, 28, 28)
    ink[0, 5:21, 9:12] = 1
    assert [edge.item() for edge in bounding_box(ink)] == [5, 21, 9, 12]
    # A little less than the width, since the short ends count among the edges.
    assert stroke_width(ink).item() == pytest.approx(3 * 16 / 19, rel=0.05)
    doubled = ink.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    assert [edge.item() for edge in bounding_box(doubled)] == [5, 21, 9, 12]
    assert stroke_width(doubled).item() == pytest.approx(stroke_width(ink).item(), rel=0.05)


def test_fit_matches_preprocessing():
    images = torch.from_numpy(handwriting(20, seed=1)[0])
    small = torch.nn.functional.interpolate(upsample(images)[:, None], scale_factor=0.6, mode="bilinear")[:, 0]
    ink = torch.nn.functional.pad(small, (5, DRAWING_SIZE - 5 - small.shape[2], 14, DRAWING_SIZE - 14 - small.shape[1]))
    fitted = fit_to_mnist(ink, torch.ones(20), torch.zeros(20, 2)).numpy().astype(float)
    for result, source in zip(fitted, ink, strict=True):
        expected = sketch_to_mnist(source.numpy()).astype(float)
        # Preprocessing rounds the offset to whole pixels, so they differ by up to half a pixel.
        for axis in (0, 1):
            centres = [image.sum(axis=axis) @ np.arange(28) / image.sum() for image in (result, expected)]
            assert centres[0] == pytest.approx(centres[1], abs=0.6)
        assert result.max() == 255
        assert np.corrcoef(result.ravel(), expected.ravel())[0, 1] > 0.85


def test_fit_applies_size_and_shift():
    ink = upsample(torch.from_numpy(handwriting(10, seed=2)[0]))
    plain = fit_to_mnist(ink, torch.ones(10), torch.zeros(10, 2)).float()
    smaller = fit_to_mnist(ink, torch.full((10,), 0.7), torch.zeros(10, 2)).float()
    moved = fit_to_mnist(ink, torch.ones(10), torch.tensor([[2.0, -1.0]]).repeat(10, 1)).float()
    sides = [torch.stack(bounding_box(images / 255)) for images in (plain, smaller)]
    longer = [torch.maximum(bottom - top, right - left) for top, bottom, left, right in sides]
    assert ((longer[1] - 0.7 * longer[0]).abs() <= 1.6).all()
    torch.testing.assert_close(moved[:, 2:-3, 4:-2], plain[:, 3:-2, 2:-4], atol=2, rtol=0)


def test_random_numbers_fill_the_range_and_depend_on_the_generator_alone():
    uniform = uniform_sampler(1000, torch.Generator().manual_seed(0))
    numbers = uniform(-2, 3)
    assert numbers.shape == (1000,)
    assert -2 <= numbers.min() < -1.9 and 2.9 < numbers.max() <= 3
    assert torch.equal(numbers, uniform_sampler(1000, torch.Generator().manual_seed(0))(-2, 3))
