"""Serve the MNIST sketchpad: run `python app.py`, then open the address that it prints."""

import signal
import sys

from mnist_cnn.ui.app import build_demo, launch_options

demo = build_demo()

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # with which containers are stopped: delete temporary files
    demo.launch(**launch_options())
