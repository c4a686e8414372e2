"""The page's HTML, CSS and JavaScript, which are files of their own."""

from pathlib import Path
from typing import Any

_STATIC = Path(__file__).parent / "static"


def component_files(name: str) -> dict[str, Any]:
    """What makes a `gr.HTML` of `static/NAME.css` and, where they exist, `NAME.html` and `NAME.js`, as its arguments.

    The script runs as the body of a function when the component is loaded; where there is a `NAME.json`, it is in the
    script's scope as `data`.
    """
    arguments: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
    for argument, ending in (("html_template", "html"), ("css_template", "css"), ("js_on_load", "js")):
        file = _STATIC / f"{name}.{ending}"
        if file.exists():
            arguments[argument] = file.read_text(encoding="utf-8")
    data = _STATIC / f"{name}.json"
    if data.exists():
        arguments["js_on_load"] = f"const data = {data.read_text(encoding='utf-8')};\n{arguments['js_on_load']}"
    return arguments
