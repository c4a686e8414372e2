"""A user's labelled drawings: counted on the Draw tab, added to the training set on request, and kept as files."""

import io
import zipfile
from dataclasses import dataclass, field

import numpy as np
import torch

from ..constants import IMAGE_SIZE, NUM_CLASSES
from .affine import AffineRanges, random_affine

_MAX_DRAWINGS = 300  # of a session
_MAX_FILE_BYTES = _MAX_DRAWINGS * (IMAGE_SIZE**2 + 8) + 2**16  # of the arrays in a file, and their headers
# More copies of all drawings together make a model forget more of MNIST, fewer of each leave drawings unlearnt.
_FINE_TUNING_COPIES, _MIN_FINE_TUNING_COPIES = 400, 10
_AUGMENTATION = AffineRanges(degrees=10, translate=0.05, scale=0.1, shear=5)  # about as much as one hand varies


class DrawingsError(ValueError):
    """A file of drawings cannot be used; the message says why, what to do, and nothing that the file says."""


@dataclass(frozen=True)
class LabelledDrawings:
    """Drawings with the labels that a user gave them. Immutable: `add` returns a new object.

    Attributes:
        images: uint8 (N, 28, 28), preprocessed drawings, in the format of `load_mnist`'s images.
        labels: int64 (N,), the user's labels, 0 to 9.
        predictions: int64 (N,), the digit that a model predicted for each drawing; -1 where the drawing was rejected.
    """

    images: torch.Tensor = field(default_factory=lambda: torch.zeros(0, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8))
    labels: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    predictions: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))

    @property
    def count(self) -> int:
        """Number of labelled drawings."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Number of drawings that were classified correctly."""
        return int((self.predictions == self.labels).sum())

    def add(self, image: np.ndarray, label: int, prediction: int | None) -> "LabelledDrawings":
        """These drawings and one more. If its image equals the last one, it replaces that: the user corrects a label.

        The last 300 are kept.

        Args:
            image: uint8 (28, 28).
            label: the digit that the user meant, 0 to 9.
            prediction: the digit that a model predicted; None if it rejected the drawing.
        """
        copy = torch.tensor(image)  # the caller's array may be read-only, or change later
        end = self.count - bool(self.count and torch.equal(self.images[-1], copy))
        others = LabelledDrawings(self.images[:end], self.labels[:end], self.predictions[:end])
        return others.extend(
            copy[None], torch.tensor([label]), torch.tensor([-1 if prediction is None else prediction])
        )

    def extend(self, images: torch.Tensor, labels: torch.Tensor, predictions: torch.Tensor) -> "LabelledDrawings":
        """These drawings and others, in the format of the attributes. The last 300 are kept."""
        return LabelledDrawings(
            torch.cat([self.images, images])[-_MAX_DRAWINGS:],
            torch.cat([self.labels, labels])[-_MAX_DRAWINGS:],
            torch.cat([self.predictions, predictions])[-_MAX_DRAWINGS:],
        )

    def to_npz(self) -> bytes:
        """The content of an `.npz` file with the arrays `images` and `labels`."""
        file = io.BytesIO()
        np.savez_compressed(file, images=self.images.numpy(), labels=self.labels.numpy())
        return file.getvalue()

    def augmented_copies(self, num_copies: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of the drawings to train on, each with its own small random affine transformation.

        Args:
            num_copies: of each drawing.
            seed: of the random transformations.

        Returns:
            Images, uint8 (num_copies · N, 28, 28), and labels, int64 (num_copies · N,).
        """
        generator = torch.Generator().manual_seed(seed)
        images = random_affine(self.images.repeat(num_copies, 1, 1), _AUGMENTATION, generator)
        return images, self.labels.repeat(num_copies)

    def fine_tuning_copies(self, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The `augmented_copies` that the recipe "fine-tuning" is made for: about 400, and at least 10 of each drawing.

        There must be a drawing.
        """
        return self.augmented_copies(max(_MIN_FINE_TUNING_COPIES, _FINE_TUNING_COPIES // self.count), seed)


def decode_drawings(content: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    """The drawings in a file that `to_npz` made. It may come from anyone: it cannot run code or exhaust memory.

    Returns:
        Images, uint8 (N, 28, 28), and labels, int64 (N,), 0 to 9; N is from 1 to 300.

    Raises:
        DrawingsError: the file is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:  # no entry is decompressed beyond the size it states
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _MAX_FILE_BYTES:
            raise DrawingsError(f"The file has more than the {_MAX_DRAWINGS} drawings that a session keeps. Split it.")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except DrawingsError:
        raise
    except Exception as error:  # NumPy and the zip reader raise nearly any exception on a damaged or foreign file
        raise DrawingsError(
            "The file is damaged, or no .npz file with the arrays images and labels. Choose one that was downloaded "
            "on the Draw tab."
        ) from error
    is_valid = (
        images.dtype == np.uint8
        and images.shape[1:] == (IMAGE_SIZE, IMAGE_SIZE)
        and 1 <= len(images) <= _MAX_DRAWINGS
        and labels.dtype.kind in "iu"
        and labels.shape == images.shape[:1]
        and ((labels >= 0) & (labels < NUM_CLASSES)).all()
    )
    if not is_valid:
        raise DrawingsError(
            f"The drawings cannot be used: images must be uint8 of shape (N, {IMAGE_SIZE}, {IMAGE_SIZE}) with N from 1 "
            f"to {_MAX_DRAWINGS}, and labels N whole numbers from 0 to {NUM_CLASSES - 1}. Correct the arrays."
        )
    return torch.tensor(images), torch.tensor(labels.astype(np.int64))
