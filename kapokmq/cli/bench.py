"""`kapokmq bench`: how fast a broker is, seen from one client over the v2 wire."""

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import click

from kapokmq.cli.exits import Ended, No
from kapokmq.cli.http import Client
from kapokmq.cli.output import Printer, printing
from kapokmq.cli.target import Target, connected
from kapokmq.cli.wire import options, speaking
from kapokmq.client import Bounds, aio

GROUP = "bench"
CREDIT = 5_000
PERCENTILES = (50, 95, 99)


@click.command()
@click.option(
    "-n", "--messages", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True, help="How many."
)
@click.option("--size", type=click.IntRange(1, 1 << 20), default=100, show_default=True, help="Bytes of a message.")
@click.option("--batch", type=click.IntRange(1, 5_000), default=100, show_default=True, help="Messages in a batch.")
@click.option(
    "--window", type=click.IntRange(1, 500), default=16, show_default=True, help="Batches unconfirmed at once."
)
@click.option("--consume/--no-consume", default=True, help="Whether a consumer takes and acknowledges them meanwhile.")
@click.option("--durable", is_flag=True, help="Confirm when it is on disk, where the node promises less.")
@click.option("--topic", help="Publish here, and keep it. [one that is made, and deleted in the end]")
@printing
@connected
def bench(  # noqa: PLR0913, PLR0917 -- an option each
    target: Target,
    printer: Printer,
    messages: int,
    size: int,
    batch: int,
    window: int,
    consume: bool,  # noqa: FBT001 -- a flag of click's
    durable: bool,  # noqa: FBT001
    topic: str | None,
) -> None:
    """Publish messages with confirms, consume them meanwhile, and say how long that took.

    One process of Python is both: the figures are those of this client and the broker together, not the broker's limit.
    """
    name = topic or f"bench.{secrets.token_hex(4)}"
    amount = Amount(messages, size, batch, window)
    try:
        with speaking(target):
            printer.one(asyncio.run(measured(target, name, amount, consume=consume, durable=durable)))
    finally:
        if topic is None:
            with suppress(Ended), Client(target) as client:
                client.delete("topics", name)


class Amount(NamedTuple):
    """How much to publish: messages of so many bytes, in batches, of which `window` are under way."""

    messages: int
    size: int
    batch: int
    window: int


async def measured(target: Target, topic: str, amount: Amount, *, consume: bool, durable: bool) -> dict[str, Any]:
    """Publish, and consume meanwhile. Gives what is printed of it."""
    bounds = Bounds(amount.window, amount.window * amount.batch, 1 << 40)
    async with (
        aio.connect(target.socket_url, **options(target, "kapokmq bench", 0.0), bounds=bounds) as mq,
        aio.connect(target.socket_url, **options(target, "kapokmq bench consumer", 0.0)) as other,
    ):
        # A connection of its own: deliveries must not keep confirmations waiting.
        subscription = await other.subscribe(topic, group=GROUP, credit=CREDIT, start="new") if consume else None
        figures, consumer = Figures(), Consumer()
        async with asyncio.TaskGroup() as tasks:
            if subscription is not None:
                tasks.create_task(consumer.consume(subscription, amount.messages, target.timeout))
            taken = await published(mq, topic, amount, figures, durable=durable)
        await other.flush()
    row = {"topic": topic, **amount._asdict(), "durable": figures.durable, "publishSeconds": round(taken, 4)}
    row["publishedPerSecond"] = round(amount.messages / taken)
    row |= {f"confirmMs{share}": figures.percentile(share) for share in PERCENTILES}
    return row | (consumer.row(amount.messages) if consume else {})


@dataclass
class Figures:
    """What was measured: seconds from the sending of each batch to its confirmation."""

    waits: list[float] = field(default_factory=list)
    durable: str = ""

    def percentile(self, share: int) -> float:
        """Milliseconds within which so many of a hundred were confirmed."""
        found = sorted(self.waits)
        return round(found[min(len(found) - 1, len(found) * share // 100)] * 1000, 2)


async def published(mq: aio.Client, topic: str, amount: Amount, figures: Figures, *, durable: bool) -> float:
    """Publish, and give the seconds from the first message to the last confirmation."""
    batches = iter(range(0, amount.messages, amount.batch))
    text = "x" * amount.size

    async def publish() -> None:
        for sent in batches:
            texts = [text] * min(amount.batch, amount.messages - sent)
            since = time.perf_counter()
            figures.durable = (await mq.publish_batch(topic, texts, durable=durable)).durable
            figures.waits.append(time.perf_counter() - since)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(amount.window):
            tasks.create_task(publish())
    return time.perf_counter() - begun


@dataclass
class Consumer:
    """Takes and acknowledges messages, and knows how many there were, and when."""

    seen: int = 0
    first: float = 0.0
    last: float = 0.0

    async def consume(self, subscription: aio.Subscription, count: int, patience: float) -> None:
        """Consume until all came, or nothing comes any more for so many seconds."""
        while self.seen < count:
            message = subscription.get_nowait()
            if message is None:
                self.last = time.perf_counter()
                try:
                    async with asyncio.timeout(patience):
                        message = await subscription.get()
                except TimeoutError:
                    return
                self.first = self.first or time.perf_counter()
            message.ack()
            self.seen += 1
        self.last = time.perf_counter()

    def row(self, count: int) -> dict[str, Any]:
        """Its figures. Raises No where some did not come."""
        if self.seen < count:
            raise No(f"{self.seen} of {count} messages came")
        seconds = max(self.last - self.first, 1e-6)
        return {"consumeSeconds": round(seconds, 4), "consumedPerSecond": round(self.seen / seconds)}
