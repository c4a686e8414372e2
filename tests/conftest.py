"""The data sets that several tests need: a small one of the tests' own, and MNIST where it is available."""

import os
from pathlib import Path

import hypothesis
import pytest
import torch

from mnist_cnn.data import load_mnist
from tests.support.handwriting import handwriting
from tests.support.mnist_files import write_mnist

# One thread, here and in the processes that tests start: with more, every small operation waits for all of them, and
# other work on the machine holds them up.
_THREADS = os.environ.get("TEST_NUM_THREADS", "1")
torch.set_num_threads(int(_THREADS))
os.environ["OMP_NUM_THREADS"] = _THREADS

# An example may take as long as it must where other work holds it up, and use fixtures that are made once for all.
hypothesis.settings.register_profile(
    "fast", max_examples=100, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.register_profile("deep", hypothesis.settings.get_profile("fast"), max_examples=1000)
hypothesis.settings.load_profile("fast")


@pytest.fixture(scope="session")
def small_arrays():
    """Training and test digits that the tests drew: ((images, labels), (images, labels))."""
    return handwriting(400, seed=1), handwriting(100, seed=2)


@pytest.fixture(scope="session")
def small_root(small_arrays, tmp_path_factory):
    """A folder that holds the small data set as MNIST's files."""
    root = tmp_path_factory.mktemp("small")
    write_mnist(root, *small_arrays)
    return root


@pytest.fixture(scope="session")
def small_sets(small_root):
    """The small data set as `load_mnist` gives it: (images, labels) for training and for testing."""
    return load_mnist(small_root, train=True), load_mnist(small_root, train=False)


@pytest.fixture(scope="session")
def mnist_root():
    root = os.environ.get("MNIST_ROOT")
    if not root:
        pytest.skip("needs MNIST: set MNIST_ROOT to the folder that holds MNIST/raw")
    return Path(root)


@pytest.fixture(scope="session")
def mnist_test(mnist_root) -> tuple[torch.Tensor, torch.Tensor]:
    return load_mnist(mnist_root, train=False)
