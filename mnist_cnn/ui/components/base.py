"""How a component's files become a Gradio component, and the base class of components that receive JSON."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

_FOLDER = Path(__file__).parent


def component_files(name: str) -> dict[str, Any]:
    """Arguments for `gr.HTML` from the files in the folder `name`.

    Args:
        name: of the folder and its files: NAME.css, and where they exist NAME.html, NAME.js and NAME.json.

    Returns:
        `NAME.html` as the template; `NAME.css`, which applies only inside elements of the class that the component
        gets, NAME with hyphens; `NAME.js`, which runs as the body of a function once the component is on the page, with
        the content of `NAME.json` in its scope as `data`.
    """
    files = {suffix: _read(name, suffix) for suffix in ("css", "html", "js", "json")}
    css_class = name.replace("_", "-")
    arguments: dict[str, Any] = {
        "apply_default_css": False,
        "elem_classes": css_class,
        # Not `css_template`: Gradio would compile it again, and the browser would restyle the whole page, whenever the
        # component's value changes. Gradio puts a padded block with the same class around the component.
        "head": (
            f"<style>.block.{css_class} {{ --block-padding: 0 }}\n.{css_class}:not(.block) {{\n{files['css']}}}</style>"
        ),
        "js_on_load": files["js"],
    }
    if files["html"]:
        arguments["html_template"] = files["html"]
    if files["json"]:
        arguments["js_on_load"] = f"const data = {files['json']};\n{files['js']}"
    return arguments


def _read(name: str, suffix: str) -> str | None:
    path = _FOLDER / name / f"{name}.{suffix}"
    return path.read_text(encoding="utf-8") if path.exists() else None


class JsonComponent(gr.HTML):
    """A component whose script receives its value as JSON text and changes the page itself.

    Given an object instead of a text, Gradio's page would wrap and compare every number in it several times.

    Args:
        name: of the component's folder, see `component_files`.
        value: the first value, of types that JSON has.
        kwargs: further arguments of `gr.HTML`.
    """

    def __init__(self, name: str, value: Any, **kwargs: Any) -> None:
        super().__init__(value, **component_files(name), **kwargs)

    def postprocess(self, value: Any) -> str:
        """The value as JSON text."""
        return json.dumps(value, separators=(",", ":"))
