import contextlib
import functools
import gzip
import hashlib
import http.server
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torchvision import datasets

from mnist_cnn.data import DataError, load_mnist, mnist
from mnist_cnn.data.mnist import data_root, download_progress, load_mnist_shared, split_validation
from tests.support import PROJECT
from tests.support.mnist_files import write_mnist


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])


def test_training_and_test_set_are_loaded_as_tensors(small_root, small_arrays):
    for train, (images, labels) in zip((True, False), small_arrays, strict=True):
        loaded_images, loaded_labels = load_mnist(small_root, train=train)
        assert loaded_images.dtype == torch.uint8
        assert loaded_labels.dtype == torch.int64
        assert (loaded_images.numpy() == images).all()
        assert (loaded_labels.numpy() == labels).all()


def test_mnist_has_its_published_statistics(mnist_root):
    images, labels = load_mnist(mnist_root, train=True)
    assert images.shape == (60_000, 28, 28)
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (images.double() / 255).mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert (images.double() / 255).std().item() == pytest.approx(0.3081, abs=5e-5)


def test_root_is_argument_then_environment_then_project(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path / "environment"))
    assert data_root(tmp_path) == tmp_path
    assert data_root() == tmp_path / "environment"
    monkeypatch.delenv("MNIST_ROOT")
    assert data_root() == PROJECT / "data"


def test_error_without_network_says_where_to_put_the_files(no_network, tmp_path):
    with pytest.raises(DataError) as error:
        load_mnist(tmp_path)
    message = str(error.value)
    for part in (str(tmp_path / "MNIST" / "raw"), "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "MNIST_ROOT"):
        assert part in message


def test_error_without_network_names_the_files_of_the_other_set(no_network, tmp_path, small_arrays):
    write_mnist(tmp_path, *small_arrays)
    for file in (tmp_path / "MNIST" / "raw").glob("t10k-*"):
        file.unlink()
    with pytest.raises(DataError, match=r"put t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte \("):
        load_mnist(tmp_path, train=True)


@pytest.mark.parametrize("corruption", ["truncated", "empty", "text"])
def test_corrupt_files_are_reported_without_network(no_network, tmp_path, small_arrays, corruption):
    write_mnist(tmp_path, *small_arrays)
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = file.read_bytes()
    corrupt = {"truncated": content[: len(content) // 2], "empty": b"", "text": b"<html>Not found</html>"}
    file.write_bytes(corrupt[corruption])
    with pytest.raises(DataError, match=r"corrupt.*Delete both"):
        load_mnist(tmp_path, train=False)
    assert len(load_mnist(tmp_path, train=True)[0]) == 400


@pytest.fixture
def mirror(tmp_path, monkeypatch, small_root):
    """A local mirror that serves the small data set as MNIST."""
    archives = tmp_path / "mirror"
    archives.mkdir()
    resources, checksums = [], {}
    for file in sorted((small_root / "MNIST" / "raw").iterdir()):
        content = file.read_bytes()
        archive = archives / f"{file.name}.gz"
        archive.write_bytes(gzip.compress(content))
        resources.append((archive.name, hashlib.md5(archive.read_bytes()).hexdigest()))
        checksums[file.name] = (len(content), hashlib.sha256(content).hexdigest())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(archives))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        unreachable = "http://127.0.0.1:9/"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(datasets.MNIST, "mirrors", [unreachable, f"http://127.0.0.1:{server.server_address[1]}/"])
        monkeypatch.setattr(datasets.MNIST, "resources", resources)
        monkeypatch.setattr(mnist, "_CHECKSUMS", checksums)
        yield Handler
        server.shutdown()


@pytest.mark.parametrize("corruption", ["one byte", "truncated", "empty", "text"])
def test_corrupt_files_are_downloaded_again(mirror, tmp_path, small_root, small_sets, corruption, caplog):
    root = tmp_path / "copy"
    shutil.copytree(small_root, root)
    file = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    corrupt = {"one byte": content, "truncated": content[:5000], "empty": b"", "text": b"<html>"}
    file.write_bytes(corrupt[corruption])
    images, labels = load_mnist(root, train=False)
    assert torch.equal(images, small_sets[1][0]) and torch.equal(labels, small_sets[1][1])
    assert "t10k-images-idx3-ubyte" in caplog.text and "Downloading it again" in caplog.text
    assert sorted(path.name for path in file.parent.iterdir()) == sorted(mnist._CHECKSUMS)
    caplog.clear()
    load_mnist(root, train=False)
    assert caplog.text == ""


def test_missing_files_are_downloaded(mirror, tmp_path, small_sets):
    assert torch.equal(load_mnist(tmp_path / "new", train=True)[0], small_sets[0][0])


def test_two_processes_may_download_into_one_folder_at_once(mirror, tmp_path, small_sets, monkeypatch):
    started = threading.Event()

    def send_slowly(handler, source, output):
        while chunk := source.read(2048):
            output.write(chunk)
            time.sleep(0.01)
            started.set()

    monkeypatch.setattr(mirror, "copyfile", send_slowly)
    root = tmp_path / "new"
    with ThreadPoolExecutor(2) as pool:  # nothing is shared between two calls but the folder
        first = pool.submit(load_mnist, root, train=True)
        started.wait()
        second = pool.submit(load_mnist, root, train=False)
    assert torch.equal(first.result()[0], small_sets[0][0])
    assert torch.equal(second.result()[0], small_sets[1][0])
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(mnist._CHECKSUMS)


@pytest.mark.parametrize("limit", ["_MAX_SILENCE_SECONDS", "_MAX_DOWNLOAD_SECONDS"])
def test_mirror_that_stalls_is_given_up(mirror, tmp_path, monkeypatch, limit):
    given_up = threading.Event()

    def stall(handler, source, output):
        with contextlib.suppress(ConnectionError):
            while not given_up.wait(0.05):
                if limit == "_MAX_DOWNLOAD_SECONDS":
                    output.write(b"0")

    monkeypatch.setattr(mirror, "copyfile", stall)
    monkeypatch.setattr(mnist, limit, 0.2)
    try:
        with pytest.raises(DataError, match=r"the download failed: .*(timed out|too slowly)\. Try again"):
            load_mnist(tmp_path / "new")
    finally:
        given_up.set()


def test_one_changed_byte_fails_mnists_checksum(no_network, tmp_path, mnist_root):
    folder = tmp_path / "MNIST" / "raw"
    shutil.copytree(mnist_root / "MNIST" / "raw", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    assert len(load_mnist(tmp_path, train=False)[0]) == 10_000
    file = folder / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[1_000_000] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="checksum mismatch of t10k-images-idx3-ubyte, and the download failed"):
        load_mnist(tmp_path, train=False)
    assert file.read_bytes() == content


def test_different_numbers_of_images_and_labels_are_an_error(tmp_path, small_arrays):
    (images, labels), test = small_arrays
    write_mnist(tmp_path, (images, labels[:-1]), test)
    with pytest.raises(DataError, match="do not match"):
        load_mnist(tmp_path)


def test_validation_blocks_are_spread_over_the_training_set():
    images, labels = torch.arange(50), torch.arange(50) % 10
    training, validation = split_validation(images, labels, num_blocks=4, block_size=3)
    assert validation[0].tolist() == [0, 1, 2, 12, 13, 14, 25, 26, 27, 37, 38, 39]
    assert sorted(torch.cat([training[0], validation[0]]).tolist()) == list(range(50))
    for part in (training, validation):
        assert part[0].equal(part[0].sort().values)
        assert part[1].equal(part[0] % 10)


def test_validation_set_of_mnist_has_20_blocks_of_500():
    training, validation = split_validation(torch.arange(60_000), torch.arange(60_000))
    assert len(training[0]) == 50_000
    blocks = validation[0].view(20, 500)
    assert blocks[:, 0].tolist() == list(range(0, 60_000, 3_000))
    assert (blocks.diff(dim=1) == 1).all()


@pytest.mark.parametrize(("num_blocks", "block_size"), [(0, 500), (5, 0), (5, 10), (6, 10), (-5, -2)])
def test_split_without_training_or_validation_data_is_an_error(num_blocks, block_size):
    with pytest.raises(ValueError, match="Cannot hold out"):
        split_validation(torch.arange(50), torch.arange(50), num_blocks, block_size)


def test_download_progress_is_the_fraction_of_the_four_archives(tmp_path):
    assert download_progress(tmp_path) == 0
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(bytes(5_797_361))
    assert download_progress(tmp_path) == pytest.approx(0.5)
    (folder / "temporary").mkdir()
    (folder / "temporary" / "t10k-images-idx3-ubyte.gz").write_bytes(bytes(9_000_000))
    assert download_progress(tmp_path) == 1


def test_download_progress_is_1_if_all_files_exist(small_root):
    assert download_progress(small_root) == 1


def test_shared_mnist_is_loaded_once_unless_that_fails(no_network, tmp_path, small_root, monkeypatch):
    monkeypatch.setattr(mnist, "_loading", None)
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path))
    with pytest.raises(DataError):
        load_mnist_shared().result(60)
    monkeypatch.setenv("MNIST_ROOT", str(small_root))
    loading = [load_mnist_shared() for _ in range(4)]
    (images, labels), (test_images, _) = loading[0].result(60)
    assert (len(images), len(labels), len(test_images)) == (400, 400, 100)
    assert all(future is loading[0] for future in [*loading, load_mnist_shared()])
    assert not loading[0].cancel()
