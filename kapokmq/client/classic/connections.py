"""All classic producers and consumers of a program, by their ids, behind calls that block. Threads may share them."""

import atexit
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar, overload

from kapokmq.client.classic.config import ClusterProducer, Consumer, Producer, check_registry_protocol
from kapokmq.client.classic.consumer import Receiving
from kapokmq.client.classic.producer import AllBrokers, OneBroker, Sending, Ways
from kapokmq.client.classic.registry import Registry
from kapokmq.client.loop_thread import LoopThread
from kapokmq.client.options import Options, tls_context
from kapokmq.core.client.classic.nodes import Node
from kapokmq.core.client.classic.session import Message, draft
from kapokmq.core.client.errors import Closed

PATIENCE = 10.0  # seconds
LINGER = 5.0  # seconds
_SEND_WORDS = (1, 2)  # without an id
_ACK_WORDS = (1, 2)  # with or without one
_log = logging.getLogger("kapokmq.client")

T = TypeVar("T")


class _Sender:
    """A producer, and what each thread has asked of it."""

    def __init__(self, conn: Sending, check_time: float) -> None:
        self.conn = conn
        self.check_time = check_time
        self.asked = threading.local()  # `to`: the newest ticket that this thread knows about


class Connections:
    """What the functions of `kapokmq.client.classic` are methods of. `close_all` ends it; then it may begin anew."""

    def __init__(self) -> None:
        self._producers: dict[str, _Sender] = {}
        self._consumers: dict[str, Receiving] = {}
        self._loop: LoopThread | None = None
        self._changing = threading.RLock()

    # ----------------------------------------------------------------------------------------------- connecting

    def new_producer_conn(self, producer: Producer, *, ca: str | None = None, patience: float = PATIENCE) -> None:
        """Connect a producer to its broker. From now on it is known by its ProducerId.

        `ca`: a PEM file with the authorities to be trusted for `wss`, instead of the system's. `patience`: how many
        seconds a connection may take. Raises WrongKey, Untrusted and Unreachable; ValueError for an id that is taken.
        """
        self._new_producer(producer.ProducerId, OneBroker(_ways(ca, patience), producer), producer.CheckTime)

    def new_cluster_producer_conn(
        self, producer: ClusterProducer, *, ca: str | None = None, patience: float = PATIENCE
    ) -> None:
        """Connect a producer to all brokers that a registry tells of. Each message goes to one of them, at random.

        It is enough that one of them answers, or that the registry knows of none yet. The rest is as for a producer.
        """
        self._new_producer(producer.ProducerId, AllBrokers(_ways(ca, patience), producer), producer.CheckTime)

    def new_consumer_conn(self, consumer: Consumer, *, ca: str | None = None, patience: float = PATIENCE) -> None:
        """Connect a consumer to its broker. From now on it is known by its ConsumerId. Likewise."""
        self._check_free(self._consumers, "ConsumerId", consumer.ConsumerId)
        conn = Receiving(_ways(ca, patience), consumer)
        self._begin(conn.start())
        with self._changing:
            if consumer.ConsumerId not in self._consumers:
                self._consumers[consumer.ConsumerId] = conn
                return
        self._call(conn.close())
        self._check_free(self._consumers, "ConsumerId", consumer.ConsumerId)

    def get_nodes(
        self,
        protocol: str,
        addr: str,
        port: str | int,
        secret_key: str,
        *,
        ca: str | None = None,
        patience: float = PATIENCE,
    ) -> list[Node]:
        """The brokers that a registry knows: `Name`, `Addr` and `Port` are texts. Raises what connecting does."""
        check_registry_protocol(protocol)
        ways = _ways(ca, patience)
        return self._begin(Registry(protocol, addr, port, secret_key, tls=ways.tls, patience=patience).nodes())

    # --------------------------------------------------------------------------------------------------- sending

    @overload
    def producer_send(
        self, producer_id: str, data: str, delay: int = 0, /, *, timeout: float | None = None
    ) -> bool: ...

    @overload
    def producer_send(
        self, data: str, delay: int = 0, /, *, producer_id: str | None = None, timeout: float | None = None
    ) -> bool: ...

    def producer_send(self, *words: str | int, producer_id: str | None = None, timeout: float | None = None) -> bool:
        """Send a text, due in `delay` seconds. The id comes first; while there is one producer it may be left out.

        True: it was handed to a connection that was alive. If that ends before the broker has confirmed it, it is sent
        again, and may then be stored twice. False: there was no such connection within `timeout` seconds, CheckTime if
        left out, or none that had room (10,000 messages or 64 MiB unconfirmed); then it is not sent later either.
        Raises WrongKey, Closed, and ValueError or TypeError for what makes no sense.
        """
        id_, data, delay = _send_words(words, producer_id)
        sender = _pick(self._producers, "ProducerId", id_)
        text = draft(data, delay)
        return self._call(sender.conn.send(text, sender.check_time if timeout is None else timeout))

    def producer_ack(self, producer_id: str | None = None, *, timeout: float | None = None) -> bool:
        """Wait until the broker has confirmed all that was sent so far, for ever or so many seconds.

        False: not in time, or a broker refused something since this thread last asked (the log has what). Raises
        WrongKey, Closed.
        """
        sender = _pick(self._producers, "ProducerId", producer_id)
        newest = self._call(sender.conn.settled(timeout))
        if newest is None:
            return False
        before, refused = getattr(sender.asked, "to", 0), sender.conn.ledger.refused
        sender.asked.to = max(newest, refused)
        return refused <= before

    # ------------------------------------------------------------------------------------------------- receiving

    def consumer_receive(self, consumer_id: str | None = None, *, timeout: float | None = None) -> Message:
        """The next message; waits for ever, or so many seconds: then TimeoutError. Raises WrongKey, Closed."""
        conn = _pick(self._consumers, "ConsumerId", consumer_id)
        message, full = conn.take()
        if full:
            self._soon(conn.ring)
        return self._call(conn.receive(timeout)) if message is None else message

    @overload
    def consume_ack(self, consumer_id: str, code: str, /) -> bool: ...

    @overload
    def consume_ack(self, code: str, /, *, consumer_id: str | None = None) -> bool: ...

    def consume_ack(self, *words: str, consumer_id: str | None = None) -> bool:
        """Tell that the message with this MessageCode is done. The id comes first, and may be left out likewise.

        True: it is told now. False: there is no connection, it is told over the next. Raises WrongKey, Closed.
        """
        if len(words) not in _ACK_WORDS or not all(isinstance(word, str) and word for word in words):
            raise TypeError("consume_ack: takes an id and a MessageCode, of which the code is needed")
        *ids, code = words
        conn = _pick(self._consumers, "ConsumerId", ids[0] if ids else consumer_id)
        conn.check()
        self._soon(conn.ack, code)
        return conn.live

    # --------------------------------------------------------------------------------------------------- closing

    def producer_close(self, producer_id: str | None = None, *, linger: float = LINGER) -> bool:
        """Wait up to `linger` seconds for what is unconfirmed, and end the producer. Whether all was confirmed."""
        with self._changing:
            sender = _pick(self._producers, "ProducerId", producer_id)
            self._producers = {id_: other for id_, other in self._producers.items() if other is not sender}
        unconfirmed = self._call(sender.conn.close(linger))
        if unconfirmed:
            _log.error("a producer was closed, and of its messages this many were not confirmed: %s", unconfirmed)
        return not unconfirmed

    def consumer_close(self, consumer_id: str | None = None) -> None:
        """End the consumer. What it has not acknowledged goes to others."""
        with self._changing:
            conn = _pick(self._consumers, "ConsumerId", consumer_id)
            self._consumers = {id_: other for id_, other in self._consumers.items() if other is not conn}
        self._call(conn.close())

    def close_all(self, *, linger: float = LINGER) -> None:
        """End all producers and consumers, and the thread."""
        self._close_producers(linger)
        for id_ in list(self._consumers):
            self.consumer_close(id_)
        with self._changing:
            if self._loop is not None:
                atexit.unregister(self._at_exit)
                self._loop.stop()
                self._loop = None

    def _close_producers(self, linger: float) -> None:
        for id_ in list(self._producers):
            self.producer_close(id_, linger=linger)

    def _at_exit(self) -> None:
        if self._loop is None or self._loop.stopped:
            return  # a fork of the process that has it
        # Threads that consume may go on to the very end: they are no reason to wait, and get no error.
        for conn in list(self._consumers.values()):
            self._call(conn.flush())
        self._close_producers(LINGER)

    # -------------------------------------------------------------------------------------------------- the thread

    def _soon(self, function: Callable[..., None], *args: Any) -> None:
        loop = self._loop
        if loop is not None:
            loop.soon(function, *args)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._loop
        if loop is None:
            work.close()
            raise Closed("all connections were closed")
        return loop.call(work)

    def _begin(self, work: Coroutine[Any, Any, T]) -> T:
        """Likewise, and have the thread if there is none."""
        with self._changing:
            if self._loop is None:
                self._loop = LoopThread()
                atexit.register(self._at_exit)
        return self._call(work)

    def _new_producer(self, id_: str, conn: OneBroker | AllBrokers, check_time: float) -> None:
        self._check_free(self._producers, "ProducerId", id_)
        self._begin(conn.start())
        with self._changing:
            if id_ not in self._producers:
                self._producers[id_] = _Sender(conn, check_time)
                return
        self._call(conn.close(0))
        self._check_free(self._producers, "ProducerId", id_)

    @staticmethod
    def _check_free(known: Mapping[str, Any], name: str, id_: str) -> None:
        if id_ in known:
            raise ValueError(f"{name}: {id_!r} is there already; close it first")


def _ways(ca: str | None, patience: float) -> Ways:
    return Ways(tls_context(Options(ca=ca)), patience)


def _send_words(words: tuple[Any, ...], id_: str | None) -> tuple[str | None, str, int]:
    """What stands for what in a send. Raises TypeError."""
    if len(words) > 1 and isinstance(words[1], str):
        id_, *rest = words
    else:
        rest = list(words)
    if len(rest) not in _SEND_WORDS:
        raise TypeError("producer_send: takes an id, a text and a delay, of which the text is needed")
    return id_, rest[0], rest[1] if rest[1:] else 0


def _pick(known: Mapping[str, T], name: str, id_: str | None) -> T:
    """The one with that id, or the only one. Raises ValueError."""
    if id_ is None:
        if len(known) != 1:
            raise ValueError(f"{name}: is needed, as there are {len(known)}")
        return next(iter(known.values()))
    if id_ not in known:
        raise ValueError(f"{name}: {id_!r} is not there")
    return known[id_]
