"""Draw the contact sheet of all allographs: `python -m benchmarks.allographs [--output FILE] [--columns N]`.

Each row is one allograph of `mnist_cnn.data.allographs`, written several times as `write_digits` writes it. Rows of a
digit form a block; letters and signs that are no digit come last.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mnist_cnn.constants import IMAGE_SIZE
from mnist_cnn.data.allographs import DIGITS, NON_DIGITS
from mnist_cnn.data.handwriting import write_allographs

OUTPUT = Path(__file__).parent.parent / "docs" / "allographs.png"
BLOCKS_ACROSS = 4
ROWS = 18  # of a block
GAP = 8  # pixels between digits' blocks


def contact_sheet(columns: int, seed: int = 0) -> Image.Image:
    """Black ink on white; a block per label, from left to right and top to bottom, the last label's in several."""
    generator = torch.Generator().manual_seed(seed)
    blocks, first = [], 0
    for allographs in (*DIGITS.values(), NON_DIGITS):
        for indices in torch.arange(first, first + len(allographs)).split(ROWS):
            images = write_allographs(indices.repeat_interleave(columns), generator)
            images = images.view(-1, columns, IMAGE_SIZE, IMAGE_SIZE).transpose(1, 2)
            blocks.append(255 - images.flatten(0, 1).flatten(1).numpy())
        first += len(allographs)
    rows = []
    for start in range(0, len(blocks), BLOCKS_ACROSS):
        row = blocks[start : start + BLOCKS_ACROSS]
        row += [np.zeros((0, columns * IMAGE_SIZE), np.uint8)] * (BLOCKS_ACROSS - len(row))
        height = max(map(len, row)) + GAP
        rows.append(
            np.hstack([np.pad(block, ((0, height - len(block)), (0, GAP)), constant_values=255) for block in row])
        )
    return Image.fromarray(np.vstack(rows))


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: %(default)s")
    parser.add_argument("--columns", type=int, default=10, help="samples of each allograph (default: %(default)s)")
    options = parser.parse_args()
    contact_sheet(options.columns).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
