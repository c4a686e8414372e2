"""A limit on what requests write into the log, with which anyone could fill the disk otherwise."""

import logging

from .rate_limit import RateLimiter

_PER_MINUTE = 60  # records; one with a traceback has some kilobytes


class LogLimit(logging.Filter):
    """Lets so many records through in a minute, of all loggers that it is added to."""

    def __init__(self) -> None:
        super().__init__()
        self._limiter = RateLimiter(_PER_MINUTE)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        return not self._limiter.seconds_to_wait("")
