"""Serve the MNIST sketchpad: run `python app.py`, then open the address that it prints."""

import gc
import signal
import sys

gc.disable()  # for a quarter less time until the first page: imports make half a million objects and hardly any garbage

import gradio as gr  # noqa: E402

from mnist_cnn.ui.app import build_demo, launch_options  # noqa: E402

demo = build_demo()
gc.freeze()  # else every full collection walks through them again, for a quarter of a second
gc.enable()

if __name__ == "__main__":
    if gr.NO_RELOAD:  # else not in the main thread, which alone can set signal handlers
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so a stopped container deletes its temporary files
    demo.launch(**launch_options())
