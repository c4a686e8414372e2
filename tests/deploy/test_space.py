import http.server
import json
import re
import subprocess
import sys
import threading
import urllib.parse

import pytest

from deploy.space import CPU, ZERO_GPU, stage
from tests.support import PROJECT
from tests.support.documents import front_matter

NAME = "someone/sketchpad"


class Hub:
    """A local stand-in for the hub: what it was asked, and the files of its only Space."""

    def __init__(self, is_pro=False, create_status=200):
        self.is_pro, self.create_status = is_pro, create_status
        self.created, self.files = None, {"old.py": b"", ".gitattributes": b""}

    def answer(self, path, body):
        """Status and JSON of an answer."""
        space = f"/api/spaces/{NAME}"
        if path == "/api/whoami-v2":
            return 200, {"type": "user", "name": "someone", "isPro": self.is_pro, "orgs": []}
        if path == "/api/repos/create":
            self.created = json.loads(body)
            return self.create_status, {"url": f"https://huggingface.co/spaces/{NAME}"}
        if path == f"{space}/preupload/main":
            mode = {"uploadMode": "regular", "shouldIgnore": False}
            return 200, {"files": [{"path": file["path"]} | mode for file in json.loads(body)["files"]]}
        if path == f"{space}/commit/main":
            for entry in map(json.loads, body.splitlines()):
                value = entry["value"]
                if entry["key"] == "file":
                    self.files[value["path"]] = value["content"]
                elif entry["key"] == "deletedFile":
                    del self.files[value["path"]]
            return 200, {
                "commitUrl": f"https://huggingface.co/spaces/{NAME}/commit/1",
                "commitOid": "1",
                "hookOutput": "",
            }
        if path == f"{space}/tree/main":
            return 200, [{"type": "file", "path": name, "oid": "0", "size": 0} for name in self.files]
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        return 404, {"error": path}


@pytest.fixture
def publish(tmp_path):
    """Runs `python -m deploy.space` against a stand-in for the hub."""
    servers = []

    def publish(hub, *arguments, token="hf_token"):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, answer = hub.answer(urllib.parse.urlsplit(self.path).path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}",
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
            "PATH": "/usr/bin:/bin",
        } | ({"HF_TOKEN": token} if token else {})
        command = [sys.executable, "-m", "deploy.space", NAME, *arguments]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)

    yield publish
    for server in servers:
        server.shutdown()
        server.server_close()


def read(path):
    return path.read_text(encoding="utf-8")


def test_free_space_gets_the_versions_of_zero_gpu(tmp_path):
    stage(tmp_path / "space", NAME, ZERO_GPU, "https://pytorch/cpu")
    pins = read(tmp_path / "space" / "requirements.txt").split()
    assert pins[:2] == ["torch==2.11.0", "torchvision==0.26.0"]
    assert pins[2:] == read(PROJECT / "requirements.txt").split()[2:]
    assert not (tmp_path / "space" / "pre-requirements.txt").exists()  # a build without CUDA does not work there
    assert front_matter(tmp_path / "space")["python_version"] in ("3.10.13", "3.12.12")


def test_paid_space_gets_the_build_of_torch_for_the_cpu(tmp_path):
    stage(tmp_path / "space", NAME, CPU, "https://pytorch/cpu")
    pins = read(PROJECT / "requirements.txt")
    assert read(tmp_path / "space" / "requirements.txt") == pins
    lines = read(tmp_path / "space" / "pre-requirements.txt").splitlines()
    assert lines == ["--index-url https://pytorch/cpu", *re.findall("torch.*", pins)]


def test_space_has_the_tracked_files_and_an_image_of_its_own(tmp_path):
    stage(tmp_path / "space", NAME, CPU)
    staged = {str(path.relative_to(tmp_path / "space")) for path in (tmp_path / "space").rglob("*") if path.is_file()}
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert staged == set(tracked.split("\n")) - {""}
    fields = front_matter(tmp_path / "space")
    thumbnail = fields.pop("thumbnail")
    assert (PROJECT / thumbnail.removeprefix(f"https://huggingface.co/spaces/{NAME}/resolve/main/")).is_file()
    assert fields == front_matter()


def test_publishing_makes_the_space_the_same_as_the_repository(publish):
    hub = Hub()
    run = publish(hub)
    assert run.returncode == 0, run.stderr
    assert hub.created["sdk"] == "gradio" and hub.created["hardware"] == ZERO_GPU
    assert "old.py" not in hub.files and ".gitattributes" in hub.files
    assert {"app.py", "requirements.txt", "weights/net-25k.pt"} <= set(hub.files)
    assert f"/spaces/{NAME}" in run.stdout


@pytest.mark.parametrize(
    ("hub", "arguments", "token", "message"),
    [
        (Hub(), [], None, "Not logged in. Run `hf auth login`"),
        (Hub(), ["--hardware", CPU], "hf_token", "needs a paid plan"),
        (Hub(is_pro=True, create_status=402), ["--hardware", CPU], "hf_token", "needs a paid plan"),
    ],
)
def test_refusal_is_explained(publish, hub, arguments, token, message):
    run = publish(hub, *arguments, token=token)
    assert run.returncode == 1
    assert message in run.stderr and "Traceback" not in run.stderr
    assert "old.py" in hub.files


def test_dry_run_lists_the_files_without_network(publish):
    hub = Hub()
    run = publish(hub, "--dry-run", token=None)
    assert run.returncode == 0, run.stderr
    assert "weights/net-25k.pt\n" in run.stdout and "torch==2.11.0" in run.stdout
    assert hub.created is None
