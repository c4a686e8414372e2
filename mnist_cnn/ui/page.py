"""The whole page, and how to serve it."""

from typing import Any

import gradio as gr

from ..classifier import load_classifier
from ..models import MODELS
from .assets import component_files
from .draw_tab import build_draw_tab
from .train_tab import build_train_tab


def build_demo() -> gr.Blocks:
    """The page as Gradio Blocks, with the shipped weights loaded.

    Raises:
        WeightsError: shipped weights are missing or damaged.
    """
    shipped = {name: load_classifier(name) for name in reversed(MODELS)}
    with gr.Blocks(title="MNIST sketchpad", analytics_enabled=False, delete_cache=(3600, 3600)) as demo:
        gr.HTML(**component_files("header"))
        with gr.Tab("Draw"):
            draw = build_draw_tab(shipped)
        with gr.Tab("Train"):
            build_train_tab(shipped, draw)
    return demo


def launch_options() -> dict[str, Any]:
    """Arguments of `demo.launch` that belong to this page, wherever it is served."""
    return {
        "run_history": False,  # it would keep every drawing in the browser's storage
        "ssr_mode": False,  # would need Node.js
        "max_file_size": "10mb",
        "footer_links": ["api", "gradio"],
    }
