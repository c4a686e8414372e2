"""How many processor threads PyTorch uses, where one process both trains and reads drawings."""

import contextlib
from collections.abc import Iterator

import torch

ALL_THREADS = torch.get_num_threads()  # what PyTorch chose for this machine, or the environment for PyTorch


@contextlib.contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many threads for what the calling thread does inside the block.

    A network this small reads one image fastest on a single thread; while a training keeps all cores busy, waiting for
    a second one takes ten times as long as the work.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
