"""What stands between the page and the internet, and all that touches Gradio's private parts."""
