"""A local stand-in for the service that ZeroGPU's package `spaces` reports the start of an app to."""

import contextlib
import http.server
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def device_service() -> Iterator[tuple[dict[str, str], list[str]]]:
    """Environment variables that switch ZeroGPU on, and a list that gets the path of every request to the service."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": url}, paths
        server.shutdown()
