"""How many processor threads PyTorch uses, where one process both trains and reads drawings."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many threads for what the calling thread does inside the block.

    One image is read about as fast by one thread as by two; and where anything else wants a core, a page or another
    visitor, waiting for the second thread takes several times as long as the work.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
