"""Serve the MNIST sketchpad: run `python app.py`, then open the address that it prints."""

from mnist_cnn.ui.app import build_demo, launch_options

demo = build_demo()

if __name__ == "__main__":
    demo.launch(**launch_options())
