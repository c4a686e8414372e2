"""A button that trains on the user's labelled drawings, and beside it the progress, the result and a way back."""

from typing import Any

from ..base import JsonComponent


class FineTuning(JsonComponent):
    """Shows what `fine_tuning_value` returns. Fires `submit` to train, `stop` to cancel and `undo`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("fine_tuning", fine_tuning_value(0), **kwargs)


def fine_tuning_value(
    count: int, text: str = "", fraction: float | None = None, can_undo: bool = False
) -> dict[str, Any]:
    """What the component shows.

    Args:
        count: number of labelled drawings; nothing is shown without any.
        text: the state or the result of the training.
        fraction: of the training that is done, 0 to 1; None if none is in progress.
        can_undo: whether the model from before the last training can be had back.
    """
    percent = None if fraction is None else round(100 * fraction, 1)
    return {"count": count, "text": text, "percent": percent, "can_undo": can_undo}
