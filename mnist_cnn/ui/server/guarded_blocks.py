"""Blocks that take no input for granted, as anyone can send anything to a page, and update no more than they must."""

import copy
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from .errors import user_error


class GuardedBlocks(gr.Blocks):
    """`gr.Blocks` whose events refuse in words what does not fit their inputs, and spend nothing on what they leave."""

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, explicit_call: bool = False
    ) -> list[Any]:
        """As in Gradio, which raises errors of all kinds here, and logs a trace of each.

        Raises:
            gr.Error: the values are too few, or do not fit the components that they are for.
        """
        try:
            values: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            return values
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:  # ours says what is wrong
                raise
            raise user_error("The page does not offer what was sent to it. Reload the page and try again.") from error

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """As in Gradio, which makes a component and the schema of its values anew even where an event leaves it out.

        An event that streams to one component of many would take several times as long for the others.
        """
        by_component = isinstance(predictions, dict) and any(isinstance(key, gr.blocks.Block) for key in predictions)
        if not by_component:
            output: list[Any] = await super().postprocess_data(block_fn, predictions, state)
            return output
        named = copy.copy(block_fn)
        named.outputs = [block for block in block_fn.outputs if block in predictions]
        values = await super().postprocess_data(named, predictions, state)
        new = dict(zip(named.outputs, values, strict=True))
        return [new.get(block, gr.skip()) for block in block_fn.outputs]
