"""Images sheared until their ink does not lean, so that networks need not learn each digit once for every hand.

The classical remedy for slant (LeCun et al., "Gradient-based learning applied to document recognition", 1998, section
III-C, where the images are called deslanted): shear an image until its ink has no correlation between height and side.
All of the ink decides what leans: a 4, whose ink lies on the left above and on the right below, ends up leaning to the
right to the eye, but every 4 alike.
"""

import torch
from torch.nn import functional as F

_STEEPEST = 1.0  # pixels to the side for each pixel down; what leans further than 45° is hardly meant to stand
_PART = 128  # images at a time: few enough for the processor's caches


def deslant(images: torch.Tensor) -> torch.Tensor:
    """Shift the rows of each image sideways, about its ink's centre of mass, until the ink has no slant.

    Args:
        images: uint8 (N, H, W), background 0.

    Returns:
        uint8 (N, H, W), on the device of `images`. Empty images stay empty; ink that would leave an image is lost.
    """
    return torch.cat([_deslant(part) for part in images.split(_PART)])


def _deslant(images: torch.Tensor) -> torch.Tensor:
    ink = images.float()  # (N, H, W)
    height, width = images.shape[1:]
    y, x = (torch.arange(side, dtype=torch.float32, device=images.device) for side in (height, width))
    rows = ink.sum(2)  # (N, H)
    middle = (rows @ y).unsqueeze(1) / rows.sum(1, keepdim=True).clamp_min(1)  # (N, 1)
    down = y - middle  # (N, H)
    covariance = (down * (ink @ x)).sum(1, keepdim=True)  # (N, 1), times the mass, as the next
    variance = (rows * down.square()).sum(1, keepdim=True)
    slope = (covariance / variance.clamp_min(1e-6)).clamp_(-_STEEPEST, _STEEPEST)
    shift = slope * down  # (N, H), pixels to the right of its place that a row's new ink lies
    whole = shift.floor()
    # Two columns of background on either side stand for all that lies outside. Bilinear: each new pixel lies between
    # two neighbours, its row's own share of the way.
    places = torch.arange(2, width + 3, device=images.device) + whole.long().unsqueeze(2)
    near = F.pad(ink, (2, 2)).gather(2, places.clamp_(0, width + 3))  # (N, H, W + 1)
    moved = torch.lerp(near[:, :, :-1], near[:, :, 1:], (shift - whole).unsqueeze(2))  # (N, H, W)
    return moved.round_().to(torch.uint8)
