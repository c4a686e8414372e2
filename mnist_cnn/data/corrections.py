"""What a visitor says that the drawings were: a score, and labelled images like MNIST's."""

from dataclasses import dataclass, field

import numpy as np
import torch

from ..constants import IMAGE_SIZE
from .affine import AffineRanges, random_affine

_CHANGES = AffineRanges(degrees=10, translate=0.05, scale=0.1, shear=5)  # so that copies differ as a hand's digits do


@dataclass(frozen=True)
class LabelledDrawings:
    """Drawings that a visitor has named; never changed, `add` makes a new one.

    Attributes:
        images: uint8 (N, 28, 28), what the network saw, as `load_mnist` gives images.
        labels: int64 (N,), what the visitor said they were.
        read: int64 (N,), what a network had read, -1 for no digit.
    """

    images: torch.Tensor = field(default_factory=lambda: torch.zeros(0, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8))
    labels: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    read: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))

    @property
    def count(self) -> int:
        """How many drawings were named."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """How many of them the network had read as what they were."""
        return int((self.read == self.labels).sum())

    def add(self, image: np.ndarray, label: int, read: int | None) -> "LabelledDrawings":
        """These and one more, in place of the last where that is of the same image: the visitor thought again.

        Args:
            image: uint8 (28, 28).
            label: the digit that it was, 0 to 9.
            read: the digit that a network read, if it read any.
        """
        copy = torch.tensor(image)  # the caller's array may be read-only, or change
        kept = self.count - bool(self.count and torch.equal(self.images[-1], copy))
        return LabelledDrawings(
            torch.cat([self.images[:kept], copy[None]]),
            torch.cat([self.labels[:kept], torch.tensor([label])]),
            torch.cat([self.read[:kept], torch.tensor([-1 if read is None else read])]),
        )

    def augmented_copies(self, times: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies to train on, each changed a little at random.

        Args:
            times: how many of each drawing.
            seed: of the changes.

        Returns:
            Images, uint8 (times · N, 28, 28), and labels, int64 (times · N,).
        """
        generator = torch.Generator().manual_seed(seed)
        return random_affine(self.images.repeat(times, 1, 1), _CHANGES, generator), self.labels.repeat(times)
