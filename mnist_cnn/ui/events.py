"""Options of the page's events, in one place."""

from typing import Any

# Waits in Gradio's queue, where any number may run at the same time; is not part of the public API.
QUEUED: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
# Is answered at once, past the queue.
IMMEDIATE: dict[str, Any] = QUEUED | {"queue": False}
# And its components convert their values in the event loop (`GuardedBlocks`), where Gradio has a thread for each value.
IN_EVENT_LOOP: dict[str, Any] = IMMEDIATE | {"preprocess": False, "postprocess": False}
