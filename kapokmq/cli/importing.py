"""`kapokmq import`: messages from the files of the original.

They are published to a running broker, over the v2 wire, and not written into a stopped store: the broker alone knows
how to keep ids, groups, counts and policies together, it confirms each batch as durably as it promises, and the files
of the original are only read. Each message has its original code as its key, so that doing it again stores nothing
twice, within the window for which keys are remembered.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import random

import click

from kapokmq.cli.exits import No, Unusable
from kapokmq.cli.output import Printer, printing
from kapokmq.cli.patience import Patience
from kapokmq.cli.target import Target, connected
from kapokmq.cli.times import DURATION
from kapokmq.cli.wire import ended, options, speaking
from kapokmq.client import Client, Outgoing, Receipt, TryLater, connect
from kapokmq.client import Refused as Denied
from kapokmq.core.errors import BadName
from kapokmq.core.message import LONGEST_DELAY
from kapokmq.core.pattern import check_topic
from kapokmq.storage.original_files import (
    Damaged,
    Original,
    OriginalMessage,
    looks_like_snapshot,
    read_log,
    read_snapshot,
)

CODE, CREATED = "originalCode", "originalCreateTime"
TOGETHER = 500  # messages in a batch
LONGEST = 1 << 20  # bytes of text in a batch, or one message that is longer


@click.command("import")
@click.argument("files", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Read and count, publish nothing. No broker is needed.")
@click.option("--topic", "only", multiple=True, help="Only messages of this topic; as often as you like.")
@click.option("--skip-damaged", is_flag=True, help="Go on with the other files where one can't be read.")
@click.option("--patience", type=DURATION, default=60.0, help="How long the broker may be away or full. [60s]")
@printing
@connected
def import_files(
    target: Target,
    printer: Printer,
    files: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001 -- a flag of click's
    only: tuple[str, ...],
    skip_damaged: bool,  # noqa: FBT001
    patience: float,
) -> None:
    """Publish what nobody has consumed yet of FILES of the original, MQDATA and then WAL.log.

    Delayed messages keep their time. Every message gets its old code as its key and in a header, and its old create
    time in another. The original must be stopped. Ends with 1 where messages could not be taken over: each is named.
    """
    original = read_files(files, skip_damaged=skip_damaged)
    plan = planned(original, set(only))
    _tell(printer, plan, dry_run=dry_run)
    taking = _Taking(target, patience)
    if not dry_run:
        with speaking(target), connect(target.socket_url, **options(target, "kapokmq import", patience)) as mq:
            for topic, messages in plan.topics.items():
                taking.publish(mq, topic, messages)
        row = {"stored": taking.stored, "duplicates": taking.duplicates, "refused": len(taking.refused)}
        printer.said(f"{taking.stored} stored, {taking.duplicates} were stored before", row)
    refused = plan.refused + taking.refused
    for code, why in refused:
        click.echo(f"{code}: {why}", err=True)
    if refused or plan.damaged:
        raise No(f"{len(refused)} messages were not taken over" + (", and files are damaged" if plan.damaged else ""))


@dataclass
class Plan:
    """What is to be published, by topic; and what is left out, and why."""

    topics: dict[str, list[OriginalMessage]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    damaged: bool = False


class Files(Original):
    """What the files hold, and whether some could not be read."""

    damaged = False


def read_files(paths: Iterable[str], *, skip_damaged: bool) -> Files:
    """Read files one after the other; a later one counts before the earlier ones. Raises Unusable."""
    original = Files()
    for path in paths:
        try:
            content = Path(path).read_bytes()
            if Path(path).name != "WAL.log" and (Path(path).name == "MQDATA" or looks_like_snapshot(content)):
                read_snapshot(content, original)
            else:
                read_log(content, original)
        except OSError as error:
            raise Unusable(f"{path} can't be read: {error.strerror}") from error
        except Damaged as error:
            text = f"{path} is no file of the original, or damaged: {error}"
            if not skip_damaged:
                raise Unusable(f"{text}; --skip-damaged goes on with the others") from error
            click.echo(text, err=True)
            original.damaged = True
    return original


def planned(original: Files, only: set[str]) -> Plan:
    """What is to be published of what the files hold."""
    plan = Plan(damaged=original.damaged)
    plan.counts.update(consumed=original.consumed, phantoms=original.phantoms, torn=original.torn)
    now = time.time()
    for message in original.left():
        if only and message.topic not in only:
            plan.counts["otherTopics"] += 1
            continue
        try:
            check_topic(message.topic)
        except BadName as error:
            plan.refused.append((message.message_code, str(error)))
            continue
        plan.counts["delayed" if message.due is not None and message.due > now else "waiting"] += 1
        plan.topics.setdefault(message.topic, []).append(message)
    return plan


def as_published(message: OriginalMessage) -> Outgoing:
    """A message as v2 takes it."""
    headers = {CODE: message.message_code, CREATED: str(message.create_time)}
    made = Outgoing(message.message_data, key=message.message_code, headers=headers)
    if message.due is not None and message.delay_time <= LONGEST_DELAY:
        made.at = message.due
    return made


class _Taking:
    """Publishes, and passes over what the broker refuses for good."""

    def __init__(self, target: Target, patience: float) -> None:
        self._target = target
        self._trying = Patience(patience)
        self.stored = self.duplicates = 0
        self.refused: list[tuple[str, str]] = []

    def publish(self, mq: Client, topic: str, messages: list[OriginalMessage]) -> None:
        """Publish to one topic, a batch at a time: so it is known which message is at fault."""
        for batch in batches(messages):
            self._batch(mq, topic, batch)

    def _batch(self, mq: Client, topic: str, batch: list[OriginalMessage]) -> None:
        while batch:
            try:
                receipt = self._stored(mq, topic, batch)
            except Denied as error:
                why = ended(self._target, error).format_message()
                if error.index is None:
                    if error.code in {"unauthorized", "internal"}:
                        raise
                    self.refused += [(message.message_code, why) for message in batch]
                    return
                self.refused.append((batch.pop(error.index).message_code, why))
            else:
                self.stored += len(receipt.codes) - len(receipt.duplicates)
                self.duplicates += len(receipt.duplicates)
                return

    def _stored(self, mq: Client, topic: str, batch: list[OriginalMessage]) -> Receipt:
        while True:
            try:
                receipt = mq.publish_batch(topic, [as_published(message) for message in batch])
            except TryLater as error:
                wait = self._trying.wait(time.monotonic(), random(), error.retry_after)  # noqa: S311 -- jitter
                if wait is None:
                    raise
                time.sleep(wait)
            else:
                self._trying.well()
                return receipt


def batches(messages: Iterable[OriginalMessage]) -> Iterator[list[OriginalMessage]]:
    """Messages in batches, in their order."""
    batch: list[OriginalMessage] = []
    size = 0
    for message in messages:
        length = len(json.dumps(message.message_data))
        if batch and (len(batch) >= TOGETHER or size + length > LONGEST):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _tell(printer: Printer, plan: Plan, *, dry_run: bool) -> None:
    """Say what there is."""
    counts = {name: plan.counts[name] for name in ("waiting", "delayed", "consumed", "phantoms", "torn", "otherTopics")}
    topics = {topic: len(messages) for topic, messages in plan.topics.items()}
    printer.one(counts | {"refused": len(plan.refused), "topics": topics, "dryRun": dry_run})
