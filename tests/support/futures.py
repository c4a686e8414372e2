"""Futures that are done."""

from concurrent.futures import Future
from typing import Any


def completed(result: Any = None, error: Exception | None = None) -> Future[Any]:
    """A future with a result, or with an error."""
    future: Future[Any] = Future()
    if error:
        future.set_exception(error)
    else:
        future.set_result(result)
    return future
