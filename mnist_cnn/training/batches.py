"""The training set of a run, and its batches: shuffled, augmented, normalised."""

from collections.abc import Iterator, Sequence

import torch

from ..constants import IMAGE_SIZE
from ..data.affine import random_affine
from ..data.handwriting import write_digits
from ..data.mnist import LabelledImages
from ..data.outliers import NON_DIGIT, make_outliers
from ..data.stroke_augmentation import augment_strokes
from ..preprocessing import normalize
from .settings import TrainingSettings

_CHUNK = 4096  # images that are augmented at once: large enough to amortise the calls


def build_training_set(
    images: torch.Tensor,
    labels: torch.Tensor,
    settings: TrainingSettings,
    extra_data: LabelledImages | None,
    generator: torch.Generator,
) -> LabelledImages:
    """The images and labels that a run trains on, on the generator's device.

    The settings' fraction of the given ones, then all of `extra_data`, then outliers, whose label is `NON_DIGIT`.

    Raises:
        ValueError: no images, not as many labels, or fewer images than a batch holds.
    """
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(f"Training needs images and as many labels, not {len(images)} and {len(labels)}.")
    if settings.train_fraction < 1:
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(settings.seed))
        kept = order[: max(1, round(settings.train_fraction * len(images)))]
        images, labels = images[kept], labels[kept]
    if extra_data is not None:
        images, labels = torch.cat([images, extra_data[0]]), torch.cat([labels, extra_data[1]])
    if len(images) < settings.batch_size:
        raise ValueError(
            f"batch_size ({settings.batch_size}) exceeds the training set ({len(images)}). Choose a smaller batch size "
            "or more of the training set."
        )
    images, labels = images.to(generator.device), labels.to(generator.device)
    if settings.outlier_fraction:
        outliers = make_outliers(images, labels, round(settings.outlier_fraction * len(images)), generator)
        images = torch.cat([images, outliers])
        labels = torch.cat([labels, labels.new_full((len(outliers),), NON_DIGIT)])
    num_written = round(settings.handwriting_fraction * len(images))  # written by each epoch, in place of zeros
    images = torch.cat([images, images.new_zeros(num_written, *images.shape[1:])])
    return images, torch.cat([labels, labels.new_zeros(num_written)])


def epoch_batches(
    images: torch.Tensor,
    labels: torch.Tensor,
    settings: TrainingSettings,
    target_stds: Sequence[tuple[float, float] | None],
    generator: torch.Generator,
) -> Iterator[tuple[torch.Tensor, ...]]:
    """One epoch in random order: the inputs of each model, float32 (B, 1, 28, 28), and last labels, int64 (B,).

    `images` and `labels` are what `build_training_set` returned; written digits at their end are replaced by new ones.
    `target_stds` has the `TARGET_STD` of each model that receives the images.
    """
    num_others = round(len(images) / (1 + settings.handwriting_fraction))
    if num_others < len(images):
        images[num_others:], labels[num_others:] = write_digits(len(images) - num_others, generator)
    order = stratified_order(labels, generator) if settings.stratified else random_order(labels, generator)
    chunk = max(1, _CHUNK // settings.batch_size) * settings.batch_size
    for indices in order.split(chunk):
        augmented = random_affine(images[indices], settings.affine, generator)  # (chunk, 28, 28)
        others = indices < num_others  # written digits vary as it is
        augmented[others] = augment_strokes(
            augmented[others], labels[indices][others], settings.stroke_augmentation, generator
        )
        inputs = [normalize(augmented, target_std) for target_std in target_stds]  # (chunk, 1, 28, 28) each
        yield from zip(*(part.split(settings.batch_size) for part in (*inputs, labels[indices])), strict=True)


def random_order(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The indices of labels (N,) in random order, int64 (N,)."""
    return torch.randperm(len(labels), generator=generator, device=labels.device)


def stratified_order(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The same, but any part of it has nearly the class frequencies of the whole.

    The k indices of a class are spread evenly over the epoch, each at random within its k-th part of it.
    """
    order = random_order(labels, generator)
    order = order[labels[order].argsort(stable=True)]  # class by class, in random order within each
    counts = labels.bincount()
    first = counts.cumsum(0) - counts
    rank = torch.arange(len(labels), device=labels.device) - first[labels[order]]
    position = (rank + torch.rand(len(labels), generator=generator, device=labels.device)) / counts[labels[order]]
    return order[position.argsort(stable=True)]


def random_crop(x: torch.Tensor, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """The same crop of `size` = (height, width) of every input (B, 1, 28, 28), within a pixel of the centre."""
    height, width = size
    down, right = torch.randint(-1, 2, (2,), generator=generator, device=generator.device).tolist()
    top, left = (IMAGE_SIZE - height) // 2 + down, (IMAGE_SIZE - width) // 2 + right
    return x[:, :, top : top + height, left : left + width].contiguous()
