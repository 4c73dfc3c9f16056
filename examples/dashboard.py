"""A page that shows orders as they come: it is a client of the broker itself, with the broker's /client.js.

    python examples/dashboard.py                                       # over a broker of its own, in memory
    python examples/dashboard.py --server ws://127.0.0.1:8011 --key test

Then look at http://127.0.0.1:8080/ with a browser. Meanwhile a shop publishes orders, until Control-C; with --once a
hundred. What this program serves is a file and where the broker is: with the key, so on the loopback interface only.
"""

import argparse
import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from kapokmq.client import connect
from kapokmq.testing import MemoryNode

PAGE = Path(__file__).with_name("dashboard.html")
PLACES = ("eu", "us", "asia")
OWN = frozenset({"127.0.0.1", "localhost"})


class Pages(BaseHTTPRequestHandler):
    """Gives the page, and its settings."""

    def __init__(self, settings: dict[str, str], *more: Any) -> None:
        self._settings = settings
        super().__init__(*more)

    def do_GET(self) -> None:
        """Give a file to whoever asked for this machine: not to a page whose name was pointed here."""
        if self.headers.get("Host", "").partition(":")[0] not in OWN:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._give("text/html; charset=utf-8", PAGE.read_bytes())
        elif self.path == "/settings.json":
            self._give("application/json", json.dumps(self._settings).encode())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _give(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name there
        """Say nothing."""


def serve(port: int, settings: dict[str, str]) -> ThreadingHTTPServer:
    """Serve the page from a thread."""
    build: Callable[..., Pages] = lambda *more: Pages(settings, *more)  # noqa: E731
    pages = ThreadingHTTPServer(("127.0.0.1", port), build)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    return pages


def sell(server: str, key: str, orders: int | None) -> None:
    """Publish orders, ten a second: so many, or for ever. Nobody consumes them, so they expire."""
    with connect(server, key=key, name="dashboard.py") as mq:
        for number in count(1) if orders is None else range(1, orders + 1):
            order = {"number": number, "total": random.randint(1, 500)}  # noqa: S311
            mq.publish(f"example.shop.{random.choice(PLACES)}", order, expire=60)  # noqa: S311
            time.sleep(0.1)


def run(server: str, key: str, port: int, orders: int | None) -> None:
    """Serve the page and sell."""
    pages = serve(port, {"url": server, "key": key})
    print(f"look at http://127.0.0.1:{pages.server_port}/", flush=True)
    try:
        sell(server, key, orders)
    finally:
        pages.shutdown()
        pages.server_close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", help="ws://host:port of a broker; without it there is one in memory")
    parser.add_argument("--key", default="test", help="its secretKey")
    parser.add_argument("--port", type=int, default=8080, help="of the page; 0 is any that is free")
    parser.add_argument("--once", action="store_true", help="end after a hundred orders")
    options = parser.parse_args()
    orders = 100 if options.once else None
    with suppress(KeyboardInterrupt):
        if options.server:
            run(options.server, options.key, options.port, orders)
        else:
            with MemoryNode() as node:
                run(node.serve(live=True), "test", options.port, orders)
