"""Connections to a server of which clients send or read nothing, or open too many."""

import asyncio
import socket
import sys
import threading
import time
from unittest.mock import MagicMock

import pytest
import uvicorn
from uvicorn.server import ServerState

from mnist_cnn.ui.server import bounded_protocol
from mnist_cnn.ui.server.bounded_protocol import limit_connections
from tests.support.asgi import echo, run

REQUEST = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def gone():
    """Set when the client of an endless answer is gone."""
    return threading.Event()


@pytest.fixture
def connect(gone):
    """Connects to a server in a thread, which answers with the body of the request, at `/endless` without end."""

    async def app(scope, receive, send):
        if scope["path"] != "/endless":
            return await echo(scope, receive, send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()  # the request
        disconnected = asyncio.ensure_future(receive())
        while not disconnected.done():
            await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})
            await asyncio.sleep(0)
        gone.set()

    limit_connections()
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address, opened = server.servers[0].sockets[0].getsockname(), []

    def connect(content=b""):
        opened.append(socket.create_connection(address, timeout=30))
        opened[-1].sendall(content)
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
    server.should_exit = True
    thread.join()


def is_closed(connection):
    """Whether the server closes the connection, within 30 s, after what it still sends."""
    try:
        while connection.recv(2**16):
            pass
    except ConnectionError:
        pass
    return True


def is_answered(connection):
    return connection.recv(2**16).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", REQUEST[:-10]], ids=["nothing", "a part", "no end"])
def test_connection_without_a_complete_header_is_closed(connect, monkeypatch, sent):
    monkeypatch.setattr(bounded_protocol, "_HEADER_SECONDS", 0.2)
    assert is_closed(connect(sent))


def test_later_request_without_a_complete_header_is_closed(connect, monkeypatch):
    monkeypatch.setattr(bounded_protocol, "_HEADER_SECONDS", 0.2)
    connection = connect(REQUEST)
    assert is_answered(connection)
    connection.sendall(b"GET / HT")
    assert is_closed(connection)


def test_request_that_takes_longer_is_answered(connect, monkeypatch):
    monkeypatch.setattr(bounded_protocol, "_HEADER_SECONDS", 0.05)
    connection = connect(REQUEST[:-1])
    time.sleep(0.5)
    connection.sendall(REQUEST[-1:])
    assert is_answered(connection)


def test_many_connections_of_an_address_are_closed_until_others_end(connect, monkeypatch):
    monkeypatch.setattr(bounded_protocol, "_MAX_PER_ADDRESS", 3)
    idle = [connect() for _ in range(3)]
    assert is_closed(connect())
    for connection in idle:
        connection.close()
    while True:  # until the server has noticed
        try:
            assert is_answered(connect(REQUEST))
            break
        except (ConnectionError, AssertionError):
            time.sleep(0.05)


def test_closed_connection_is_not_kept_until_its_time_is_over():
    async def close():
        config = uvicorn.Config(echo, lifespan="off")
        connection = bounded_protocol.BoundedProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        connection.connection_made(MagicMock())
        watch = connection._watch
        connection.connection_lost(None)
        return watch.cancelled()

    assert run(close())


NEEDS_LIMITS = pytest.mark.skipif(sys.platform == "win32", reason="file descriptors are not limited")


@NEEDS_LIMITS
def test_limit_of_file_descriptors_is_raised_as_far_as_allowed(monkeypatch):
    import resource

    changed = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits))
    for limits in ((1024, 2**20), (256, resource.RLIM_INFINITY), (1024, 4096), (2**20, 2**20)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: limits)
        limit_connections()
    assert changed == [(8192, 2**20), (8192, resource.RLIM_INFINITY), (4096, 4096)]


def test_connections_that_are_refused_do_not_count(monkeypatch):
    monkeypatch.setattr(bounded_protocol, "_MAX_PER_ADDRESS", 2)

    async def connect_at_once():
        config, state = uvicorn.Config(echo, lifespan="off"), ServerState()
        transports = [MagicMock() for _ in range(5)]
        for transport in transports:
            transport.get_extra_info.side_effect = {"peername": ("192.0.2.1", 1)}.get
            bounded_protocol.BoundedProtocol(config, state, {}).connection_made(transport)
        return len(state.connections), [transport.abort.called for transport in transports]

    assert run(connect_at_once()) == (2, [False, False, True, True, True])


@NEEDS_LIMITS
def test_file_descriptors_are_left_for_everything_else(monkeypatch):
    import resource

    for limit, expected in ((1024, 824), (256, 128), (resource.RLIM_INFINITY, 10_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert bounded_protocol._max_connections() == expected


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")
def test_client_that_does_not_read_is_given_up(connect, gone, monkeypatch):
    monkeypatch.setattr(bounded_protocol, "_UNACKNOWLEDGED_MS", 300)
    connect(b"GET /endless HTTP/1.1\r\nHost: test\r\n\r\n")
    assert gone.wait(30)
