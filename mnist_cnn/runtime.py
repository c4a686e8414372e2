"""How PyTorch uses this machine: device, threads, memory."""

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterator

import torch

DEVICES = ("auto", "cpu", "cuda")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # options of glibc's mallopt; the first two in bytes


def select_device(name: str = "auto") -> torch.device:
    """The device to train on: "cpu", "cuda", or "auto" for a GPU where PyTorch finds one.

    On ZeroGPU "auto" is the CPU, because PyTorch finds a GPU there that only functions with `spaces.GPU` may use.

    Raises:
        ValueError: "cuda" where PyTorch finds no GPU, or another name.
    """
    if name not in DEVICES:
        raise ValueError(f"Unknown device {name!r}. Available: {', '.join(DEVICES)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no GPU here: use --device cpu, or install a build of PyTorch for your GPU.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() and not os.environ.get("SPACES_ZERO_GPU") else "cpu"
    return torch.device(name)


def has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16, AVX512-BF16 or AMX, and PyTorch uses them.

    Without them, bfloat16 is slower than float32.
    """
    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # heeds ONEDNN_MAX_CPU_ISA


@contextlib.contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Set the number of CPU threads that PyTorch uses in the calling thread, and restore it at the end of the block.

    One image is classified about as fast by one thread as by two; and where anything else wants a core, waiting for
    the second thread takes several times as long as the work.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reuse_freed_memory() -> None:
    """Have glibc keep the memory of freed tensors for the next step.

    By default it returns large blocks to the system, which clears each page again when a step touches it: a third of
    a step's time goes there. Without glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            libc.mallopt(option, 2**30)
        libc.mallopt(_M_ARENA_MAX, 1)  # or each thread that trains would keep memory of its own
