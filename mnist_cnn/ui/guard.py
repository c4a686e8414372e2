"""Blocks that take no input for granted: anyone can send anything to the addresses behind a page."""

from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from .refusal import refusal


class GuardedBlocks(gr.Blocks):
    """`gr.Blocks` whose events refuse in words whatever does not fit their inputs."""

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
            raise refusal("The page does not offer what was sent to it. Reload the page and try again.") from error
