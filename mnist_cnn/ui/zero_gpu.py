"""ZeroGPU, the hardware of free Hugging Face Spaces."""


def register_gpu_function() -> None:
    """Register a function for the GPU, without which ZeroGPU does not start an app.

    It is never called. Predictions take milliseconds on the CPU, and a training run is a process of its own, which
    `spaces.GPU` cannot lend the GPU to. Without ZeroGPU this does nothing.
    """
    try:
        import spaces  # not a dependency: every Gradio Space has it
    except ImportError:
        return
    spaces.GPU(_use_gpu)


def _use_gpu() -> None:
    raise NotImplementedError
