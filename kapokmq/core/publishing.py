"""From a publisher's batch to a commit, and from the commit to its confirmation.

    publish -> pending -> (commit) -> Confirm, Deliver

An eager node (isPersistent 1) confirms and shows at once. Not so a batch that is `held`: one with keys, which the store
decides about, or one that is to be synced; and whatever comes behind it in its topic, so that order is kept.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kapokmq.core.arrivals import Arrivals
from kapokmq.core.catalog import Catalog
from kapokmq.core.codes import Codes
from kapokmq.core.commit import Duplicate, KeyRow, Outcome, SentRow
from kapokmq.core.effects import Confirm, Effect, Refuse
from kapokmq.core.errors import MisuseError, NotDurable, NotKept, Paused, StoreUnavailable, TopicFull
from kapokmq.core.ledger import Ledger, Published, Taken
from kapokmq.core.message import OFFSET_MASK, OVERHEAD, Drafts, Message, Text, make_id
from kapokmq.core.moment import Moment
from kapokmq.core.peers import Publisher, Receipt
from kapokmq.core.ranges import runs_of
from kapokmq.core.rules import Rules
from kapokmq.core.sessions import PublishSession, Sessions, crc_of
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic

FSYNC, MEMORY = "fsync", "memory"
LAG_MESSAGES = 50_000  # that a topic which drops its oldest may be behind with that
LAG_BYTES = 64 << 20


class Call(NamedTuple):
    """How a batch is published: its place in a session, and whether it is synced although the node promises less."""

    session: PublishSession | None = None
    number: int = 0
    durable: bool = False


PLAIN = Call()


class Publishing:
    """Takes batches, and tells what becomes of them."""

    def __init__(
        self,
        rules: Rules,
        epoch: int,
        codes: Codes,
        catalog: Catalog,
        ledger: Ledger,
        tally: Tally,
        arrivals: Arrivals,
    ) -> None:
        self.sessions = Sessions()
        self.held = 0  # batches that wait for their commit although the node is eager
        self._rules = rules
        self._epoch = epoch
        self._codes = codes
        self._catalog = catalog
        self._ledger = ledger
        self._tally = tally
        self._arrivals = arrivals

    def publish(
        self, publisher: Publisher, topic_name: str, drafts: Drafts, reference: object, call: Call, now: Moment
    ) -> list[Effect]:
        """Take a batch. Raises what Engine.publish raises, but Full and StoreUnavailable."""
        if not drafts:
            raise MisuseError("a publish of nothing")
        crc = 0
        if call.session is not None:
            crc = crc_of(topic_name, drafts)
            known = call.session.find(call.number, crc)
            if known is not None and known.pending:
                known.waiting.append((publisher, reference))
                return []
            if known is not None:
                return [Confirm(publisher, [known.again(reference)])]
        topic = self._catalog.topic(topic_name)
        size = sum([len(draft.data) for draft in drafts]) + OVERHEAD * len(drafts)
        keyed = False
        if {type(draft) for draft in drafts} == {Text}:
            first, epoch, wall = make_id(topic.number, topic.next), self._epoch, now.wall
            messages = [
                Message(message_id, epoch, wall, 0, None, None, None, None, draft.data)
                for message_id, draft in enumerate(drafts, first)
            ]
        else:
            messages = self._messages(topic, drafts, now)
            keyed = any(draft.key is not None for draft in drafts)
            size += sum(len(draft.headers) for draft in drafts if draft.headers is not None)
        self._check(topic, call, messages, size, keyed=keyed)
        receipt = Receipt(
            reference, messages[0].id, len(messages), self._codes.prefix(self._epoch), self._rules.durable
        )
        topic.next += len(messages)
        if not topic.keeps:
            receipt.durable = MEMORY
            self._arrivals.pass_through(topic, messages, size)
            return [Confirm(publisher, [receipt])]
        topic.pending_bytes += size
        eager = self._rules.eager and not (keyed or self._waits(topic, call))
        if self._rules.eager and not eager:
            topic.held += 1
            self.held += 1
            receipt.durable = FSYNC
        sent = None
        if call.session is not None:
            sent, forgotten = call.session.begin(call.number, receipt, crc, self._epoch, now.wall)
            self._ledger.forget(forgotten)
        keys = self._keys(topic, messages) if keyed else []
        self._ledger.publish(Published(topic, publisher, receipt, messages, size, eager, keys, sent))
        if not eager:
            topic.pending += len(messages)
            return []
        self._arrivals.appear(topic, messages, topic.next, size)
        return [Confirm(publisher, [receipt]), *self._stored(sent)]

    def committed(self, taken: Taken, outcome: Outcome, now: Moment) -> list[Effect]:
        """A commit is durable: confirm what was not confirmed before, and let the groups see it."""
        duplicates = {duplicate.id: duplicate for duplicate in outcome.duplicates}
        confirms: dict[Publisher, list[Receipt]] = {}
        others: list[Effect] = []
        arrived: dict[Topic, list[Published]] = {}
        for entry in taken.published:
            entry.topic.pending_bytes -= entry.size
            kept = self._without(entry, duplicates) if duplicates and entry.keys else entry
            arrived.setdefault(entry.topic, []).append(kept)
            self._tally.resized(entry.topic, kept.size)
            if not entry.confirmed:
                entry.topic.pending -= entry.receipt.count
                confirms.setdefault(entry.publisher, []).append(entry.receipt)
                others += self._stored(entry.sent)
        for number, size in outcome.sizes:
            topic = self._catalog.by_number.get(number)
            if topic is not None:
                self._tally.resized(topic, size - topic.bytes)
        for topic, entries in arrived.items():
            for entry in entries:
                first = entry.receipt.first & OFFSET_MASK
                if first > topic.committed:  # what was refused left a gap
                    topic.finished.add(topic.committed, first - 1)
                topic.committed = first + entry.receipt.count
            self._show(topic, entries)
        return [Confirm(publisher, receipts) for publisher, receipts in confirms.items()] + others

    def refused(self, dropped: Sequence[Published], reason: StoreUnavailable) -> list[Effect]:
        """These are not stored, and forgotten."""
        refused: dict[Publisher, list[Receipt]] = {}
        for entry in dropped:
            entry.topic.pending_bytes -= entry.size
            entry.topic.pending -= entry.receipt.count
            if self._rules.eager:
                entry.topic.held -= 1
                self.held -= 1
            refused.setdefault(entry.publisher, []).append(entry.receipt)
            if entry.sent is not None:
                session = self.sessions.named(entry.sent.session)
                for publisher, receipt in session.refused(entry.sent.publish):
                    refused.setdefault(publisher, []).append(receipt)
                self.sessions.tidy(session)
        return [Refuse(publisher, receipts, reason) for publisher, receipts in refused.items()]

    # ---- taking

    def _messages(self, topic: Topic, drafts: Drafts, now: Moment) -> list[Message]:
        first, epoch, wall = make_id(topic.number, topic.next), self._epoch, now.wall
        own_age = topic.effective.max_age
        age = self._rules.clean_seconds if own_age is None else own_age
        messages = [
            Message(
                message_id,
                epoch,
                wall,
                draft.delay,
                wall + draft.delay_ms if draft.delay_ms > 0 else None,
                None,
                draft.key,
                draft.headers,
                draft.data,
            )
            for message_id, draft in enumerate(drafts, first)
        ]
        for message, draft in zip(messages, drafts, strict=True):
            if draft.due is not None:
                message.due = draft.due if draft.due > wall else None
                message.delay = (draft.due - wall) // 1000 if draft.due > wall else draft.delay
            if draft.expire_ms:
                message.expire = (message.due or wall) + draft.expire_ms
            # Retention finds delayed messages by their due time, or where it differs for them by this.
            if age is not None and message.due is not None and (own_age is not None or message.expire is not None):
                oldest = message.due + int(age * 1000)
                message.expire = oldest if message.expire is None else min(message.expire, oldest)
        return messages

    def _check(self, topic: Topic, call: Call, messages: list[Message], size: int, *, keyed: bool) -> None:
        policy = topic.effective
        if policy.paused:
            raise Paused(f"topic {topic.name!r} takes no messages until somebody resumes it")
        if call.durable and (self._rules.durable == MEMORY or not topic.keeps):
            raise NotDurable("durable: this node keeps nothing on disk" if topic.keeps else "durable: nothing is kept")
        if not topic.keeps and (keyed or any(message.due is not None for message in messages)):
            raise NotKept(f"topic {topic.name!r} keeps no messages, so there are no delays and no keys")
        drops = policy.overflow == "dropOldest"
        if policy.max_messages is not None:
            # Consumed ones make room; so do the oldest, but that takes a moment.
            held = topic.stored + topic.pending - (0 if drops else topic.consumed)
            if held + len(messages) > policy.max_messages + (policy.max_messages + LAG_MESSAGES if drops else 0):
                raise TopicFull(f"topic {topic.name!r} holds as many messages as it may, {policy.max_messages}")
        if policy.max_bytes is not None:
            most = policy.max_bytes + (policy.max_bytes + LAG_BYTES if drops else 0)
            if topic.bytes + topic.pending_bytes + size > most:
                raise TopicFull(f"topic {topic.name!r} holds as many bytes as it may, {policy.max_bytes}")

    def _waits(self, topic: Topic, call: Call) -> bool:
        """Whether an eager node confirms only after the commit.

        It does so while its disk does not keep up, so that publishers are slowed down before any is refused.
        """
        asked = call.durable or topic.effective.durability == FSYNC
        return asked or topic.held > 0 or self._ledger.bytes >= self._rules.pending_bytes // 2

    def _keys(self, topic: Topic, messages: list[Message]) -> list[KeyRow]:
        window = topic.effective.dedup_window
        bucket = messages[0].created // max(1, int((self._rules.dedup_window if window is None else window) * 1000))
        topic.bucket = max(topic.bucket, bucket)
        return [
            KeyRow(topic.number, topic.bucket, message.key, message.id, message.epoch)
            for message in messages
            if message.key is not None
        ]

    # ---- telling

    def _stored(self, sent: SentRow | None) -> list[Effect]:
        """A call of a session is stored: tell those who sent it again meanwhile."""
        if sent is None:
            return []
        session = self.sessions.named(sent.session)
        told: list[Effect] = [Confirm(publisher, [receipt]) for publisher, receipt in session.stored(sent.publish)]
        self.sessions.tidy(session)
        return told

    def _without(self, entry: Published, duplicates: dict[int, Duplicate]) -> Published:
        """A publish call less the messages that the store had already."""
        first = entry.receipt.first
        found = [duplicates[message.id] for message in entry.messages if message.id in duplicates]
        if not found:
            return entry
        entry.receipt.duplicates = {one.id - first: self._codes.code(one.original, one.epoch) for one in found}
        self._tally.duplicates += len(found)
        for run in runs_of(one.id & OFFSET_MASK for one in found):
            entry.topic.finished.add(*run)
        messages = [message for message in entry.messages if message.id not in duplicates]
        return entry._replace(messages=messages, size=sum([message.size for message in messages]))

    def _show(self, topic: Topic, entries: list[Published]) -> None:
        """Let the groups see what is stored now, but for what they saw before."""
        seen = [entry for entry in entries if entry.confirmed]
        if seen:
            self._arrivals.saved(topic, seen)
        fresh = [entry for entry in entries if not entry.confirmed]
        if not fresh:
            return
        if self._rules.eager:
            topic.held -= len(fresh)
            self.held -= len(fresh)
        messages = fresh[0].messages if len(fresh) == 1 else [m for entry in fresh for m in entry.messages]
        last = fresh[-1].receipt
        stop = (last.first + last.count - 1 & OFFSET_MASK) + 1
        self._arrivals.appear(topic, messages, stop, sum(entry.size for entry in fresh))
