"""Requests to ASGI applications without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

RUN = "/gradio_api/run/predict"


def scope(path=RUN, method="POST", address="192.0.2.1", **headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "root_path": "",
        "headers": named,
        "client": (address, 50_000),
    }


def sender(*bodies):
    """A client's end of a connection, which sends a body in parts and then waits."""
    parts = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    parts.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return parts.pop(0) if parts else await asyncio.Event().wait()

    return receive


async def request(app, scope, receive=None):
    """Status and body of the answer."""
    messages = []

    async def send(message):
        messages.append(message)

    await app(scope, receive or sender(), send)
    start, *rest = messages
    return start["status"], b"".join(message["body"] for message in rest)


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def run(coroutine):
    """In a thread of its own, since the browser of other tests keeps an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
