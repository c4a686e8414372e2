import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as reference

from mnist_cnn.data.affine import NO_AFFINE, AffineRanges, affine, random_affine


def digits(count: int = 6) -> torch.Tensor:
    """Smooth blobs, black towards the border: uint8 (N, 28, 28)."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(count, 1, 12, 12, generator=generator)
    smooth = torch.nn.functional.interpolate(noise, size=(28, 28), mode="bicubic").clamp(0, 1)
    window = torch.hann_window(28, periodic=False)
    return (smooth[:, 0] * window[:, None] * window * 255).round().to(torch.uint8)


@pytest.mark.parametrize(
    ("degrees", "shift", "scale", "shear"),  # shift in pixels
    [
        (0, (0, 0), 1, 0),
        (15, (0, 0), 1, 0),
        (0, (3, -2), 1, 0),
        (0, (0, 0), 1.2, 0),
        (0, (0, 0), 1, 12),
        (-20, (2, 1), 0.85, -10),
    ],
)
def test_affine_matches_torchvision(degrees, shift, scale, shear):
    images = digits()
    n = len(images)
    result = affine(
        images,
        torch.full((n,), float(degrees)),
        torch.tensor([shift], dtype=torch.float).expand(n, 2) / 28,
        torch.full((n,), float(scale)),
        torch.full((n,), float(shear)),
    )
    expected = reference.affine(
        images[:, None].float(), degrees, list(shift), scale, [shear, 0], InterpolationMode.BILINEAR
    )
    assert result.dtype == torch.uint8
    # If both are given, torchvision rotates first and then shears by an approximation.
    tolerance = 1 if not (degrees and shear) else 2
    assert (result.float() - expected[:, 0]).abs().max() <= tolerance


def test_each_image_is_transformed_differently():
    image = digits(1)
    changed = random_affine(image.expand(50, -1, -1), AffineRanges(10, 0.1, 0.1, 5), torch.Generator().manual_seed(1))
    assert changed.shape == (50, 28, 28)
    assert len(changed.flatten(1).unique(dim=0)) == 50


def test_result_depends_on_the_generator_alone():
    images, ranges = digits(), AffineRanges(10, 0.1, 0.1, 5)
    torch.manual_seed(1)
    first = random_affine(images, ranges, torch.Generator().manual_seed(7))
    torch.manual_seed(2)
    second = random_affine(images, ranges, torch.Generator().manual_seed(7))
    other = random_affine(images, ranges, torch.Generator().manual_seed(8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_shifts_fill_their_range():
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, 13:15, 13:15] = 255
    changed = random_affine(
        image.expand(400, -1, -1), AffineRanges(translate=0.1), torch.Generator().manual_seed(1)
    ).float()
    mass = changed.sum((1, 2))
    positions = torch.arange(28.0)
    rows = changed.sum(2) @ positions / mass - 13.5
    columns = changed.sum(1) @ positions / mass - 13.5
    for shifts in (rows, columns):
        assert 2.4 < shifts.abs().max() <= 2.85  # 0.1 of 28 pixels, and rounding to whole grey levels
        assert abs(shifts.mean()) < 0.3


def test_no_affine_returns_the_images_and_draws_no_random_numbers():
    images, generator = digits(), torch.Generator().manual_seed(1)
    before = generator.get_state()
    assert random_affine(images, NO_AFFINE, generator) is images
    assert torch.equal(generator.get_state(), before)
