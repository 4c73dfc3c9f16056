"""A store in the plainest way: what any store has to do."""

from collections import defaultdict
from copy import copy

from kapokmq.core.commit import Commit, Duplicate, Outcome
from kapokmq.core.message import OFFSET_MASK, Message
from kapokmq.core.query import Remnant
from kapokmq.core.ranges import runs_of
from kapokmq.core.recovered import Recovered, RecoveredGroup, RecoveredTopic, Totals

STORE_ID = 0xABCDEF


def remnants(messages: list[Message]) -> list[Remnant]:
    return [Remnant(message.id, message.due, message.size) for message in messages]


class NaiveStore:
    """Sets and dicts; nothing clever. What a store has to do, in the plainest way."""

    def __init__(self) -> None:
        self.epoch = 0
        self.topics: dict[int, str] = {}
        self.nexts: dict[int, int] = {}
        self.groups: dict[int, tuple] = {}
        self.marks: dict[int, int] = {}
        self.acked: dict[int, set[int]] = defaultdict(set)
        self.messages: dict[int, Message] = {}
        self.consumed: set[int] = set()
        self.attempts: dict[tuple[int, int], object] = {}
        self.hours: dict[int, list[int]] = defaultdict(lambda: [0] * 7)
        self.policies: dict[int, str | None] = {}
        self.patterns: dict[tuple[str, str], object] = {}
        self.keys: dict[tuple[int, int, str], tuple[int, int]] = {}  # (topic, bucket, key) -> (id, epoch)
        self.sent: dict[tuple[str, int], tuple] = {}
        self.dead: dict[tuple[int, int], object] = {}
        self.events: list[object] = []
        self.acked_at: dict[tuple[int, int], int] = {}
        self.commits = 0

    def apply(self, commit: Commit) -> Outcome:  # noqa: PLR0912 -- a list of tables, one after the other
        self.commits += 1
        self.topics.update((row.number, row.name) for row in commit.topics)
        self.policies.update((row.number, row.policy) for row in commit.topics)
        for row in commit.groups:
            self.groups[row.number] = row._replace(start=self.groups.get(row.number, row).start)
            self.marks.setdefault(row.number, row.start)
        for row in commit.patterns:
            self.patterns[row.pattern, row.name] = row
            if row.gone:
                del self.patterns[row.pattern, row.name]
        duplicates = self._duplicates(commit)
        left_out = {one.id for one in duplicates}
        self.nexts.update((row.topic, row.next) for row in commit.nexts)
        for message in commit.publishes:
            assert message.id not in self.messages, "an id was given twice"
            if message.id not in left_out:
                self.messages[message.id] = copy(message)
        for row in commit.sent:
            theirs = [
                (o.id - row.first, o.original, o.epoch) for o in duplicates if row.first <= o.id < row.first + row.count
            ]
            self.sent[row.session, row.publish] = (row.first, row.epoch, row.count, row.crc, theirs)
        for row in commit.forgotten:
            self.sent = {key: v for key, v in self.sent.items() if key[0] != row.session or key[1] > row.publish}
        for row in commit.dues:
            if row.id in self.messages:
                self.messages[row.id].due = row.due
                self.messages[row.id].expire = row.expire
        for row in commit.marks:
            assert row.mark >= self.marks[row.group], "a mark went back"
            self.marks[row.group] = row.mark
        for row in commit.acks:
            self.acked[row.group].update(range(row.first, row.last + 1))
        for row in commit.consumed:
            self.consumed.update(range(row.first, row.last + 1))
        for row in commit.acked:
            self.acked_at.update(((row.group, offset), row.at) for offset in range(row.first, row.last + 1))
        for row in commit.revived:
            for offset in range(row.first, row.last + 1):
                self.dead.pop((row.group, offset), None)
                self.attempts.pop((row.group, offset), None)
        for row in commit.attempts:
            self.attempts[row.group, row.offset] = row
        for row in commit.dead:
            self.dead[row.group, row.offset] = row
            self.attempts.pop((row.group, row.offset), None)
        self.events += commit.events
        for row in commit.removed:
            for message_id in range(row.first, row.last + 1):
                self.messages.pop(message_id, None)
                self.consumed.discard(message_id)
                for number, group in self.groups.items():
                    if group.topic == message_id >> 40:
                        self.dead.pop((number, message_id & OFFSET_MASK), None)
        for row in commit.hours:
            self.hours[row.topic] = [a + b for a, b in zip(self.hours[row.topic], row[2:], strict=True)]
        for one in duplicates:
            self.hours[one.id >> 40][0] -= 1  # counted, and not stored
        for row in commit.dropped:
            self._drop(row.kind, row.number)
        return Outcome(duplicates, [(row.topic, self.bytes(row.topic)) for row in commit.sizes])

    def bytes(self, topic: int) -> int:
        return sum(message.size for message in self.messages.values() if message.id >> 40 == topic)

    def _duplicates(self, commit: Commit) -> list[Duplicate]:
        found = []
        for row in sorted(commit.keys, key=lambda row: row.id):
            places = [(row.topic, bucket, row.key) for bucket in (row.bucket, row.bucket - 1)]
            known = next((self.keys[place] for place in places if place in self.keys), None)
            if known is not None:
                found.append(Duplicate(row.id, *known))
            else:
                self.keys[places[0]] = (row.id, row.epoch)
        return found

    def _drop(self, kind: str, number: int) -> None:
        if kind == "group":
            del self.groups[number], self.marks[number]
            for table in (self.dead, self.attempts):
                for key in [key for key in table if key[0] == number]:
                    del table[key]
            self.acked.pop(number, None)
        else:
            assert not [i for i in self.messages if i >> 40 == number], "a topic went that has messages"
            del self.topics[number]
            self.keys = {place: known for place, known in self.keys.items() if place[0] != number}
            self.policies.pop(number, None)
            self.hours.pop(number, None)
            self.nexts.pop(number, None)

    def recover(self, now: int) -> Recovered:
        self.epoch += 1
        topics = []
        for number, name in self.topics.items():
            published, _, consumed, _, expired, deleted, cleaned = self.hours[number]
            left = [m for m in self.messages.values() if m.id >> 40 == number and m.id not in self.consumed]
            delayed = sum(1 for m in left if m.due and m.due > now)
            totals = Totals(published, consumed, expired, deleted, cleaned, delayed)
            done = runs_of(i & OFFSET_MASK for i in self.consumed if i >> 40 == number)
            policy, size = self.policies.get(number), self.bytes(number)
            topics.append(RecoveredTopic(number, name, self.nexts.get(number, 0), 0, totals, policy, done, size))
        groups = []
        for number, row in self.groups.items():
            mark = self.marks[number]
            runs = runs_of(offset for offset in self.acked[number] if offset >= mark)
            attempts = [attempt for (group, _), attempt in self.attempts.items() if group == number]
            dead = runs_of(offset for group, offset in self.dead if group == number)
            groups.append(
                RecoveredGroup(number, row.topic, row.name, row.kind, mark, runs, attempts, row.start, row.config, dead)
            )
        return Recovered(STORE_ID, self.epoch, topics, groups, list(self.patterns.values()))

    def remembered(self, session: str) -> list[tuple[int, tuple]]:
        return sorted((number, row) for (name, number), row in self.sent.items() if name == session)

    def read(self, first: int, end: int, limit: int) -> tuple[list[Message], int]:
        found = sorted(message_id for message_id in self.messages if first <= message_id < end)
        page = found[:limit]
        return [self.messages[i] for i in page], (page[-1] + 1 if len(found) > limit else end)
