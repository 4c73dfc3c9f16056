"""Orders that are billed: tried again while the bank is closed, set aside when nobody can bill them.

    python examples/order_processing.py                                # over a broker of its own, in memory
    python examples/order_processing.py --server ws://127.0.0.1:8011 --key test

The bank is closed at first, so orders come again, later and later. One of them it does not take at all: after the
fourth attempt it is a dead letter. Then somebody repairs what was wrong, and sends it again.
"""

import argparse
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from kapokmq.client import Message, connect
from kapokmq.testing import MemoryNode

TOPIC, GROUP = "example.orders", "billing"


class BankError(Exception):
    """Why the bank did not take an order."""


class Bank:
    """Somebody else's service. An order that it has taken already it does not charge twice."""

    def __init__(self) -> None:
        self.rates = {"EUR": 1.0, "USD": 0.9}
        self.charged: dict[str, float] = {}
        self._closed_for = 4  # attempts
        self._lock = threading.Lock()

    def charge(self, order: dict[str, Any]) -> None:
        """Take the money. Raises BankError."""
        with self._lock:
            if order["id"] in self.charged:
                return  # a message comes at least once, so what handles it must bear to see it again
            if self._closed_for:
                self._closed_for -= 1
                raise BankError("the bank is closed")
            if order["currency"] not in self.rates:
                raise BankError(f"no rate for {order['currency']}")
            self.charged[order["id"]] = order["total"] * self.rates[order["currency"]]


def ask(server: str, key: str, method: str, path: str, body: object = None) -> Any:
    """The broker's HTTP API, for what clients don't do: see docs/api.md. Raises HTTPError for a refusal."""
    url = urlsplit(server)._replace(scheme="https" if server.startswith("wss") else "http", path=f"/api/v1{path}")
    data = None if body is None else json.dumps(body).encode()
    headers = {"secretKey": key, "Content-Type": "application/json"}
    with urlopen(Request(url.geturl(), data, headers, method=method), timeout=10) as answer:
        return json.load(answer)


def say(text: str) -> None:
    """Print a line whole, whatever other threads print."""
    sys.stdout.write(f"{text}\n")


def until(wanted: Callable[[], Any]) -> Any:
    """What `wanted` gives, as soon as that is true."""
    end = time.monotonic() + 30
    while not (found := wanted()):
        if time.monotonic() > end:
            raise TimeoutError("the story got stuck")
        time.sleep(0.05)
    return found


def tell(server: str, key: str) -> None:
    """The story."""
    bank, api, group = Bank(), partial(ask, server, key), f"/topics/{TOPIC}/groups/{GROUP}"
    with connect(server, key=key, name="order_processing.py") as mq:

        @mq.handler(TOPIC, group=GROUP, concurrency=3)
        def bill(message: Message) -> None:
            order = message.json()
            try:
                bank.charge(order)
            except BankError as error:
                say(f"order {order['id']}, attempt {message.attempt}: {error}")
                message.nack(reason=str(error))  # it comes again as the group's backoff says
            else:  # who returns without a nack has acknowledged
                say(f"order {order['id']}, attempt {message.attempt}: billed")

        # The group is there with its first worker. How often it tries: after 0.2, 0.4 and 0.8 s, then no more.
        api("PUT", group, {"maxAttempts": 4, "backoff": 0.2, "backoffMax": 60})

        shop = secrets.token_hex(2)
        orders = {f"{shop}-{n}": currency for n, currency in enumerate(("EUR", "EUR", "XAU", "USD", "EUR"), 1)}
        for name, currency in orders.items():  # with a key it is stored once, also if the shop asks twice
            mq.publish(TOPIC, {"id": name, "total": 20, "currency": currency}, key=name)
            say(f"order {name}: published")

        (letter,) = until(lambda: api("GET", f"{group}/dead?text={shop}")["dead"])
        say(f"dead letter: {letter['message']['data']}: {letter['reason']}, {letter['attempts']} attempts")
        bank.rates["XAU"] = 2000.0  # somebody repairs it
        say(f"sent again: {api('POST', f'{group}/dead/send', {'filter': {'text': shop}})['count']}")
        until(lambda: orders.keys() <= bank.charged.keys())
    say(f"all {len(orders)} orders are billed: {sum(bank.charged[name] for name in orders):g} EUR")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", help="ws://host:port of a broker; without it there is one in memory")
    parser.add_argument("--key", default="test", help="its secretKey")
    options = parser.parse_args()
    if options.server:
        tell(options.server, options.key)
    else:
        with MemoryNode() as node:
            tell(node.serve(live=True), "test")
