import os
import subprocess
import sys

from mnist_cnn.ui.server import temporary_folder


def use_folder_below(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    return temporary_folder.use_temporary_folder()


def test_folder_is_one_of_this_process_only(tmp_path, monkeypatch):
    folder = use_folder_below(tmp_path, monkeypatch)
    assert folder.parent == tmp_path and folder.is_dir()
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    assert temporary_folder.use_temporary_folder() == folder


def test_folders_of_processes_that_were_killed_are_deleted(tmp_path, monkeypatch):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    abandoned = tmp_path / f"mnist-sketchpad-{ended.pid}-x"
    in_use = tmp_path / f"mnist-sketchpad-{os.getppid()}-x"
    foreign = tmp_path / "mnist-sketchpad-notes"
    for folder in (abandoned, in_use, foreign):
        folder.mkdir()
    use_folder_below(tmp_path, monkeypatch)
    assert not abandoned.exists()
    assert in_use.exists() and foreign.exists()
