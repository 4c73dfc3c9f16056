"""MemoryNode: the real broker over memory, on a clock that a test moves."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Self, TypeVar

from kapokmq.core.codec.rejected import Rejected
from kapokmq.core.codec.v2 import Publish, Subscribe, decode
from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadEncoding
from kapokmq.core.peers import Receipt
from kapokmq.core.policy import GroupConfig, TopicPolicy, read_policy
from kapokmq.core.settings import NodeSettings, StoreSettings
from kapokmq.testing.asks import Asks
from kapokmq.testing.machine import Machine, Refused, told
from kapokmq.testing.received import Message, Subscription

_LOOK_EVERY = 0.005  # seconds

T = TypeVar("T")


class Published(NamedTuple):
    """What became of a message: its code, or where its key was used before (`duplicate`) that of what stands for it."""

    code: str
    duplicate: bool = False


class MemoryNode(Asks):
    """A broker. Calls are done when they return, in whatever thread, with or without an event loop.

        with MemoryNode() as node:
            node.publish("orders", {"n": 1})
            (message,) = node.lease("orders", "billing")

    `settings` are those of a real node (kapokmq.core.settings); nothing is kept on disk, whatever they say. `now` is
    the unix time at which the clock starts, by default what it is; then only `advance` moves it. Which of several
    members gets a message is drawn from `seed`. What the broker refuses raises Refused.
    """

    def __init__(self, settings: NodeSettings | None = None, *, now: float | None = None, seed: int = 0) -> None:
        given = NodeSettings() if settings is None else settings
        self._settings = replace(given, store=StoreSettings(durability=0))
        self._is_now = now is None
        self._machine = Machine(self._settings, time.time() if now is None else now, seed)
        self._leasing: dict[tuple[str, str], Subscription] = {}
        self._wire: Any = None

    # ---- publishing

    def publish(
        self,
        topic: str,
        data: Any,
        *,
        delay: float | None = None,
        at: float | None = None,
        expire: float | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Published:
        """Publish a text, or any other value as its JSON. Times in seconds, `at` in unix seconds; see the v2 wire."""
        options = {"delay": delay, "at": at, "expire": expire, "key": key, "headers": headers}
        message = {"data": data} | {name: value for name, value in options.items() if value is not None}
        return self._publish(topic, [message])[0]

    def publish_many(self, topic: str, data: Iterable[Any]) -> list[Published]:
        """Publish texts or values, all or none of them."""
        return self._publish(topic, [{"data": one} for one in data])

    def _publish(self, topic: str, messages: list[dict[str, Any]]) -> list[Published]:
        asked = self._read({"op": "publish", "id": 1, "topic": topic, "messages": messages}, Publish)
        receipt: Receipt = self._machine.ask(lambda: self._machine.engine.send(topic, asked.drafts))
        repeated = receipt.duplicates or {}
        return [Published(code, index in repeated) for index, code in enumerate(receipt.codes)]

    def _read(self, frame: dict[str, Any], shape: type[Any]) -> Any:
        """Let the wire's own reader look at it, so that the same is refused."""
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        try:
            asked = decode(text.encode("utf-8", "surrogatepass"), self._settings.access.max_message_bytes)
        except Rejected as no:
            raise Refused(no.name, str(no)) from None
        except BadEncoding as no:
            raise Refused("badRequest", str(no)) from None
        if not isinstance(asked, shape):
            raise TypeError(f"read as {type(asked).__name__}")
        return asked

    # ---- consuming

    def subscribe(
        self,
        topic: str,
        group: str | None = None,
        *,
        credit: int | None = None,
        start: str | float = "new",
        acks: bool = True,
        name: str = "test",
    ) -> Subscription:
        """Join a group of a topic or pattern, or without `group` a private one. The fields are those of the v2 wire.

        `start` is "new", "all" or unix seconds. `acks` False: it owes none. `name` is what people see of it.
        """
        frame: dict[str, Any] = {"op": "subscribe", "id": 1, "topic": topic}
        frame["start"] = start if isinstance(start, str) else {"time": start}
        options = {"group": group, "credit": credit, "ack": None if acks else "none"}
        frame |= {option: value for option, value in options.items() if value is not None}
        wish: Wish = self._read(frame, Subscribe).wish
        return self._join(topic, wish, name)

    def _join(self, topic: str, wish: Wish, name: str) -> Subscription:
        subscription = Subscription(self._machine, name)
        handle = self._machine.ask(lambda: self._machine.engine.join(subscription, topic, wish))
        subscription.joined(handle)
        return subscription

    def lease(self, topic: str, group: str = "default", count: int = 1) -> list[Message]:
        """Take up to `count` messages of a group now, as a worker that polls. They are held until they are settled."""
        subscription = self._leasing.get((topic, group))
        if subscription is None:
            wish = Wish(group, 0, owes=True, renews=False)
            subscription = self._leasing[topic, group] = self._join(topic, wish, "lease")
        subscription.set_credit(count)
        subscription.set_credit(0)
        return subscription.take(count)

    # ---- steering

    @property
    def now(self) -> float:
        """What time it is here, in unix seconds."""
        return self._machine.now

    def advance(self, seconds: float) -> None:
        """Let time pass: what falls due in it happens in order, each at its time."""
        self._machine.advance(seconds)

    def create_topic(self, topic: str, **policy: Any) -> None:
        """Make a topic, or set the policy of one that exists: fields as in PUT /api/v1/topics/{topic}."""
        with told():
            wanted = read_policy(json.dumps(policy), TopicPolicy)
        admin = self._machine.engine.admin
        if not self._machine.ask(lambda: admin.create_topic(topic, wanted)):
            self._machine.ask(lambda: admin.set_policy(topic, wanted))

    def create_group(self, topic: str, group: str, start: str | float = "new", **config: Any) -> None:
        """Make a group, or configure one that exists: fields as in PUT /api/v1/topics/{topic}/groups/{group}."""
        with told():
            wanted = read_policy(json.dumps(config), GroupConfig)
        admin = self._machine.engine.admin
        begin = start if isinstance(start, str) else round(start * 1000)
        if not self._machine.ask(lambda: admin.create_group(topic, group, begin, wanted)):
            self._machine.ask(lambda: admin.set_config(topic, group, wanted))

    def delete_topic(self, topic: str) -> bool:
        """Delete a topic with all it has; False if there is none."""
        return self._machine.ask(lambda: self._machine.engine.admin.delete_topic(topic))

    def delete_group(self, topic: str, group: str) -> bool:
        """Delete a group and dismiss its members; False if there is none."""
        self._leasing.pop((topic, group), None)
        return self._machine.ask(lambda: self._machine.engine.admin.delete_group(topic, group))

    def drain(self) -> None:
        """Behave as a node that is about to stop: publishes and subscriptions are refused, acks still work."""
        self._machine.do(self._machine.engine.drain)
        if self._wire is not None:
            self._wire.drain()

    # ---- sockets

    def serve(self, port: int = 0, *, live: bool = False) -> str:
        """Serve the real wire and HTTP on a loopback port (0: a free one), from a thread. Gives `url`.

        Connections live in real time, messages in the test's. `live`: these too, from now on. The process gets
        Twisted's default reactor, which is not run: who needs another one installs it before. Said again it gives the
        same.
        """
        if self._wire is None:
            from kapokmq.testing.serving import Wire  # noqa: PLC0415 -- Klein makes a reactor

            self._wire = Wire(self._machine, self._settings, port, live=live)
            if live and self._is_now:
                self.advance(max(0.0, time.time() - self.now))
        return self.url

    @property
    def port(self) -> int:
        """The port that is served. Raises RuntimeError before `serve`."""
        if self._wire is None:
            raise RuntimeError("nothing is served before `serve` was called")
        return int(self._wire.port)

    @property
    def url(self) -> str:
        """Where clients of the v2 wire connect to."""
        return f"ws://127.0.0.1:{self.port}/v2"

    @property
    def http_url(self) -> str:
        """What HTTP paths are put behind."""
        return f"http://127.0.0.1:{self.port}"

    def drop_connections(self) -> int:
        """Cut all WebSocket connections, as a broken network would. Gives how many there were."""
        return 0 if self._wire is None else int(self._wire.drop())

    def until(self, wanted: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until that gives something true, and give it: for what clients do in their own time.

        Raises TimeoutError where it takes longer than so many real seconds.
        """
        end = time.monotonic() + timeout
        while not (found := wanted()):
            if time.monotonic() >= end:
                raise TimeoutError(f"it did not come true within {timeout:g} s")
            time.sleep(_LOOK_EVERY)
        return found

    # ---- life

    def close(self) -> None:
        """Close the port and forget everything."""
        if self._wire is not None:
            self._wire.stop()
            self._wire = None
        self._machine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await asyncio.to_thread(self.close)
