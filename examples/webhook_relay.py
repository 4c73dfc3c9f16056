"""Web hooks that don't get lost: taken over HTTP, queued, delivered over HTTP, tried again while nobody takes them.

    python examples/webhook_relay.py       # a broker in memory, and a receiver that is down at first
    python examples/webhook_relay.py --to https://example.com/in --port 8090 --server ws://127.0.0.1:8011 --key test
    curl -d '{"paid": 17}' -H 'Idempotency-Key: 17' http://127.0.0.1:8090/hooks

202 says that the hook is stored. Whoever gets it should look at its `Idempotency-Key`: it may come twice.
"""

import argparse
import json
from io import BytesIO
from typing import Any

from klein import Klein
from twisted.internet import defer
from twisted.internet.protocol import Protocol
from twisted.internet.task import react
from twisted.web.client import Agent, FileBodyProducer
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from kapokmq.client import ClientError, Closed, Message, TryLater
from kapokmq.client.tx import Client, connect
from kapokmq.testing import MemoryNode

TOPIC, GROUP = "example.hooks", "relay"
WANTED = {"name": GROUP, "config": {"maxAttempts": 35, "backoff": 1, "backoffMax": 3600}}  # unless it is there
PATIENCE = 10.0  # seconds that anybody may take to answer


class Relay:
    """Takes hooks at `/hooks`, and delivers them to the URL `target`."""

    app = Klein()

    def __init__(self, reactor: Any, mq: Client, target: str) -> None:
        self._reactor, self._mq, self._target = reactor, mq, target

    async def post(self, url: str, body: str, headers: dict[str, str]) -> Any:
        """Ask somebody, and give the answer. Raises whatever can go wrong in a network."""
        fields = Headers({name: [value] for name, value in ({"Content-Type": "application/json"} | headers).items()})
        asked = Agent(self._reactor).request(b"POST", url.encode(), fields, FileBodyProducer(BytesIO(body.encode())))
        answer: Any = await asked.addTimeout(PATIENCE, self._reactor)
        answer.deliverBody(Protocol())  # which drops it
        return answer

    @app.route("/hooks", methods=["POST"])
    async def take(self, request: Any) -> str:
        """Store it, then say so: 202; or 503 where trying again makes sense, 400 where it does not."""
        kind, key = request.getHeader("content-type") or "text/plain", request.getHeader("idempotency-key")
        try:
            stored = self._mq.publish(TOPIC, request.content.read().decode(), key=key, headers={"Content-Type": kind})
            receipt = await stored.addTimeout(PATIENCE, self._reactor)
        except (UnicodeDecodeError, defer.TimeoutError, ClientError) as error:
            request.setResponseCode(503 if isinstance(error, (TryLater, defer.TimeoutError, Closed)) else 400)
            return f"{error}\n"
        request.setResponseCode(202)
        return json.dumps({"code": receipt.code}) + "\n"

    async def deliver(self, message: Message) -> None:
        """Pass one on. What is no 2xx is tried again: when the receiver says, or else as the group's backoff does."""
        about = message.headers | {"Idempotency-Key": message.key or message.code}
        try:
            answer = await self.post(self._target, message.data, about)
            outcome, wish = f"status {answer.code}", answer.headers.getRawHeaders("retry-after", [""])[0]
        except Exception as error:  # noqa: BLE001 -- there are many, and they mean the same
            outcome, wish = f"{type(error).__name__}: {error}", ""
        print(f"attempt {message.attempt} of {message.data}: {outcome}", flush=True)
        if not outcome.startswith("status 2"):  # who returns without a nack has acknowledged
            message.nack(min(int(wish), 3600) if wish.isdecimal() else None, outcome)


def receiver(done: "defer.Deferred[None]") -> Klein:
    """Somebody else's service, down at first. `done` fires when it took three."""
    app, statuses = Klein(), [503, 503, 503, 503, 200, 200, 200]

    @app.route("/in", methods=["POST"])
    def take(request: Any) -> str:
        request.setResponseCode(statuses.pop(0))
        request.setHeader("Retry-After", "1")
        if not statuses:
            done.callback(None)
        return ""

    return app


async def main(reactor: Any, server: str, key: str, given: argparse.Namespace) -> None:
    """Relay until Control-C; without a target three hooks of our own."""

    def listen(app: Any, port: int) -> str:
        return f"http://127.0.0.1:{reactor.listenTCP(port, Site(app.resource()), 50, '127.0.0.1').getHost().port}"

    done: defer.Deferred[None] = defer.Deferred()
    mq = connect(server, reactor, key=key, name="webhook_relay.py")
    reactor.addSystemEventTrigger("before", "shutdown", mq.stopService)
    mq.startService()
    await mq.when_connected()
    relay = Relay(reactor, mq, given.to or f"{listen(receiver(done), 0)}/in")
    api = f"{server.replace('ws', 'http', 1).rstrip('/').removesuffix('/v2')}/api/v1/topics/{TOPIC}/groups"
    await relay.post(api, json.dumps(WANTED), {"secretKey": key})
    mq.handler(TOPIC, group=GROUP, concurrency=8)(relay.deliver)
    print("takes hooks at", place := f"{listen(relay.app, given.port)}/hooks", flush=True)
    for number in () if given.to else (1, 2, 3):
        await relay.post(place, json.dumps({"paid": number}), {})
    await done


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", help="ws://host:port of a broker; without it there is one in memory")
    parser.add_argument("--key", default="test", help="its secretKey")
    parser.add_argument("--to", help="the URL that gets the hooks; without it there is a receiver for show")
    parser.add_argument("--port", type=int, default=0, help="where hooks are taken; any that is free if left out")
    options = parser.parse_args()
    with MemoryNode() as node:
        server, key = (options.server, options.key) if options.server else (node.serve(live=True), "test")
        react(lambda reactor: defer.Deferred.fromCoroutine(main(reactor, server, key, options)))
