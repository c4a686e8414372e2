"""The canvas and the labelled drawings as files: downloads, and a file of drawings to load."""

import base64
import html
from collections.abc import Callable

import gradio as gr
import torch
from gradio.events import Dependency

from ..classifier import Classifier
from ..data.corrections import DrawingsError, LabelledDrawings, decode_drawings
from .browser_files import file_content, pick_file
from .components.label_feedback.label_feedback import LabelFeedback
from .events import IMMEDIATE
from .server.errors import user_error

_FILE = "drawings.npz"
_EXAMPLE = f'images, labels = np.load("{_FILE}").values()'

_DOWNLOAD = """(url, name) => {
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    link.click();
}"""
# Both are on the page; the canvas itself is transparent where there is no ink.
_DOWNLOAD_MODEL_INPUT = f"""() => {{
    if (document.querySelector("#reading .evidence.empty")) return "Draw a digit first.";
    ({_DOWNLOAD})(document.querySelector("#reading .model-input img").src, "model-input.png");
    return "";
}}"""
_DOWNLOAD_CANVAS = f"""() => {{
    const pad = document.querySelector("#pad canvas");
    const copy = Object.assign(document.createElement("canvas"), {{ width: pad.width, height: pad.height }});
    const context = copy.getContext("2d");
    context.fillStyle = getComputedStyle(pad).backgroundColor;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(pad, 0, 0);
    copy.toBlob((blob) => ({_DOWNLOAD})(URL.createObjectURL(blob), "canvas.png"));
}}"""

SelectClassifier = Callable[[str, Classifier | None], Classifier]  # of the model choice and the user's model


def save_drawings(drawings: LabelledDrawings) -> str:
    """The labelled drawings as the data URL of an `.npz` file.

    Raises:
        gr.Error: there are none.
    """
    if not drawings.count:
        raise user_error("There are no labelled drawings to download. Draw a digit, and press its correct label.")
    return f"data:application/zip;base64,{base64.b64encode(drawings.to_npz()).decode()}"


def load_drawings(file: str | None, classifier: Classifier, drawings: LabelledDrawings) -> tuple[str, LabelledDrawings]:
    """Add the drawings of a file to those of the session.

    Args:
        file: see `file_content`.
        classifier: classifies the drawings, for the count of correct predictions.
        drawings: of the session.

    Returns:
        A message, and the labelled drawings; without a file an empty message and the drawings as they are.

    Raises:
        gr.Error: the file cannot be used.
    """
    content = file_content(file)
    if content is None:
        return "", drawings
    try:
        images, labels = decode_drawings(content)
    except DrawingsError as error:
        raise user_error(str(error)) from error
    drawings = drawings.extend(images, labels, torch.from_numpy(classifier.classify(images)))
    return f"Loaded {len(labels)}. Correct so far: {drawings.correct} of {drawings.count}.", drawings


def create_drawing_files(
    select_classifier: SelectClassifier,
    model: gr.Radio,
    user_model: gr.State,
    drawings: gr.State,
    feedback: LabelFeedback,
) -> Dependency:
    """Lay out the controls inside the current Blocks and connect their events.

    Args:
        select_classifier: the classifier that `model` and `user_model` stand for.
        model: the choice of the model.
        user_model: holds the user's own classifier, or None.
        drawings: holds the session's `LabelledDrawings`.
        feedback: shows messages about labelled drawings.

    Returns:
        The event of drawings that were loaded, for other events to follow.
    """

    def load(
        file: str | None, model: str, user_model: Classifier | None, drawings: LabelledDrawings
    ) -> tuple[str, LabelledDrawings]:
        return load_drawings(file, select_classifier(model, user_model), drawings)

    file = gr.Textbox(visible=False)  # the content of a file, for scripts
    with gr.Row():
        canvas = gr.Button("Download canvas (PNG)", size="sm", min_width=120, elem_id="download-canvas")
        model_input = gr.Button("Download model input (PNG)", size="sm", min_width=120, elem_id="download-model-input")
    with gr.Row():
        save_button = gr.Button("Download labelled drawings", size="sm", min_width=120, elem_id="save-drawings")
        load_button = gr.Button("Load labelled drawings", size="sm", min_width=120, elem_id="load-drawings")
    gr.HTML(
        f'In Python: <code style="overflow-wrap: anywhere">{html.escape(_EXAMPLE)}</code>, uint8 (N, 28, 28) and int64 '
        "(N,). A file of 300 drawings at most can be loaded here.",
        padding=False,
    )
    canvas.click(None, js=_DOWNLOAD_CANVAS, **IMMEDIATE)
    model_input.click(None, outputs=feedback, js=_DOWNLOAD_MODEL_INPUT, **IMMEDIATE)
    save_button.click(save_drawings, drawings, file, **IMMEDIATE).success(
        None, file, js=f'(url) => ({_DOWNLOAD})(url, "{_FILE}")', **IMMEDIATE
    )
    picked = load_button.click(None, outputs=file, js=pick_file(".npz"), **IMMEDIATE)
    return picked.success(load, [file, model, user_model, drawings], [feedback, drawings], **IMMEDIATE)
