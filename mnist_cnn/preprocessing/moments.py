"""Images enlarged or reduced along each axis until their ink is spread as far as that of all others.

Moment normalisation, as it is called for handwriting (Casey, "Moment normalization of handprinted characters", 1970),
with scales alone, since `slant` has taken the shear away. Ink's standard deviation along an axis says how large a digit
is without regard to a single stroke that sticks out, as its box does not.
"""

import torch

# How far an axis is scaled at most, down or up: a 1 stays narrower than a 0, a dash flatter.
_LEAST, _MOST = 0.7, 1.6
_THINNEST = 0.5  # pixels; what has less deviation than this is a line, or nothing
_PART = 128  # images at a time: few enough for the processor's caches


def moment_normalize(images: torch.Tensor, spread: tuple[float, float]) -> torch.Tensor:
    """Bring the ink of each image to one standard deviation down and across, and to the image's middle.

    Args:
        images: uint8 (N, H, W), background 0.
        spread: standard deviations of ink, down and across, in pixels.

    Returns:
        uint8 (N, H, W), on the device of `images`. Empty images stay empty; ink that would leave an image is lost.
    """
    return torch.cat([_even_spread(part, spread) for part in images.split(_PART)])


def _even_spread(images: torch.Tensor, spread: tuple[float, float]) -> torch.Tensor:
    ink = images.float()  # (N, H, W)
    mass = ink.sum((1, 2)).clamp_min(1).unsqueeze(1)  # (N, 1)
    rows = _resampling(ink.sum(2) / mass, spread[0])  # (N, H, H)
    columns = _resampling(ink.sum(1) / mass, spread[1])  # (N, W, W)
    return (rows @ ink @ columns.mT).round_().to(torch.uint8)


def _resampling(profiles: torch.Tensor, spread: float) -> torch.Tensor:
    """Matrices (N, L, L) that scale and centre images along an axis where their ink has `profiles` (N, L).

    Linear interpolation between the two nearest pixels, which keeps strokes sharp where digits become smaller.
    """
    length = profiles.shape[1]
    places = torch.arange(length, dtype=torch.float32, device=profiles.device)
    middle = (profiles @ places).unsqueeze(1)  # (N, 1)
    deviation = (profiles * (places - middle).square()).sum(1, keepdim=True).sqrt()  # (N, 1)
    scale = (spread / deviation.clamp_min(_THINNEST)).clamp(_LEAST, _MOST)  # (N, 1)
    sources = middle + (places - (length - 1) / 2) / scale  # (N, L), where each new pixel lies among the old ones
    return (1 - (sources.unsqueeze(2) - places).abs()).clamp_min_(0)  # (N, L, L)
