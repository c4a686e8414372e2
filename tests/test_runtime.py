import os
import subprocess
import sys

import pytest
import torch

from mnist_cnn.runtime import has_bfloat16, limit_threads, select_device


def test_auto_selects_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [select_device(name).type for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [select_device(name).type for name in ("auto", "cpu")] == ["cpu", "cpu"]


def test_missing_and_unknown_devices_are_rejected(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no GPU"):
        select_device("cuda")
    with pytest.raises(ValueError, match=r"Unknown device 'tpu'\. Available: auto, cpu, cuda"):
        select_device("tpu")


def test_thread_limit_ends_with_its_block():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), limit_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


def test_auto_selects_the_cpu_on_zero_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # what ZeroGPU makes of it
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert select_device("auto").type == "cpu"


def test_bfloat16_is_used_only_with_instructions_for_it(monkeypatch):
    code = "from mnist_cnn.runtime import has_bfloat16; assert not has_bfloat16()"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}, check=True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert not has_bfloat16()
