"""Training speed relative to the reference pipeline, model FLOPs utilisation (MFU), and peak memory.

    python -m benchmarks.speed

The reference pipeline is what a PyTorch tutorial writes: torchvision's transforms on PIL images, a `DataLoader`, the
model's layers one after the other, SGD and `OneCycleLR` with its defaults, so momentum cycles between 0.85 and 0.95 as
it does in the recipe `reference` of `mnist_cnn.training`. Each pipeline runs in its own process, so that none inherits
another's memory or settings; the pipelines take turns, on the same number of images. The result is the speedup within
a round: times alone depend on what else the machine does.
"""

import argparse
import json
import multiprocessing
import platform
import re
import resource
import statistics
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from mnist_cnn.constants import MNIST_MEAN, MNIST_STD
from mnist_cnn.data import load_mnist
from mnist_cnn.data.mnist import data_root
from mnist_cnn.models import MODELS, Net8k, build_model
from mnist_cnn.runtime import has_bfloat16
from mnist_cnn.training import get_settings, train

RESULTS = Path(__file__).parent / "results" / "speed.json"
EPOCH = 60_000  # images
NUM_THREADS = (1, torch.get_num_threads())  # of the default recipe; the reference pipeline uses PyTorch's default
WARMUP = 640  # images before the clock starts
PRECISIONS = ("float32", "bfloat16") if has_bfloat16() else ("float32",)
PIPELINES = [
    "reference",
    *(f"{name}, {threads}, {precision}" for name in MODELS for threads in NUM_THREADS for precision in PRECISIONS),
]


class PlainNet8k(Net8k):
    """The reference model, written without regard to speed."""

    def class_activation_maps(self, x: torch.Tensor) -> torch.Tensor:
        """Per-class evidence maps, float32 (N, 10, 7, 7), of normalised images (N, 1, 28, 28)."""
        x = self.dropout1(F.relu(self.bn1(self.conv1(x))))  # (N, 16, 28, 28)
        x = self.dropout2(F.relu(self.bn2(self.conv2(x))))  # (N, 24, 28, 28)
        x = self.pool1(x)  # (N, 24, 14, 14)
        residual = self.conv_res(x)  # (N, 24, 14, 14)
        x = F.relu(self.bn3(self.conv3(x)))  # (N, 16, 14, 14)
        x = self.dropout3(F.relu(self.bn4(self.conv4(x))))  # (N, 24, 14, 14)
        x = self.pool2(x + residual)  # (N, 24, 7, 7)
        return self.conv5(x)  # (N, 10, 7, 7)


def run_reference(images: int) -> None:
    """Train net-8k on the first `images` training images as PyTorch's tutorials do."""
    transform = transforms.Compose(
        [
            transforms.RandomRotation(15),
            transforms.RandomAffine(0, translate=(0.1, 0.1), scale=(0.9, 1.1)),
            transforms.ToTensor(),
            transforms.Normalize((MNIST_MEAN,), (MNIST_STD,)),
        ]
    )
    dataset = datasets.MNIST(data_root(), train=True, transform=transform)
    loader = DataLoader(Subset(dataset, range(images)), batch_size=32, shuffle=True)
    model = PlainNet8k()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=len(loader))
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()


def run_default(name: str, num_threads: int, precision: str, images: int) -> None:
    """Train a model on the first `images` training images with its default recipe."""
    x, y = load_mnist()
    settings = get_settings(name, num_threads=num_threads, precision=precision)
    for _ in train(build_model(name, settings.seed), x[:images], y[:images], settings):
        pass


def timed(pipeline: str, images: int, result: multiprocessing.SimpleQueue) -> None:
    """Put the seconds of one run, after a warm-up, and the process's peak memory in bytes into `result`."""

    def run(images: int) -> float:
        started = time.perf_counter()
        if pipeline == "reference":
            run_reference(images)
        else:
            name, num_threads, precision = pipeline.split(", ")
            run_default(name, int(num_threads), precision, images)
        return time.perf_counter() - started

    run(WARMUP)
    result.put((run(images), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def in_own_process(pipeline: str, images: int) -> tuple[float, int]:
    """`timed` in a new process."""
    context = multiprocessing.get_context("spawn")
    result = context.SimpleQueue()
    process = context.Process(target=timed, args=(pipeline, images, result))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"The run of {pipeline} failed; its output above says why.")
    return result.get()


def cpu_name() -> str:
    """What the CPU calls itself, and whether it has instructions for bfloat16."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text(encoding="utf-8")) if info.exists() else []
    return f"{(names or [platform.processor()])[0]} with{'' if has_bfloat16() else 'out'} bfloat16"


def matmul_rate() -> float:
    """FLOP/s of the fastest of several 2048×2048 float32 matrix products."""
    matrix = torch.randn(2048, 2048)
    seconds = []
    for _ in range(12):
        started = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - started)
    return 2 * 2048**3 / min(seconds)


def flops_per_epoch(name: str) -> int:
    """FLOPs of one training epoch: the convolutions of 60,000 uncropped images, forward and backward."""
    model = build_model(name, seed=0)
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(10, 1, 28, 28)).sum().backward()
    return counter.get_total_flops() * (EPOCH // 10)


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=15_000, help="images per run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all pipelines (default: %(default)s)")
    options = parser.parse_args()

    runs: dict[str, list[tuple[float, int]]] = {pipeline: [] for pipeline in PIPELINES}
    for _ in range(options.rounds):
        for pipeline in PIPELINES:
            runs[pipeline].append(in_own_process(pipeline, options.images))
    matmul_flops = matmul_rate()

    rows = {}
    for pipeline in PIPELINES:
        name, num_threads, precision = (*pipeline.split(", "), NUM_THREADS[-1], "float32")[:3]
        seconds = [run[0] * EPOCH / options.images for run in runs[pipeline]]
        speedups = [reference[0] / run[0] for reference, run in zip(runs["reference"], runs[pipeline], strict=True)]
        flops = flops_per_epoch("net-8k" if name == "reference" else name)
        rows[pipeline] = {
            "seconds_per_epoch": statistics.median(seconds),
            "speedup": statistics.median(speedups),
            "speedup_by_round": speedups,
            "num_threads": int(num_threads),
            "precision": precision,
            "flops_per_epoch": flops,
            "mfu": flops / statistics.median(seconds) / matmul_flops,
            "peak_memory_bytes": max(run[1] for run in runs[pipeline]),
        }
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, {options.rounds} rounds")
    print(f"{matmul_flops / 1e9:.0f} GFLOP/s in a float32 matrix product")
    print(f"{'pipeline':<22}{'s/epoch':>9}{'speedup':>9}{'MFU':>8}{'memory':>11}")
    for pipeline, row in rows.items():
        print(
            f"{pipeline:<22}{row['seconds_per_epoch']:>9.1f}{row['speedup']:>8.2f}×"
            f"{row['mfu']:>8.1%}{row['peak_memory_bytes'] / 2**20:>7.0f} MiB"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    results = {
        "cpu": cpu_name(),
        "num_threads": torch.get_num_threads(),
        "matmul_flops": matmul_flops,
        "pipelines": rows,
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
