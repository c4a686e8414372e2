"""The page's HTML, CSS and JavaScript, which are files of their own."""

from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent

PAGE_STYLES = _FOLDER.parent / "app.css"  # of what is not a component's


def component_files(name: str) -> dict[str, Any]:
    """What makes a `gr.HTML` of `NAME/NAME.css` and, where they exist, `NAME.html` and `NAME.js`, as its arguments.

    The styles hold inside elements of the class NAME, which the component gets. The script runs as the body of a
    function when the component is loaded; where there is a `NAME.json`, it is in the script's scope as `data`.
    """
    files = {ending: _read(f"{name}.{ending}") for ending in ("css", "html", "js", "json")}
    arguments: dict[str, Any] = {
        "apply_default_css": False,
        "elem_classes": name,
        # As a `css_template` it would be compiled anew, and the whole page's styles with it, at every change of the
        # component's value. The block that Gradio puts around the component gets the class too, and has a padding.
        "head": f"<style>.block.{name} {{ --block-padding: 0 }}\n.{name}:not(.block) {{\n{files['css']}}}</style>",
        "js_on_load": files["js"],
    }
    if files["html"]:
        arguments["html_template"] = files["html"]
    if files["json"]:
        arguments["js_on_load"] = f"const data = {files['json']};\n{files['js']}"
    return arguments


def _read(file: str) -> str | None:
    path = _FOLDER / Path(file).stem / file
    return path.read_text(encoding="utf-8") if path.exists() else None
