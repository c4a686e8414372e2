"""Buttons that put a digit of MNIST's test set onto the canvas: any, or one that the model misclassifies."""

import asyncio
import functools
import html
import json
import random

import gradio as gr
import numpy as np
import torch

from ..classifier import Classifier
from ..data import DataError, load_mnist
from ..data.mnist import LabelledImages, download_progress
from ..evaluation import predict_logits
from ..preprocessing import sketch_to_mnist
from .components.label_feedback.label_feedback import LabelFeedback
from .drawing_files import SelectClassifier
from .events import IMMEDIATE
from .images import png_url
from .server.errors import user_error

_CHUNK = 500  # images that are classified at once, of which few are misclassified
_MAX_TRIES = 50  # misclassified images that may be classified correctly on the canvas
_CANVAS_SCALE = 10  # of the image that the canvas sends

# Loads the image onto the canvas, and gives the text once the prediction for it is shown, or is the same as before.
_SHOW = """async (text) => {
    const { image, note } = JSON.parse(text);
    const predicted = new Promise((resolve) => {
        const observer = new MutationObserver(() => {
            observer.disconnect();
            resolve();
        });
        observer.observe(document.querySelector("#reading"), { subtree: true, childList: true, attributes: true });
        setTimeout(resolve, 5000);
    });
    document.dispatchEvent(new CustomEvent("load-image", { detail: image })); // sketchpad.js listens for it
    await predicted;
    return note;
}"""


def find_misclassified(classifier: Classifier, images: torch.Tensor, labels: torch.Tensor) -> int | None:
    """The index of a random image that a classifier misclassifies; None if there is none, or hardly any.

    Args:
        classifier: whose prediction counts even where it rejects the image.
        images: uint8 (N, 28, 28).
        labels: int64 (N,), 0 to 9.
    """
    tries = 0
    for chunk in torch.randperm(len(images)).split(_CHUNK):
        predictions = predict_logits(classifier.model, images[chunk]).argmax(1)
        misclassified = chunk[predictions != labels[chunk]].tolist()
        for index in misclassified[: _MAX_TRIES - tries]:
            tries += 1
            # The preprocessing of the canvas changes some pixels, and so may change the prediction.
            on_canvas = np.kron(images[index].numpy(), np.ones((_CANVAS_SCALE, _CANVAS_SCALE), np.uint8))
            if classifier.predict_image(sketch_to_mnist(on_canvas)).digit != labels[index]:
                return int(index)
    return None


def digit_for_canvas(classifier: Classifier | None = None) -> str:
    """A test digit for the script that shows it, as JSON: `image`, a data URL, and `note`, which says its label.

    Args:
        classifier: chooses a digit that it misclassifies; None chooses any.

    Raises:
        gr.Error: MNIST is not there, or is corrupt, or the classifier misclassifies nothing.
    """
    try:
        if download_progress() < 1:
            raise DataError("MNIST is not on this server. Start a run on the Train tab, which downloads it.")
        images, labels = _load_test_set()
    except DataError as error:
        raise user_error(html.escape(str(error))) from error
    index = find_misclassified(classifier, images, labels) if classifier else random.randrange(len(images))
    if index is None:
        raise user_error("The model classifies nearly every test digit correctly. Choose another model.")
    return json.dumps(
        {
            "image": png_url(images[index].numpy(), as_alpha=True),
            "note": f"Test image {index:,} has the label {labels[index]}.",
        }
    )


@functools.cache
def _load_test_set() -> LabelledImages:
    return load_mnist(train=False)


def create_mnist_digits(
    select_classifier: SelectClassifier, model: gr.Radio, user_model: gr.State, feedback: LabelFeedback
) -> None:
    """Lay out the buttons inside the current Blocks and connect their events.

    Args:
        select_classifier: the classifier that `model` and `user_model` stand for.
        model: the choice of the model.
        user_model: holds the user's own classifier, or None.
        feedback: shows the label.
    """

    searching = asyncio.Semaphore()  # one at a time, or they would hold up all drawings

    async def misclassified(model: str, user_model: Classifier | None) -> str:
        async with searching:
            return await asyncio.to_thread(digit_for_canvas, select_classifier(model, user_model))

    text = gr.Textbox(visible=False)  # for the script
    with gr.Row():
        any_digit = gr.Button("Test digit", size="sm", min_width=120, elem_id="test-digit")
        hard_digit = gr.Button("Misclassified test digit", size="sm", min_width=120, elem_id="misclassified-digit")
    for event in (
        any_digit.click(digit_for_canvas, outputs=text, **IMMEDIATE),
        hard_digit.click(misclassified, [model, user_model], text, **IMMEDIATE),
    ):
        event.success(None, text, feedback, js=_SHOW, **IMMEDIATE)
