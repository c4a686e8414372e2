import re

import gradio as gr
import pytest
from gradio.routes import App
from uvicorn.config import HTTP_PROTOCOLS

from mnist_cnn import classifier
from mnist_cnn.models import MODELS
from mnist_cnn.ui.app import build_demo, launch_options
from mnist_cnn.ui.server.bounded_protocol import BoundedProtocol
from mnist_cnn.ui.server.guarded_blocks import GuardedBlocks
from mnist_cnn.ui.server.request_filter import RequestFilter
from tests.support.asgi import request, run, scope

# Gradio's routes that are open to the internet. One that a new release of Gradio adds must be read before it joins.
OPEN_ROUTES = [
    "/",
    "/assets/{path}",
    "/config",
    "/config/",
    "/favicon.ico",
    "/manifest.json",
    "/pwa_icon",
    "/robots.txt",
    "/static/{path}",
    "/theme.css",
    "/gradio_api/app_id",
    "/gradio_api/app_id/",
    "/gradio_api/cancel",
    "/gradio_api/file={path_or_url}",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/openapi.json",
    "/gradio_api/reset",
    "/gradio_api/reset/",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/gradio_api/call/{api_name}",
    "/gradio_api/call/{api_name}/",
    "/gradio_api/call/{api_name}/{event_id}",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/v2/{api_name}/",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/run/{api_name}",
    "/gradio_api/run/{api_name}/",
]


def test_pretrained_models_have_predicted_before_the_page_is_served(monkeypatch):
    predict_image, calls = classifier.Classifier.predict_image, []

    def noted(self, *args):
        calls.append(self.name)
        return predict_image(self, *args)

    monkeypatch.setattr(classifier.Classifier, "predict_image", noted)
    build_demo()
    assert set(calls) == set(MODELS)


def test_only_the_reviewed_routes_of_gradio_are_open():
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button()
    demo.queue()

    async def gradio(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def is_open(path):
        named = re.sub(r"\{\w+\}", "x", path)
        return run(request(RequestFilter(gradio), scope(f"{named}?session_hash=x", "GET")))[0] == 200

    routes = App.create_app(demo).openapi()["paths"]
    assert sorted(path for path in routes if is_open(path)) == sorted(OPEN_ROUTES)


def test_sessions_of_which_state_is_kept_and_connections_are_bounded(monkeypatch):
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["h11"])
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button()
    options = launch_options()
    try:
        app, *_ = demo.launch(**options, prevent_thread_lock=True, quiet=True, server_port=None)
        assert app.state_holder.capacity == options["state_session_capacity"] == 1000
        assert demo.server.config.http_protocol_class is BoundedProtocol
    finally:
        demo.close()


@pytest.fixture
def guarded(monkeypatch):
    """Blocks with an event that has an image and a text as inputs and outputs, and the texts that were sent."""
    sent = []

    def postprocess(self, value):
        sent.append(value)
        return value

    monkeypatch.setattr(gr.Textbox, "postprocess", postprocess)
    with GuardedBlocks(analytics_enabled=False) as demo:
        image, first, second = gr.Image(), gr.Textbox(), gr.Textbox()
        gr.Button().click(print, [image, first], [first, second])
    return demo, (first, second), sent


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/x.png", "https://127.0.0.1:9/x.png"])
@pytest.mark.parametrize("position", [0, 1])
def test_no_component_fetches_a_url(guarded, path, position):
    demo, _, _ = guarded
    inputs: list = [None, None]
    inputs[position] = {"nested": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    with pytest.raises(gr.Error, match="not fetched from URLs"):
        run(demo.preprocess_data(demo.fns[0], inputs, None))


def test_only_updated_components_are_sent(guarded):
    demo, (_, second), sent = guarded
    sent.clear()  # of the first values
    values = run(demo.postprocess_data(demo.fns[0], {second: "new"}, None))
    assert sent == ["new"]
    assert values[1] == "new" and values[0]["__type__"] == "update"
