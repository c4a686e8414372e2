"""What the documents say, for tests."""

import re

from tests.support import PROJECT


def front_matter():
    """The configuration of a Hugging Face Space at the top of the README."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL).group(1)
    return dict(line.split(": ", 1) for line in block.splitlines())
