"""The whole page, and the options to launch it with."""

from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ..classifier import BLANK_PREDICTION, load_classifier
from ..models import MODELS
from .components.base import component_files
from .draw_tab import DRAW_TAB_ID, create_draw_tab
from .server.bounded_protocol import limit_connections
from .server.guarded_blocks import GuardedBlocks
from .server.request_filter import MAX_UPLOAD_BYTES, RequestFilter
from .server.temporary_folder import use_temporary_folder
from .theme import theme
from .train_tab import TRAIN_TAB_ID, create_train_tab
from .zero_gpu import register_gpu_function

_MAX_QUEUED = 30  # training runs and image files that wait in Gradio's queue
_MAX_SESSIONS = 1000  # whose state is kept; beyond that, the session that was idle longest loses its state


def build_demo() -> gr.Blocks:
    """The page as Gradio Blocks, with the pretrained weights loaded.

    Raises:
        CheckpointError: pretrained weights are missing or damaged.
    """
    register_gpu_function()  # first, because it lets ZeroGPU change PyTorch
    pretrained = {name: load_classifier(name) for name in reversed(MODELS)}
    for classifier in pretrained.values():
        classifier.predict_image(BLANK_PREDICTION.image)  # warm-up: the first prediction takes several times as long
    use_temporary_folder()
    with GuardedBlocks(title="MNIST sketchpad", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        gr.HTML(**component_files("header"))
        with gr.Tabs() as tabs:
            with gr.Tab("Draw", id=DRAW_TAB_ID):
                draw = create_draw_tab(pretrained)
            with gr.Tab("Train", id=TRAIN_TAB_ID) as tab:
                create_train_tab(pretrained, draw, tabs, tab)
    # `api_open=False`: queued events cannot be called past the queue.
    demo.queue(max_size=_MAX_QUEUED, api_open=False)
    return demo


def launch_options() -> dict[str, Any]:
    """Arguments for `demo.launch` that the page needs wherever it is served; also limits the server's connections."""
    limit_connections()
    return {
        "theme": theme(),
        "css_paths": [Path(__file__).with_name("app.css")],
        "run_history": False,  # would keep every drawing in the browser's storage
        "ssr_mode": False,  # would need Node.js
        "allowed_paths": [],
        "favicon_path": Path(__file__).with_name("icon.svg"),
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD_BYTES,
        "state_session_capacity": _MAX_SESSIONS,
        "app_kwargs": {"middleware": [Middleware(RequestFilter, upload_folder=use_temporary_folder())]},
        "footer_links": ["api", "gradio"],
    }
