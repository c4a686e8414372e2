"""What the documents say, for tests."""

import re

import yaml

from tests.support import PROJECT


def front_matter(folder=PROJECT):
    """The metadata at the top of a folder's README, which configures a Hugging Face Space or describes a model."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", text, re.DOTALL).group(1))
