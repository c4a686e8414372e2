"""Serve the MNIST sketchpad: run `python app.py`, then open the address that it prints."""

import signal
import sys

import gradio as gr

from mnist_cnn.ui.app import build_demo, launch_options

demo = build_demo()

if __name__ == "__main__":
    if gr.NO_RELOAD:  # else not in the main thread, which alone can set signal handlers
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so a stopped container deletes its temporary files
    demo.launch(**launch_options())
