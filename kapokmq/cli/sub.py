"""`kapokmq sub` and `kapokmq tail`: messages as they come."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from kapokmq.cli.commands import complete_group, topic_argument
from kapokmq.cli.exits import No, Unreachable
from kapokmq.cli.groups import read_start
from kapokmq.cli.output import Printer, plain, printing
from kapokmq.cli.target import Target, connected
from kapokmq.cli.times import DURATION, shown_moment
from kapokmq.cli.wire import options, speaking
from kapokmq.client import Client, Message, Subscription, connect

CREDIT = 1_000  # messages that are held unless somebody says otherwise
TOGETHER = 100  # messages that are printed before they are acknowledged
TOUCH_EVERY = 10.0  # seconds between renewals of the leases of what is only looked at

Test = Callable[[Message], bool]


def lasting(command: Any) -> Any:
    """Give a command that follows the options when to end."""
    for option in (
        click.option("--patience", type=DURATION, default=60.0, help="How long the broker may be away. [60s]"),
        click.option("--raw", is_flag=True, help="Print the texts alone, a line each."),
        click.option("-w", "--wait", type=DURATION, help="End when nothing came for so long."),
        click.option("-c", "--count", type=click.IntRange(min=1), help="End after so many messages."),
    ):
        command = option(command)
    return command


@click.command()
@topic_argument
@click.option("-g", "--group", required=True, shell_complete=complete_group, help="The group to take part in.")
@click.option("--ack/--peek", default=True, help="Acknowledge what was printed, or give it back in the end. [ack]")
@click.option("--start", help="Where the group begins if there is none: new, all, or a time. [new]")
@click.option("--credit", type=click.IntRange(1, 100_000), default=CREDIT, show_default=True, help="Held at once.")
@lasting
@printing
@connected
def sub(  # noqa: PLR0913, PLR0917 -- an option each
    target: Target,
    printer: Printer,
    topic: str,
    group: str,
    ack: bool,  # noqa: FBT001 -- a flag of click's
    start: str | None,
    credit: int,
    count: int | None,
    wait: float | None,
    raw: bool,  # noqa: FBT001
    patience: float,
) -> None:
    """Take part in a group of TOPIC (or of a pattern): print messages, and acknowledge what was printed.

    With --peek nothing is acknowledged: others get it when this ends, as another attempt.
    """
    begin, show = None if start is None else read_start(start), _shower(printer, raw=raw)
    with speaking(target), connect(target.socket_url, **options(target, _name("sub"), patience)) as mq:
        subscription = mq.subscribe(topic, group=group, credit=min(credit, count or credit), start=begin)
        following = _Following(subscription, wait, keeps=not ack)
        for messages in following.batches():
            for message in messages:
                show(message)
            seen = following.seen
            if count is not None and ack:
                # Before the ack, which would let more come than are wanted: those would lose an attempt.
                subscription.set_credit(max(0, min(credit, count - seen)))
            if ack:
                for message in messages:
                    message.ack()
            if count is not None and seen >= count:
                break
        _flush(mq, target)
        if subscription.inbox.unknown:
            click.echo(f"{subscription.inbox.unknown} were held too long: others may get them too", err=True)
    _enough(following.seen, count)


@click.command()
@topic_argument
@click.option("--filter", "text", help="Only with this in their text; case counts.")
@click.option("--with-key", metavar="KEY", help="Only those published with this key.")
@click.option("--header", metavar="NAME[:VALUE]", help="Only with this header.")
@lasting
@printing
@connected
def tail(  # noqa: PLR0913, PLR0917 -- an option each
    target: Target,
    printer: Printer,
    topic: str,
    text: str | None,
    with_key: str | None,
    header: str | None,
    count: int | None,
    wait: float | None,
    raw: bool,  # noqa: FBT001 -- a flag of click's
    patience: float,
) -> None:
    """Follow TOPIC (or a pattern) from now on. Takes nothing from anybody, and acknowledges nothing.

    What comes while the connection is lost is not seen.
    """
    wanted, show, seen = _filter(text, with_key, header), _shower(printer, raw=raw), 0
    with speaking(target), connect(target.socket_url, **options(target, _name("tail"), patience)) as mq:
        for messages in _Following(mq.subscribe(topic, acks=False), wait).batches():
            for message in messages:
                if wanted(message) and (count is None or seen < count):
                    show(message)
                    seen += 1
            if count is not None and seen >= count:
                break
    _enough(seen, count)


class _Following:
    """Messages of a subscription as they come, until none came for `wait` seconds (None: never).

    `seen` counts them. With `keeps` the leases of all that came are renewed.
    """

    def __init__(self, subscription: Subscription, wait: float | None, *, keeps: bool = False) -> None:
        self._subscription = subscription
        self._wait = wait
        self._kept: list[Message] | None = [] if keeps else None
        self._touched = time.monotonic()
        self.seen = 0

    def batches(self) -> Iterator[list[Message]]:
        """What is there together."""
        while (message := self._next()) is not None:
            batch = [message]
            while len(batch) < TOGETHER and (message := self._subscription.get_nowait()) is not None:
                batch.append(message)
            self.seen += len(batch)
            if self._kept is not None:
                self._kept += batch
            yield batch

    def _next(self) -> Message | None:
        """The next message, None if none came in time."""
        last = time.monotonic()
        while True:
            self._touch()
            left = None if self._wait is None else last + self._wait - time.monotonic()
            if left is not None and left <= 0:
                return None
            if self._kept:
                left = TOUCH_EVERY if left is None else min(left, TOUCH_EVERY)
            try:
                return self._subscription.get(left)
            except TimeoutError:
                continue

    def _touch(self) -> None:
        if self._kept and time.monotonic() - self._touched >= TOUCH_EVERY:
            self._touched = time.monotonic()
            for message in self._kept:
                message.touch()


def _name(what: str) -> str:
    """What other people see of this command; one of several looks different."""
    return f"kapokmq {what} {secrets.token_hex(2)}"


def _flush(mq: Client, target: Target) -> None:
    """Wait until what was acknowledged is as durable as the node promises."""
    try:
        mq.flush(target.timeout)
    except TimeoutError:
        raise Unreachable(f"{target.socket_url}: acks were not confirmed within {target.timeout:g} s") from None


def _enough(seen: int, count: int | None) -> None:
    if count is not None and seen < count:
        raise No(f"{seen} of {count} messages came")


def _filter(text: str | None, key: str | None, header: str | None) -> Test:
    """Which messages are wanted: all that is given must be true of them."""
    name, colon, value = (header or "").partition(":")

    def wanted(message: Message) -> bool:
        headers = message.headers
        return (
            (text is None or text in message.data)
            and (key is None or message.key == key)
            and (not name or (headers.get(name) == value if colon else name in headers))
        )

    return wanted


def _shower(printer: Printer, *, raw: bool) -> Callable[[Message], None]:
    """How a message is printed."""
    if raw:
        return lambda message: click.echo(message.data.encode("utf-8", "surrogatepass") + b"\n", nl=False)
    return _show if printer.table else lambda message: printer.line(_row(message))


def _row(message: Message) -> dict[str, Any]:
    """A message as v2 delivers it."""
    row = {
        "code": message.code,
        "topic": message.topic,
        "data": message.data,
        "createTime": message.create_time,
        "attempt": message.attempt,
    }
    if message.key is not None:
        row["key"] = message.key
    if message.headers:
        row["headers"] = message.headers
    return row


def _show(message: Message) -> None:
    """For people: when, where, which attempt, what."""
    more = "" if message.key is None else f" key={message.key}"
    if message.headers:
        more += f" {json.dumps(message.headers, ensure_ascii=False)}"
    if message.attempt > 1:
        more += f" attempt {message.attempt}"
    head = click.style(f"{shown_moment(message.create_time)} {plain(message.topic)}", fg="cyan")
    more = click.style(plain(more), fg="yellow") if more else ""
    click.echo(f"{head}{more}  {plain(message.data)}")
