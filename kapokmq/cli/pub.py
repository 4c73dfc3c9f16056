"""`kapokmq pub`: publish what is typed, files, or lines."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import chain, count, repeat
from typing import Any, BinaryIO

import click

from kapokmq.cli.commands import topic_argument
from kapokmq.cli.exits import Unusable
from kapokmq.cli.output import Printer, printing
from kapokmq.cli.sending import Sending, Tally, Terms, sending
from kapokmq.cli.sources import Line, Lines, parse_line, read_files
from kapokmq.cli.target import Target, connected
from kapokmq.cli.times import DURATION, MOMENT, shown_duration
from kapokmq.cli.wire import options, speaking
from kapokmq.client import Outgoing, Receipt, aio

TOGETHER = 100  # messages in a batch
BAR_AFTER = 0.5  # seconds
CLEAR_LINE = "\r\x1b[K"

Work = Callable[[Sending], Awaitable[None]]


@click.command()
@topic_argument
@click.argument("messages", nargs=-1)
@click.option("-f", "--file", "files", multiple=True, metavar="FILE", help="A file that is one message; - is stdin.")
@click.option("-l", "--lines", metavar="FILE", help="A file whose lines are messages; - is stdin.")
@click.option("--json", "as_json", is_flag=True, help="Lines are objects: data, delay, at, expire, key, headers.")
@click.option("--delay", type=DURATION, help="Deliver after so long.")
@click.option("--at", type=MOMENT, help="Deliver at that time.")
@click.option("--expire", type=DURATION, help="Worth nothing so long after it is due.")
@click.option("--with-key", metavar="KEY", help="Store only if no message with this key is remembered.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header; as often as you like.")
@click.option("--repeat", "times", type=click.IntRange(1, 100_000_000), default=1, help="Publish MESSAGES so often.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many a second.")
@click.option(
    "--batch", type=click.IntRange(1, 5_000), default=TOGETHER, show_default=True, help="Messages in a batch."
)
@click.option("--durable", is_flag=True, help="Confirm when it is on disk, where the node promises less.")
@click.option("--patience", type=DURATION, default=60.0, help="How long the broker may be away or full. [60s]")
@click.option("--codes", is_flag=True, help="Print the code of each message.")
@printing
@connected
def pub(  # noqa: PLR0913, PLR0917 -- an option each
    target: Target,
    printer: Printer,
    topic: str,
    messages: tuple[str, ...],
    files: tuple[str, ...],
    lines: str | None,
    as_json: bool,  # noqa: FBT001 -- a flag of click's
    times: int,
    rate: float | None,
    batch: int,
    durable: bool,  # noqa: FBT001
    patience: float,
    codes: bool,  # noqa: FBT001
    **common: Any,
) -> None:
    """Publish MESSAGES, files, or lines (of stdin, if nothing is named), in batches that the broker confirms.

    What was not confirmed when a connection is lost is sent again, and stored once.
    """
    if (messages or files) and lines is not None:
        raise click.UsageError("give --lines, or MESSAGES and --file, not both")
    if times != 1 and not (messages or files):
        raise click.UsageError("--repeat: only of MESSAGES and --file")
    report = _Report(printer, topic, codes=codes)
    terms = Terms(topic, batch, rate, durable, patience, report.confirmed, report.tally)
    parse = partial(_parsed, _common(**common), as_json=as_json)
    if messages or files:
        texts = enumerate([*messages, *read_files(files)], 1)
        work = _all([parse(text, at) for at, text in texts], times, report)
    else:
        work = _live(_opened(lines), lines, parse, report)
    whole = False
    try:
        with speaking(target):
            given = options(target, "kapokmq pub", patience, report.tell) | {"linger": 0.0}
            asyncio.run(_publish(target.socket_url, given, terms, work))
        whole = True
    finally:
        report.ended(whole=whole)


def _parsed(common: Mapping[str, Any], text: str, number: int, *, as_json: bool) -> str | Outgoing:
    return parse_line(text, number, common, as_json=as_json)


async def _publish(url: str, given: dict[str, Any], terms: Terms, work: Work) -> None:
    async with aio.connect(url, **given) as mq, sending(mq, terms) as out:
        await work(out)


def _all(messages: list[str | Outgoing], times: int, report: "_Report") -> Work:
    async def work(out: Sending) -> None:
        report.begin(len(messages) * times)
        await out.all(map(Line, chain.from_iterable(repeat(messages, times)), count(1)))

    return work


def _live(stream: BinaryIO, path: str | None, parse: Callable[[str, int], str | Outgoing], report: "_Report") -> Work:
    async def work(out: Sending) -> None:
        if stream.isatty():
            click.echo("type messages, a line each; control-D ends it", err=True)
        report.begin(_size(stream))
        await out.live(Lines(stream, path or "stdin"), parse)

    return work


class _Report:
    """Says how far it is, what was stored, and under which codes."""

    def __init__(self, printer: Printer, topic: str, *, codes: bool) -> None:
        self._printer = printer
        self._topic = topic
        self._codes = codes
        self._bar: Any = None
        self._length = 0  # how far one comes, 0 where that is not known
        self._begun = 0.0
        self.tally = Tally()

    def begin(self, length: int | None) -> None:
        """Begin. `length` is how far one comes, if that is known."""
        self._begun = time.monotonic()
        self._length = length or 0

    def tell(self, text: str) -> None:
        """Tell people something, in a line of its own."""
        click.echo(f"{CLEAR_LINE if self._bar is not None else ''}{text}", err=True)

    def confirmed(self, receipt: Receipt, far: int) -> None:
        """A batch is stored. There is a bar where that lasts."""
        if self._bar is None and self._printer.progress and self._length and time.monotonic() - self._begun > BAR_AFTER:
            self._bar = click.progressbar(length=self._length, label="publishing", file=sys.stderr)
            self._bar.start = self._bar.last_eta = time.time() - (time.monotonic() - self._begun)
            self._bar.__enter__()
        if self._bar is not None and far > self._bar.pos:
            self._bar.update(far - self._bar.pos)
        if self._codes:
            repeated = set(receipt.duplicates)
            for index, code in enumerate(receipt.codes):
                self._printer.said(code, {"code": code, "duplicate": index in repeated})

    def ended(self, *, whole: bool) -> None:
        """Say what was stored, also where it could not go on."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        tally = self.tally
        if not whole and not tally.batches:
            return
        row = {"topic": self._topic, "stored": tally.stored, "duplicates": tally.duplicates}
        more = f", {tally.duplicates} were stored before" if tally.duplicates else ""
        how = f" ({tally.durable})" if tally.durable else ""
        took = time.monotonic() - self._begun
        if took >= 1.0 and self._length:
            how += f" in {shown_duration(took)}, {tally.stored / took:,.0f} a second"
        self._printer.said(f"{tally.stored} stored{more}{how}", row | {"durable": tally.durable, "whole": whole})


def _common(
    delay: float | None, at: float | None, expire: float | None, with_key: str | None, headers: tuple[str, ...]
) -> dict[str, Any]:
    """What all messages have in common. Raises click.UsageError."""
    if delay is not None and at is not None:
        raise click.UsageError("give --delay or --at, not both")
    named = [header.partition(":") for header in headers]
    for name, colon, _ in named:
        if not name or not colon:
            raise click.UsageError(f"--header {name}: must be NAME:VALUE")
    given = {"delay": delay, "at": at, "expire": expire, "key": with_key, "headers": {one[0]: one[2] for one in named}}
    return {name: value for name, value in given.items() if value not in (None, {})}


def _opened(path: str | None) -> BinaryIO:
    if path in {None, "-"}:
        return sys.stdin.buffer
    try:
        return open(str(path), "rb")  # noqa: PTH123 -- the caller closes it
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}") from error


def _size(stream: BinaryIO) -> int | None:
    """Bytes of a file, None of a pipe."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size or None
