"""Two replicas of the app behind the balancer of `deploy/`, at a path of its own, as users see them."""

import contextlib
import http.client
import json
import shutil
import subprocess
import time
import urllib.request
from typing import NamedTuple

import pytest

from mnist_cnn.checkpoint import load_checkpoint
from tests.support import PROJECT
from tests.support.browser import draw, expect, open_page
from tests.support.digits import DIGITS
from tests.support.mnist_files import write_tiled_mnist
from tests.support.page import DESKTOP, digit, enter, open_tab, open_train, train, wait_for
from tests.support.server import free_port, serving

pytestmark = pytest.mark.slow

ROOT_PATH = "/digits"
LOST = "text=Connection to the server was lost"


class Replicas(NamedTuple):
    """The balancer's address, and the replicas' processes by the value of its cookie."""

    url: str
    processes: dict


@pytest.fixture(scope="module")
def root(small_arrays, tmp_path_factory):
    """10,000 images, on which net-8k with a batch size of 8 trains for many seconds."""
    return write_tiled_mnist(tmp_path_factory.mktemp("replicas"), *small_arrays, copies=25)


@pytest.fixture(scope="module")
def replicas(root):
    haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if haproxy is None:
        pytest.skip("needs HAProxy: apt-get install haproxy (Debian)")
    port = free_port()
    variables = {"MNIST_ROOT": str(root), "GRADIO_ROOT_PATH": ROOT_PATH}
    with contextlib.ExitStack() as stack:
        apps = [stack.enter_context(serving(cores=2, **variables)) for _ in range(2)]
        addresses = [url.removeprefix("http://").rstrip("/") for url, _ in apps]
        environment = {
            "LISTEN": f"127.0.0.1:{port}",
            "REPLICA_ONE": addresses[0],
            "REPLICA_TWO": addresses[1],
        }
        command = [haproxy, "-db", "-f", str(PROJECT / "deploy" / "haproxy.cfg")]
        balancer = stack.enter_context(subprocess.Popen(command, env=environment))
        stack.callback(balancer.terminate)
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ROOT_PATH}/").close()
                break
            time.sleep(0.1)
        yield Replicas(f"http://127.0.0.1:{port}{ROOT_PATH}/", {"one": apps[0][1], "two": apps[1][1]})


@pytest.fixture
def pages(browser, replicas):
    """Two users' pages. Unlike those of `open_page`, they may log errors."""
    contexts = [browser.new_context(viewport=DESKTOP) for _ in range(2)]
    yield [open_page(context, replicas.url) for context in contexts]
    for context in contexts:
        context.close()


def replica(page):
    """The name of the replica that has the page's session."""
    (cookie,) = (cookie for cookie in page.context.cookies() if cookie["name"] == "replica")
    return cookie["value"]


def config(replicas, **headers):
    request = urllib.request.Request(f"{replicas.url}config", headers=headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_links_have_the_address_that_the_browser_shows(replicas):
    assert config(replicas)["root"] == replicas.url.rstrip("/")
    behind_tls = config(replicas, Host="example.org", **{"X-Forwarded-Proto": "https"})
    assert behind_tls["root"] == f"https://example.org{ROOT_PATH}"


def test_too_large_upload_ends_at_the_balancer(replicas):
    connection = http.client.HTTPConnection(replicas.url.split("/")[2], timeout=60)
    connection.putrequest("POST", f"{ROOT_PATH}/gradio_api/upload")
    connection.putheader("Content-Length", str(11 * 2**20))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_users_are_spread_and_keep_their_replica_until_it_dies(replicas, pages, tmp_path):
    first, second = pages
    assert {replica(first), replica(second)} == {"one", "two"}

    # The drawing, the run and the model of a user are those of one session, in one replica.
    draw(first, DIGITS[4])
    assert digit(first) == "4"
    open_train(first)
    first.click("#settings button")
    enter(first.get_by_label("Seed"), "7")
    train(first)
    first.get_by_role("button", name="Copy link").click()
    first.wait_for_url(f"{replicas.url}?tab=train&**seed=7**")
    with first.expect_download() as download:
        first.click("#weights")
    assert download.value.url.startswith(replicas.url)
    download.value.save_as(tmp_path / "weights.pt")
    assert load_checkpoint(tmp_path / "weights.pt").settings["seed"] == 7
    first.click("#use")
    expect(first.locator("#pad")).to_be_visible()
    first.keyboard.press("c")
    draw(first, DIGITS[1])
    assert digit(first)
    expect(first.get_by_label("Your model")).to_be_checked()

    # What a run reports arrives at once, although the run is far from its end.
    open_train(second, "model=net-8k&batch_size=8")
    second.click("#train")
    second.click("#pause")
    wait_for(second, "Paused")

    # The death of a replica is said to its users, and their drawing goes to the other.
    process = replicas.processes[replica(second)]
    process.kill()
    process.wait()
    second.wait_for_selector(LOST)
    open_tab(first, "Draw")
    first.keyboard.press("c")
    draw(first, DIGITS[2])
    assert digit(first)
    second.wait_for_selector(LOST, state="detached")
    open_tab(second, "Draw")
    draw(second, DIGITS[3])
    assert digit(second) == "3"
    assert replica(second) == replica(first)
