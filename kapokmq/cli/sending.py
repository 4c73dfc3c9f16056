"""Publishing in batches, several under way, no faster than is asked, and again what the broker can't take yet."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from random import random
from typing import Protocol

import click

from kapokmq.cli.patience import Pace, Patience
from kapokmq.cli.sources import Line, Lines
from kapokmq.client import Outgoing, Receipt, TryLater
from kapokmq.core.client.message import Publish, written

UNCONFIRMED = 32  # batches that may be under way
LONGEST = 1 << 20  # bytes of text in a batch, or one message that is longer


class Publishes(Protocol):
    """What is needed of a client."""

    async def publish_written(self, publish: Publish) -> Receipt:
        """Publish what was written already."""


@dataclass
class Tally:
    """What was confirmed: messages, of which `duplicates` were stored before; `durable` as the last answer said."""

    stored: int = 0
    duplicates: int = 0
    batches: int = 0
    durable: str = ""

    def add(self, receipt: Receipt) -> None:
        """A batch is confirmed."""
        self.stored += len(receipt.codes) - len(receipt.duplicates)
        self.duplicates += len(receipt.duplicates)
        self.batches += 1
        self.durable = receipt.durable


@dataclass
class Terms:
    """How to publish. `batch` messages at most at a time; `patience` in seconds, while the broker can't take them.

    `confirmed` is called with each batch's receipt, and how far one has come with it.
    """

    topic: str
    batch: int = 100
    rate: float | None = None
    durable: bool = False
    patience: float = 60.0
    confirmed: Callable[[Receipt, int], None] = lambda *_: None
    tally: Tally = field(default_factory=Tally)


class Sending:
    """Makes batches, and has them under way. Made by `sending`."""

    def __init__(self, mq: Publishes, terms: Terms, tasks: asyncio.TaskGroup) -> None:
        self._mq = mq
        self._terms = terms
        self._tasks = tasks
        self._pace = Pace(terms.rate)
        self._most = self._pace.together(terms.batch)
        self._trying = Patience(terms.patience)
        self._room = asyncio.Semaphore(UNCONFIRMED)
        self._batch: list[str | Outgoing] = []
        self._bytes = 0

    async def all(self, lines: Iterable[Line]) -> None:
        """Send what is there."""
        far = 0
        for line in lines:
            far = line.far
            await self._add(line)
        await self._send(far)

    async def live(self, lines: Lines, parse: Callable[[str, int], str | Outgoing]) -> None:
        """Send lines as they come: what is there together, and nothing waits. `parse` is given their numbers, too."""
        far = 0
        for number in count(1):
            found = lines.take_nowait()
            if found is None and not lines.ended:
                await self._send(far)
                found = await lines.take()
            if found is None:
                break
            text, far = found
            await self._add(Line(parse(text, number), far))
        await self._send(far)

    async def _add(self, line: Line) -> None:
        message = line.message
        size = len(message if isinstance(message, str) else message.data)
        if self._batch and self._bytes + size > LONGEST:
            await self._send(line.far)
        self._batch.append(message)
        self._bytes += size
        if len(self._batch) >= self._most:
            await self._send(line.far)

    async def _send(self, far: int) -> None:
        if not self._batch:
            return
        batch, self._batch, self._bytes = self._batch, [], 0
        try:
            publish = written(self._terms.topic, batch, durable=self._terms.durable)
        except (ValueError, TypeError) as error:
            raise click.UsageError(f"a message can't be written: {error}") from None
        await self._room.acquire()
        await asyncio.sleep(self._pace.ready(time.monotonic()))
        self._pace.took(len(batch))
        self._tasks.create_task(self._stored(publish, far))

    async def _stored(self, publish: Publish, far: int) -> None:
        try:
            receipt = await self._confirmed(publish)
        finally:
            self._room.release()
        self._terms.tally.add(receipt)
        self._terms.confirmed(receipt, far)

    async def _confirmed(self, publish: Publish) -> Receipt:
        while True:
            try:
                receipt = await self._mq.publish_written(publish)
            except TryLater as error:
                wait = self._trying.wait(time.monotonic(), random(), error.retry_after)  # noqa: S311 -- jitter
                if wait is None:
                    raise
                await asyncio.sleep(wait)
            else:
                self._trying.well()
                return receipt


@asynccontextmanager
async def sending(mq: Publishes, terms: Terms) -> AsyncIterator[Sending]:
    """Publish; in the end all is confirmed. Raises at once, in a group, what the broker says of a batch.

    What was sent before a message that is none is confirmed nevertheless.
    """
    fault: click.ClickException | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield Sending(mq, terms, tasks)
        except click.ClickException as error:
            fault = error
    if fault is not None:
        raise fault
