"""How long an epoch takes beside the reference pipeline, how near that is to the processor's limit, and the memory.

    python -m benchmarks.speed

The reference pipeline is what a user of PyTorch writes: torchvision's transforms on PIL images, a `DataLoader`, the
network's layers one after the other, SGD and `OneCycleLR`. Each pipeline runs in a process of its own, so that none
inherits another's memory or settings, a few rounds in turn, on the same number of images. The figure that counts is
the ratio within a round, never a time.
"""

import argparse
import json
import multiprocessing
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
from mnist_cnn.training import get_settings, train

RESULTS = Path(__file__).parent / "results" / "speed.json"
EPOCH = 60_000  # images
THREADS = (1, torch.get_num_threads())  # of our pipelines; the reference takes all that PyTorch does
WARM_UP = 640  # images before the clock starts
PIPELINES = ["reference", *(f"{name}, {threads}" for name in MODELS for threads in THREADS)]
REQUIRED = {"net-25k": 6.0, "net-8k": 4.0}  # times as fast as the reference pipeline, with all its threads


class PlainNet8k(Net8k):
    """The reference network as it is written without regard to speed."""

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
    """Train net-8k on so many images the way PyTorch's tutorials do."""
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


def run_ours(name: str, threads: int, images: int) -> None:
    """Train a network on so many images with its default recipe."""
    x, y = load_mnist()
    for _ in train(build_model(name, seed=0), x[:images], y[:images], get_settings(name), threads=threads):
        pass


def timed(pipeline: str, images: int, answer: multiprocessing.SimpleQueue) -> None:
    """Put the seconds of one run, after a warm-up, and the process's peak memory in bytes into `answer`."""

    def run(images: int) -> float:
        started = time.perf_counter()
        if pipeline == "reference":
            run_reference(images)
        else:
            name, threads = pipeline.split(", ")
            run_ours(name, int(threads), images)
        return time.perf_counter() - started

    run(WARM_UP)
    answer.put((run(images), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def in_own_process(pipeline: str, images: int) -> tuple[float, int]:
    """`timed` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=timed, args=(pipeline, images, answer))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"The run of {pipeline} failed; what it printed above says why.")
    return answer.get()


def matmul_rate() -> float:
    """Floating-point operations per second of the best of several 2048×2048 float32 matrix products."""
    matrix = torch.randn(2048, 2048)
    seconds = []
    for _ in range(12):
        started = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - started)
    return 2 * 2048**3 / min(seconds)


def operations(name: str) -> int:
    """Floating-point operations of one training epoch: the convolutions of 60,000 images, forward and backward."""
    model = build_model(name, seed=0)
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(10, 1, 28, 28)).sum().backward()
    return counter.get_total_flops() * (EPOCH // 10)


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=15_000, help="images per run (default: 15000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all pipelines (default: 3)")
    arguments = parser.parse_args()

    runs: dict[str, list[tuple[float, int]]] = {pipeline: [] for pipeline in PIPELINES}
    for _ in range(arguments.rounds):
        for pipeline in PIPELINES:
            runs[pipeline].append(in_own_process(pipeline, arguments.images))
    rate = matmul_rate()

    rows = {}
    for pipeline in PIPELINES:
        name, _, threads = pipeline.partition(", ")
        seconds = [run[0] * EPOCH / arguments.images for run in runs[pipeline]]
        references = [run[0] * EPOCH / arguments.images for run in runs["reference"]]
        ratios = [reference / user_model for reference, user_model in zip(references, seconds, strict=True)]
        count = operations("net-8k" if name == "reference" else name)
        rows[pipeline] = {
            "seconds_per_epoch": statistics.median(seconds),
            "times_as_fast": statistics.median(ratios),
            "times_as_fast_each_round": ratios,
            "threads": int(threads or THREADS[-1]),
            "required": REQUIRED.get(name),
            "operations_per_epoch": count,
            "share_of_matmul_rate": count / statistics.median(seconds) / rate,
            "peak_memory_bytes": max(run[1] for run in runs[pipeline]),
        }
    print(f"{torch.get_num_threads()} threads, {rate / 1e9:.0f} GFLOP/s in a float32 matmul, {arguments.rounds} rounds")
    print(f"{'pipeline':<14}{'s/epoch':>9}{'faster':>9}{'of limit':>10}{'memory':>10}")
    for pipeline, row in rows.items():
        print(
            f"{pipeline:<14}{row['seconds_per_epoch']:>9.1f}{row['times_as_fast']:>8.2f}×"
            f"{row['share_of_matmul_rate']:>10.1%}{row['peak_memory_bytes'] / 2**20:>6.0f} MiB"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    measured = {"threads": torch.get_num_threads(), "matmul_flops": rate, "pipelines": rows}
    RESULTS.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
