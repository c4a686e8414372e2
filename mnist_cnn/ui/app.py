"""The whole page, and how to serve it."""

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ..classifier import BLANK_PREDICTION, load_classifier
from ..models import MODELS
from .components.base import PAGE_STYLES, component_files
from .draw_tab import build_draw_tab
from .server.guarded_blocks import GuardedBlocks
from .server.request_filter import UPLOAD_BYTES, RequestFilter
from .theme import theme
from .train_tab import TRAIN, build_train_tab

_MOST_WAITING = 30  # trainings, and picture files, that wait for their turn
_MOST_VISITS = 1000  # that are remembered; the visit that was idle for longest is forgotten first


def build_demo() -> gr.Blocks:
    """The page as Gradio Blocks, with the shipped weights loaded.

    Raises:
        WeightsError: shipped weights are missing or damaged.
    """
    pretrained = {name: load_classifier(name) for name in reversed(MODELS)}
    for classifier in pretrained.values():
        classifier.predict_image(BLANK_PREDICTION.image)  # the first reading takes several times as long as any other
    with GuardedBlocks(title="MNIST sketchpad", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        gr.HTML(**component_files("header"))
        with gr.Tabs() as tabs:
            with gr.Tab("Draw", id="draw"):
                draw = build_draw_tab(pretrained)
            with gr.Tab("Train", id=TRAIN) as tab:
                build_train_tab(pretrained, draw, tabs, tab)
    # What has to wait its turn cannot be called past the queue, or it would not wait.
    demo.queue(max_size=_MOST_WAITING, api_open=False)
    return demo


def launch_options() -> dict[str, Any]:
    """Arguments of `demo.launch` that belong to this page, wherever it is served."""
    return {
        "theme": theme(),
        "css_paths": [PAGE_STYLES],
        "run_history": False,  # it would keep every drawing in the browser's storage
        "ssr_mode": False,  # would need Node.js
        "allowed_paths": [],
        "enable_monitoring": False,
        "max_file_size": UPLOAD_BYTES,
        "state_session_capacity": _MOST_VISITS,
        "app_kwargs": {"middleware": [Middleware(RequestFilter)]},
        "footer_links": ["api", "gradio"],
    }
