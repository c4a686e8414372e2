"""Publish the app as a Hugging Face Space.

    python -m deploy.space USER/SPACE [--hardware cpu-basic] [--torch-index ADDRESS] [--dry-run]

It uploads the files that git tracks, changed where the hardware asks for it, and deletes what else the Space contains.
huggingface_hub, which comes with Gradio, is all that it needs.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

PROJECT = Path(__file__).parents[1]
ZERO_GPU = "zero-a10g"  # the hub's name for ZeroGPU, whatever the GPU
CPU = "cpu-basic"
# ZeroGPU offers neither the versions of requirements.txt nor a build without CUDA.
ZERO_GPU_VERSIONS = {"torch": "2.11.0", "torchvision": "0.26.0"}

_PAYMENT_REQUIRED = (
    "A Space on cpu-basic needs a paid plan (PRO, Team or Enterprise); the hub answers 402 otherwise. A free account "
    "with a verified email that is older than 30 days may have two Spaces on ZeroGPU: leave --hardware out."
)


class DeployError(RuntimeError):
    """The Space was not published; the message says why, and what to do."""


def stage(folder: Path, name: str, hardware: str, torch_index: str | None = None) -> None:
    """Write the files of a Space into a new folder.

    Args:
        folder: to create.
        name: of the Space, USER/SPACE.
        hardware: `ZERO_GPU`, or any other name that the hub has.
        torch_index: address of PyTorch's package index for the CPU, which makes the Space install the CPU-only build;
            None for the default build. Ignored on ZeroGPU.

    Raises:
        DeployError: git does not know which files belong to the project.
    """
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True)
    if listing.returncode:
        raise DeployError("This folder is not a git repository. Publish from a clone that git made.")
    for file in filter(None, listing.stdout.split("\0")):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / file, folder / file)
    readme, requirements = folder / "README.md", folder / "requirements.txt"
    thumbnail = f"thumbnail: https://huggingface.co/spaces/{name}/resolve/main/docs/draw.png"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("---\n", f"---\n{thumbnail}\n", 1), encoding="utf-8")
    pins = requirements.read_text(encoding="utf-8")
    if hardware == ZERO_GPU:
        for package, version in ZERO_GPU_VERSIONS.items():
            pins = re.sub(rf"^{package}==.*$", f"{package}=={version}", pins, flags=re.MULTILINE)
        requirements.write_text(pins, encoding="utf-8")
    elif torch_index:
        lines = [f"--index-url {torch_index}", *re.findall(r"^torch\w*==.*$", pins, re.MULTILINE)]
        (folder / "pre-requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def publish(folder: Path, name: str, hardware: str) -> None:
    """Create the Space if it does not exist, and make its files those of the folder.

    Raises:
        DeployError: nobody is logged in, the account has no paid plan, or the hub refuses.
    """
    api = HfApi()
    try:
        user = api.whoami()
    except LocalTokenNotFoundError as error:
        raise DeployError("Not logged in. Run `hf auth login` with a token that has write access.") from error
    except HfHubHTTPError as error:
        raise DeployError(f"The hub does not accept the token: {error}. Run `hf auth login` with a new one.") from error
    if hardware == CPU and user["name"] == name.split("/")[0] and not user.get("isPro"):
        raise DeployError(_PAYMENT_REQUIRED)
    try:
        api.create_repo(name, repo_type="space", space_sdk="gradio", space_hardware=hardware, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            repo_type="space",
            delete_patterns="*",
            commit_message="Publish the MNIST sketchpad",
        )
    except HfHubHTTPError as error:
        raise DeployError(_PAYMENT_REQUIRED if error.response.status_code == 402 else str(error)) from error


def show(folder: Path) -> None:
    """Print the names of a Space's files, and which packages it installs."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            print(path.relative_to(folder).as_posix())
    for path in folder.glob("*requirements.txt"):
        print(f"\n{path.name}:\n{path.read_text(encoding='utf-8')}")


def main() -> None:
    """Publish a Space, or show what would be published."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="USER/SPACE")
    parser.add_argument("--hardware", default=ZERO_GPU, help=f"{CPU}, for example (default: %(default)s, ZeroGPU)")
    parser.add_argument("--torch-index", metavar="ADDRESS", help="PyTorch's package index for the CPU")
    parser.add_argument("--dry-run", action="store_true", help="show the files; needs no network")
    options = parser.parse_args()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", options.name):
        parser.error(f"{options.name!r} is not the name of a Space. Give it as USER/SPACE.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "space"
        try:
            stage(folder, options.name, options.hardware, options.torch_index)
            if options.dry_run:
                show(folder)
            else:
                publish(folder, options.name, options.hardware)
        except DeployError as error:
            sys.exit(str(error))
    print(f"https://huggingface.co/spaces/{options.name}")


if __name__ == "__main__":
    main()
