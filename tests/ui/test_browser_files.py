"""Files as the browser sends them."""

import base64

import gradio as gr
import pytest

from mnist_cnn.ui.browser_files import file_content


@pytest.mark.parametrize("content", [b"", b"weights", bytes(300_000)], ids=len)
def test_file_arrives_unchanged(content):
    assert file_content(f"data:application/zip;base64,{base64.b64encode(content).decode()}") == content


@pytest.mark.parametrize("text", [None, ""])
def test_no_file_has_no_content(text):
    assert file_content(text) is None


@pytest.mark.parametrize("text", ["data:;base64,QUJ", "data:;base64,Ä===", "data:;base64,QU\nJD", "data:;base64,<b>"])
def test_damaged_file_is_rejected(text):
    with pytest.raises(gr.Error, match="arrived damaged"):
        file_content(text)


def test_file_that_is_too_large_is_rejected():
    with pytest.raises(gr.Error, match=r"too large \(limit 300,000 bytes\)"):
        file_content(f"data:;base64,{base64.b64encode(bytes(300_001)).decode()}")
