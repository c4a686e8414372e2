"""The page's HTML, CSS and JavaScript, which are files of their own."""

from pathlib import Path

_STATIC = Path(__file__).parent / "static"


def asset(name: str) -> str:
    """The text of a file in `static/`."""
    return (_STATIC / name).read_text(encoding="utf-8")
