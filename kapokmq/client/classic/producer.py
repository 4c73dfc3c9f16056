"""A classic producer in its loop: messages out, `ok`s in, and what is unconfirmed when a connection ends out again."""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from kapokmq.client.classic.bell import Bell
from kapokmq.client.classic.config import ClusterProducer, Producer, producer_url
from kapokmq.client.classic.link import Down, Link
from kapokmq.client.classic.registry import Registry
from kapokmq.core.client.classic.ledger import Ledger, Line
from kapokmq.core.client.classic.nodes import Node, Roster
from kapokmq.core.client.classic.session import OK, is_refusal
from kapokmq.core.client.errors import ClientError, Closed, WrongKey
from kapokmq.core.errors import BadMessage

_log = logging.getLogger("kapokmq.client")


class Ways(NamedTuple):
    """What all connections of a program have in common: TLS, and how many seconds a connection may take."""

    tls: ssl.SSLContext
    patience: float


class Sending:
    """What both kinds of producer do. To be used in one loop."""

    def __init__(self, ways: Ways, key: str, check_time: float, choice: Callable[[Sequence[Link]], Link]) -> None:
        self._ways = ways
        self._key = key
        self._check_time = check_time
        self._choice = choice
        self._lines: dict[Link, Line] = {}
        self._writing: dict[Link, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = Bell()
        self._closed = False
        self.ledger = Ledger()

    @property
    def links(self) -> list[Link]:
        """All that it has, alive or not."""
        return list(self._writing)

    def _link(self, url: str, *, stubborn: bool) -> Link:
        link = Link(
            url,
            self._key,
            self,
            tls=self._ways.tls,
            check_time=self._check_time,
            patience=self._ways.patience,
            stubborn=stubborn,
        )
        self._writing[link] = asyncio.Lock()
        return link

    # ---------------------------------------------------------------------------------------------- for callers

    async def send(self, text: bytes, seconds: float) -> bool:
        """Whether it was written to a connection in time. Raises Closed, WrongKey."""
        written: list[int] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._check()
                    seen = self._bell.count
                    links = [link for link, line in self._lines.items() if self.ledger.room(line, len(text))]
                    if links and await self._hand(self._choice(links), text, written):
                        return True
                    await self._bell.wait(seen)
        except TimeoutError:
            return bool(written)

    async def settled(self, seconds: float | None) -> int | None:
        """Wait until all that was sent so far is settled. Gives its newest ticket, None if it was not in time."""
        newest = self.ledger.last
        try:
            async with asyncio.timeout(seconds):
                while self.ledger.settled < newest:
                    self._check()
                    await self._bell.wait(self._bell.count)
        except TimeoutError:
            return None
        return newest

    async def close(self, linger: float) -> int:
        """Wait so long for what is unconfirmed, and end. Gives how many are unconfirmed then."""
        with contextlib.suppress(ClientError):
            await self.settled(linger)
        self._closed = True
        self._bell.ring()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(link.close() for link in self.links))
        return self.ledger.pending

    def _check(self) -> None:
        if self._closed:
            raise Closed("the producer was closed")
        for link in self._writing:
            if link.wrong_key and link.error is not None:
                raise link.error

    # ------------------------------------------------------------------------------------------------- for links

    def opened(self, link: Link) -> None:
        """It takes messages. What is orphaned goes first."""
        self._lines[link] = Line()
        self._bell.ring()
        self._spread()

    def heard(self, link: Link, frame: bytes) -> Awaitable[None] | None:
        """An `ok`."""
        if frame != OK:
            raise BadMessage(f"{frame[:60]!r} instead of ok")
        self.ledger.confirm(self._lines[link])
        self._bell.ring()
        return None

    def ended(self, link: Link, code: int | None, reason: str) -> None:
        """What it has not confirmed is sent again, elsewhere or when it is back."""
        line = self._lines.pop(link)
        if is_refusal(code, reason):
            refused = self.ledger.refuse(line)
            _log.error("%s: refused a message of %s bytes: %s", link.url, len(refused or b""), reason)
        self.ledger.lose(line)
        self._bell.ring()
        self._spread()

    def failed(self, link: Link) -> None:
        """Who waits may have to know."""
        self._bell.ring()

    def _spread(self) -> None:
        """Have the orphans sent by whoever is there."""
        if self.ledger.orphans and not self._closed:
            for link in self._lines:
                self._start(self._adopt(link))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adopt(self, link: Link) -> None:
        with contextlib.suppress(Down):
            async with self._writing[link]:
                await self._send_orphans(link)

    async def _send_orphans(self, link: Link) -> None:
        """Send them, oldest first. Raises Down. To be called by who writes."""
        while (line := self._lines.get(link)) is not None and (text := self.ledger.adopt(line)) is not None:
            await link.send(text)

    async def _hand(self, link: Link, text: bytes, written: list[int]) -> bool:
        """Write it, and its ticket to `written`. Whether it was; if not, something has changed or will."""
        async with self._writing[link]:
            try:
                await self._send_orphans(link)
            except Down:
                return False
            line = self._lines.get(link)
            if line is None or not self.ledger.room(line, len(text)):
                return False
            written.append(self.ledger.sent(line, text))
            try:
                await link.send(text)
            except Down:
                if self.ledger.withdraw(line, written[-1]):
                    written.clear()
            return bool(written)


class OneBroker(Sending):
    """To one broker."""

    def __init__(self, ways: Ways, producer: Producer) -> None:
        super().__init__(ways, producer.SecretKey, producer.CheckTime, lambda links: links[0])
        self._url = producer.url

    async def start(self) -> None:
        """Connect. Raises WrongKey, Untrusted, Unreachable, and is closed then."""
        link = self._link(self._url, stubborn=False)
        try:
            await link.first()
        except BaseException:
            await self.close(0)
            raise


class AllBrokers(Sending):
    """To all brokers that a registry tells of."""

    def __init__(self, ways: Ways, producer: ClusterProducer) -> None:
        super().__init__(ways, producer.SecretKey, producer.CheckTime, random.choice)
        self._producer = producer
        self._registry = Registry(
            producer.RegistryProtocol,
            producer.RegistryAddr,
            producer.RegistryPort,
            producer.SecretKey,
            tls=ways.tls,
            patience=ways.patience,
        )
        self._roster = Roster()
        self._at: dict[str, Link] = {}

    async def start(self) -> None:
        """Ask, and connect to all. Raises WrongKey, Untrusted, Unreachable, and is closed then.

        One that answers is enough, and so is a registry that knows of none yet.
        """
        try:
            self._listed(await self._registry.nodes())
            _check_any([await link.tried for link in self.links])
        except BaseException:
            await self.close(0)
            raise
        self._start(self._follow())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._check_time)
            try:
                self._listed(await self._registry.nodes())
            except ClientError as error:
                _log.info("%s", error)

    def _listed(self, nodes: Sequence[Node]) -> None:
        new, gone = self._roster.listed(nodes)
        for address in new:
            self._at[address] = self._link(producer_url(self._producer, address), stubborn=True)
        for address in gone:
            self._start(self._give_up(self._at.pop(address)))

    async def _give_up(self, link: Link) -> None:
        """The registry has not told of it for a while. What it has not confirmed goes to others."""
        _log.info("%s: is not listed any more", link.url)
        await link.close()
        del self._writing[link]


def _check_any(tried: Sequence[ClientError | None]) -> None:
    """Raise what people can do something about, if all tries failed."""
    errors = [error for error in tried if error is not None]
    if errors and len(errors) == len(tried):
        raise next((error for error in errors if isinstance(error, WrongKey)), errors[0])
