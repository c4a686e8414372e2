"""uvicorn's protocol for HTTP, with limits on connections that send no request, or are many, or do not answer."""

import asyncio
import contextlib
import socket

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_HEADER_SECONDS = 15.0  # until the header of a request has arrived, or up to twice as long after another request
_UNACKNOWLEDGED_MS = 30_000  # until a client that acknowledges nothing is gone; a stream sends something every 15 s
_MAX_PER_ADDRESS = 1000  # a page opens one to six, and a class or a proxy with all users may have one address
_FILES = 8192  # file descriptors to ask for; asyncio accepts up to 2,048 connections before it looks at the first
_RESERVED_FILES = 200  # file descriptors for everything that is no connection


class BoundedProtocol(H11Protocol):
    """A connection.

    At most 1,000 of one address are open at the same time, and only so many in all that file descriptors are left:
    asyncio writes thousands of lines into the log when there are none.
    """

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, or abort it at once where there are too many."""
        super().connection_made(transport)
        address, max_connections = self._address, _max_connections()
        others = sum(getattr(other, "_address", None) == address for other in self.connections)
        if len(self.connections) > max_connections or others > min(_MAX_PER_ADDRESS, max_connections // 2):
            self.connections.discard(self)  # at once, since there may be many before the next turn of the event loop
            transport.abort()
            return
        with contextlib.suppress(AttributeError):  # not on Windows and macOS
            option = socket.TCP_USER_TIMEOUT
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, _UNACKNOWLEDGED_MS)
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        super().connection_lost(exc)
        if self._watch:
            self._watch.cancel()

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def _check(self, was_waiting: bool = True, previous: RequestResponseCycle | None = None) -> None:
        """Abort the connection if it has waited for a header since the last check, else check again later."""
        is_served = self.cycle is not None and not self.cycle.response_complete
        is_waiting = not is_served and self.timeout_keep_alive_task is None  # which ends the connection by itself
        if is_waiting and was_waiting and self.cycle is previous and self._watch:
            self.transport.abort()
        else:
            self._watch = self.loop.call_later(_HEADER_SECONDS, self._check, is_waiting, self.cycle)


def limit_connections() -> None:
    """Have servers that start from now on use it; raise the limit of file descriptors, where that is allowed."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 < soft < _FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard) if hard > 0 else _FILES, hard))
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"


def _max_connections() -> int:
    """How many connections leave file descriptors for everything else."""
    try:
        import resource
    except ImportError:  # on Windows, where there are enough
        return 10_000
    limit: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(limit - _RESERVED_FILES, limit // 2) if limit > 0 else 10_000
