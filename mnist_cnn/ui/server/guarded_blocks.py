"""Blocks that answer invalid input with a message, and send only what an event updates."""

import copy
from collections.abc import Iterator
from typing import Any, Self

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState
from gradio_client.utils import is_http_url_like

from .errors import user_error
from .guarded_queue import GuardedQueue


class GuardedBlocks(gr.Blocks):
    """`gr.Blocks` for a page on the internet, where anyone can send anything to an event."""

    def queue(self, *arguments: Any, **options: Any) -> Self:
        """As in Gradio, with a `GuardedQueue`."""
        super().queue(*arguments, **options)
        GuardedQueue.guard(self._queue)
        return self

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """As in Gradio, which raises all kinds of errors for invalid inputs and logs a traceback of each.

        The values of an event with `preprocess=False` are preprocessed all the same, but not each in a thread: with
        many users, threads wait for each other's hold of Python's lock. Its components must not have a `data_model`.

        Raises:
            gr.Error: there are too few values, or one does not fit its component, or names a URL, which Gradio would
                have the server fetch.
        """
        if any(is_http_url_like(path) for path in _paths(inputs)):
            raise user_error("Files are not fetched from URLs. Download the file, and upload it here.")
        try:
            state = state or SessionState(self)
            values: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            if block_fn.preprocess:
                return values
            return [
                value if block.stateful else state[block._id].preprocess(value)
                for block, value in zip(block_fn.inputs, values, strict=True)
            ]
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:  # a `user_error`
                raise
            raise user_error("Invalid request. Reload the page and try again.") from error

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """As in Gradio, but without the components that an event returns no value for.

        Gradio creates each of them, and the schema of its values, at every update, which takes several times as long
        as the one component that a training run updates.

        The values of an event with `postprocess=False` are postprocessed, too, but not each in a thread. It must return
        a value for each of several outputs, and no updates.
        """
        if not block_fn.postprocess:
            state = state or SessionState(self)
            predictions = [
                state.get(block._id, block).postprocess(value)
                for block, value in zip(block_fn.outputs, predictions, strict=True)
            ]
        by_component = isinstance(predictions, dict) and any(isinstance(key, gr.blocks.Block) for key in predictions)
        if not by_component:
            output: list[Any] = await super().postprocess_data(block_fn, predictions, state)
            return output
        updated = copy.copy(block_fn)
        updated.outputs = [block for block in block_fn.outputs if block in predictions]
        values = await super().postprocess_data(updated, predictions, state)
        value_of = dict(zip(updated.outputs, values, strict=True))
        return [value_of.get(block, gr.skip()) for block in block_fn.outputs]


def _paths(value: object) -> Iterator[str]:
    """Every text under the key `path` in nested JSON."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
            if isinstance(path := value.get("path"), str):
                yield path
        elif isinstance(value, list):
            pending.extend(value)
