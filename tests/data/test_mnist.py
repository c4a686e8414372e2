import functools
import gzip
import hashlib
import http.server
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torchvision import datasets

from mnist_cnn.data import DataError, load_mnist
from mnist_cnn.data.mnist import DEFAULT_ROOT, data_root, download_progress, load_mnist_cached, split_validation
from tests.support.mnist_files import write_mnist


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])


def test_loads_both_halves_as_tensors(small_root, small_arrays):
    for train, (images, labels) in zip((True, False), small_arrays, strict=True):
        loaded_images, loaded_labels = load_mnist(small_root, train=train)
        assert loaded_images.dtype == torch.uint8
        assert loaded_labels.dtype == torch.int64
        assert (loaded_images.numpy() == images).all()
        assert (loaded_labels.numpy() == labels).all()


def test_loads_mnist(mnist_root):
    images, labels = load_mnist(mnist_root, train=True)
    assert images.shape == (60_000, 28, 28)
    # Class sizes and the statistics that everybody normalises with.
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (images.double() / 255).mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert (images.double() / 255).std().item() == pytest.approx(0.3081, abs=5e-5)


def test_root_is_the_argument_then_the_environment_then_the_project(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path / "environment"))
    assert data_root(tmp_path) == tmp_path
    assert data_root() == tmp_path / "environment"
    monkeypatch.delenv("MNIST_ROOT")
    assert data_root() == DEFAULT_ROOT


def test_without_network_says_what_to_put_where(no_network, tmp_path):
    with pytest.raises(DataError) as error:
        load_mnist(tmp_path)
    message = str(error.value)
    for part in (str(tmp_path / "MNIST" / "raw"), "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "MNIST_ROOT"):
        assert part in message


@pytest.mark.parametrize("damage", ["cut", "emptied", "text"])
def test_damaged_files_are_said_to_be_damaged(no_network, tmp_path, small_arrays, damage):
    write_mnist(tmp_path, *small_arrays)
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "emptied": b"", "text": b"<html>Not found</html>"}[damage])
    with pytest.raises(DataError, match=r"damaged.*Delete both"):
        load_mnist(tmp_path, train=False)
    assert len(load_mnist(tmp_path, train=True)[0]) == 400


@pytest.fixture
def mirror(tmp_path, monkeypatch, small_root):
    """A mirror on this machine, whose MNIST is the small data set."""
    packed = tmp_path / "mirror"
    packed.mkdir()
    resources, published = [], {}
    for file in sorted((small_root / "MNIST" / "raw").iterdir()):
        content = file.read_bytes()
        archive = packed / f"{file.name}.gz"
        archive.write_bytes(gzip.compress(content))
        resources.append((archive.name, hashlib.md5(archive.read_bytes()).hexdigest()))
        published[file.name] = (len(content), hashlib.sha256(content).hexdigest())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(packed))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        nobody = "http://127.0.0.1:9/"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(datasets.MNIST, "mirrors", [nobody, f"http://127.0.0.1:{server.server_address[1]}/"])
        monkeypatch.setattr(datasets.MNIST, "resources", resources)
        monkeypatch.setattr(data, "_PUBLISHED", published)
        yield
        server.shutdown()


@pytest.mark.parametrize("damage", ["one byte", "cut", "emptied", "text"])
def test_damaged_files_are_mended_by_a_download(mirror, tmp_path, small_root, small_sets, damage, caplog):
    root = tmp_path / "copy"
    shutil.copytree(small_root, root)
    file = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes({"one byte": content, "cut": content[:5000], "emptied": b"", "text": b"<html>"}[damage])
    images, labels = load_mnist(root, train=False)
    assert torch.equal(images, small_sets[1][0]) and torch.equal(labels, small_sets[1][1])
    assert "t10k-images-idx3-ubyte" in caplog.text and "Fetching this half anew" in caplog.text
    assert sorted(path.name for path in file.parent.iterdir()) == sorted(data._CHECKSUMS)
    caplog.clear()
    load_mnist(root, train=False)
    assert caplog.text == ""


def test_what_is_missing_is_fetched(mirror, tmp_path, small_sets):
    assert torch.equal(load_mnist(tmp_path / "new", train=True)[0], small_sets[0][0])


def test_one_changed_byte_of_mnist_is_found(no_network, tmp_path, mnist_root):
    folder = tmp_path / "MNIST" / "raw"
    shutil.copytree(mnist_root / "MNIST" / "raw", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    assert len(load_mnist(tmp_path, train=False)[0]) == 10_000
    file = folder / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[1_000_000] ^= 1
    file.write_bytes(content)
    with pytest.raises(
        DataError, match=r"t10k-images-idx3-ubyte has not the checksum of MNIST's, and fetching it anew"
    ):
        load_mnist(tmp_path, train=False)
    assert file.read_bytes() == content


def test_images_and_labels_must_fit_together(tmp_path, small_arrays):
    (images, labels), test = small_arrays
    write_mnist(tmp_path, (images, labels[:-1]), test)
    with pytest.raises(DataError, match="do not fit"):
        load_mnist(tmp_path)


def test_the_split_cuts_off_the_end():
    images, labels = torch.arange(50), torch.arange(50) % 10
    training, validation = split_validation(images, labels, 20)
    assert torch.equal(training[0], torch.arange(30))
    assert torch.equal(validation[0], torch.arange(30, 50))
    assert torch.equal(training[0] % 10, training[1])
    assert torch.equal(validation[0] % 10, validation[1])


@pytest.mark.parametrize("count", [0, 50, 60])
def test_a_split_that_leaves_one_part_empty_is_refused(count):
    with pytest.raises(ValueError, match="between 1 and 49 can be set aside"):
        split_validation(torch.arange(50), torch.arange(50), count)


def test_the_share_that_has_arrived_is_that_of_the_four_files(tmp_path):
    assert download_progress(tmp_path) == 0
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(bytes(5_797_361))
    assert download_progress(tmp_path) == pytest.approx(0.5)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(bytes(9_000_000))
    assert download_progress(tmp_path) == 1


def test_nothing_is_to_be_fetched_where_the_files_are(small_root):
    assert download_progress(small_root) == 1


def test_both_halves_are_loaded_once_for_all(small_root, monkeypatch):
    monkeypatch.setenv("MNIST_ROOT", str(small_root))
    data._both.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: load_mnist_cached(), range(4)))
    data._both.cache_clear()
    assert all(sets is loaded[0] for sets in loaded)
    (images, labels), (test_images, _) = loaded[0]
    assert (len(images), len(labels), len(test_images)) == (400, 400, 100)
