"""An engine's two faces without an engine: what operators ask for is kept in dicts, members are dealt to by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, fail, succeed

from kapokmq.core.admin import (
    DeadDone,
    DeadFilter,
    DeadInfoPage,
    FoundPage,
    GroupInfo,
    MemberInfo,
    PatternInfo,
    TopicInfo,
    Verdict,
)
from kapokmq.core.engine import Wish
from kapokmq.core.lives import Life
from kapokmq.core.message import Found, Message, make_id
from kapokmq.core.pattern import is_pattern
from kapokmq.core.peers import Delivery
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import HourCounts, TopicCounts
from tests.protocols.http_fakes import CODE, KEY, FakeEngine, FakeNode, Reply, parse

PREFIX = CODE[:24]


@dataclass
class Membership:
    """Somebody who joined, and what became of it."""

    receiver: object
    pattern: str
    wish: Wish
    credit: int | None
    stalled: bool = True
    left: bool = False
    grants: list = field(default_factory=list)

    @property
    def open(self) -> bool:
        return not self.stalled and not self.left

    def deal(self, *texts: str, topic: str = "t", first: int = 1, **more) -> Delivery:
        """Deliver, as an engine would."""
        messages = [Message(make_id(1, first + at), 1, 1_000 + at, 0, None, None, None, None, text)
                    for at, text in enumerate(texts)]  # fmt: skip
        codes = [f"{PREFIX}{message.id:016x}" for message in messages]
        if self.wish.owes:
            self.credit -= len(codes)
        delivery = Delivery(topic, messages, codes, **more)
        self.receiver.deliver(delivery)
        return delivery


class ApiEngine(FakeEngine):
    """The engine's half for members. `joining` makes them wait, `refusal` keeps them out."""

    def __init__(self):
        super().__init__()
        self.memberships = []
        self.joining = None
        self.refusal = None
        self.calls = []
        self.unknown = []
        self.settled = None

    async def join(self, receiver, pattern, wish):
        membership = Membership(receiver, pattern, wish, wish.credit)
        if self.joining is not None:
            await self.joining
        if self.refusal is not None:
            raise self.refusal
        self.memberships.append(membership)
        return membership

    def unsubscribe(self, membership):
        membership.left = True

    def credit(self, membership, credit):
        membership.credit = credit
        membership.grants.append(credit)

    def stall(self, membership):
        membership.stalled = True

    def drained(self, membership):
        membership.stalled = False

    def ack(self, membership, codes):
        self.calls.append(("ack", list(codes)))
        return self.unknown

    def nack(self, membership, codes, delay_ms, reason):
        self.calls.append(("nack", list(codes), delay_ms, reason))
        return self.unknown

    def touch(self, membership, codes):
        self.calls.append(("touch", list(codes)))
        return self.unknown

    def committed(self):
        self.calls.append("committed")
        return self.settled or succeed(None)


def counts(topic: str) -> TopicCounts:
    """Some counts."""
    return TopicCounts(topic, 6, 1, 2, 3, 1, 0, 1440)


@dataclass
class FakeAdmin:
    """The operators' face. `asked` is what was asked of messages; `answer` is what all of those are answered with."""

    policies: dict[str, TopicPolicy] = field(default_factory=dict)
    configs: dict[tuple[str, str], GroupConfig] = field(default_factory=dict)
    starts: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    verdict: Verdict = Verdict.DONE
    page: FoundPage = field(default_factory=lambda: FoundPage([], None))
    dead: DeadInfoPage | None = field(default_factory=lambda: DeadInfoPage([], None))
    done: DeadDone | None = field(default_factory=lambda: DeadDone(2, None))
    lives: dict[str, Life] = field(default_factory=dict)
    due: list[Found] = field(default_factory=list)
    consuming: list[MemberInfo] = field(
        default_factory=lambda: [
            MemberInfo("c1", "t", "g", 99, 1, 4, "192.0.2.4", 1_795_222_201_500, 12, 11),
            MemberInfo("tail", "t", None, None, 0),
        ]
    )
    trouble: Exception | None = None
    ack_wait: float | None = 30.0

    def topic(self, name):
        policy = self.policies.get(name)
        groups = [group for topic, group in self.configs if topic == name]
        return None if policy is None else TopicInfo(counts(name), policy, policy, groups)

    def topic_infos(self):
        return [self.topic(name) for name in sorted(self.policies)]

    def topic_names(self):
        return sorted({*self.policies, *(topic for topic, _ in self.configs if not is_pattern(topic))})

    def create_topic(self, name, policy):
        return self._said(name not in self.policies and self.policies.setdefault(name, policy) is policy)

    def set_policy(self, name, policy):
        return self._said(name in self.policies and (self.policies.update({name: policy}) or True))

    def purge_topic(self, name):
        return self._said(6 if name in self.policies else None)

    def delete_topic(self, name):
        return self._said(self.policies.pop(name, None) is not None)

    def groups(self, topics=None, behind=("", ""), limit=None):
        found = [
            GroupInfo(*key, "queue", config, GroupConfig(ack_wait=self.ack_wait), 2, 6, 3, 1, 0, 1, 1_795_222_201_500)
            for key, config in sorted(self.configs.items())
            if (topics is None or key[0] in topics) and key > behind and not is_pattern(key[0])
        ]
        return self._said(found[:limit])

    async def group(self, topic, name):
        return next((info for info in await self.groups([topic]) if info.name == name), None)

    def config(self, topic, name):
        return self.configs.get((topic, name))

    def effective(self, topic, name):
        return GroupConfig(ack_wait=self.ack_wait) if (topic, name) in self.configs else None

    def patterns(self):
        return [PatternInfo(*key, config) for key, config in sorted(self.configs.items()) if is_pattern(key[0])]

    def members(self, topic=None, group=None, first=0, limit=None):
        asked = [one for one in self.consuming if topic in (None, one.topic) and group in (None, one.group)]
        return asked[first:][:limit]

    def create_group(self, topic, name, start, config):
        self.starts.append(start)
        key = (topic, name)
        return self._said(key not in self.configs and self.configs.setdefault(key, config) is config)

    def set_config(self, topic, name, config):
        known = (topic, name) in self.configs
        if known:
            self.configs[topic, name] = config
        return self._said(known)

    def purge_group(self, topic, name):
        return self._said(3 if (topic, name) in self.configs else None)

    def delete_group(self, topic, name):
        return self._said(self.configs.pop((topic, name), None) is not None)

    def look(self, **question):
        self.asked.append(question)
        return self._said(self.page)

    def life(self, code):
        return self._said(self.lives.get(code))

    def scheduled(self, topic, after, limit):
        self.asked.append((topic, after, limit))
        return self._said(self.due[:limit])

    def due_counts(self, topic, start, end, step):
        self.asked.append((topic, start, end, step))
        return self._said([(start, 12), (start + 2 * step, 1)])

    def cancel(self, code):
        return self._judged("cancel", code)

    def reschedule(self, code, due):
        return self._judged("reschedule", code, due)

    def dead_letters(self, wanted: DeadFilter, limit):
        self.asked.append((wanted, limit))
        return self._said(self.dead)

    def send_again(self, wanted, limit, who):
        self.asked.append(("send", wanted, limit, who))
        return self._said(self.done)

    def purge_dead(self, wanted, limit, who):
        self.asked.append(("purge", wanted, limit, who))
        return self._said(self.done)

    def send_one_again(self, code, group, who):
        return self._judged("send", code, group, who)

    def purge_one_dead(self, code, group, who):
        return self._judged("purge", code, group, who)

    def hours(self, topic, start, end):
        self.asked.append((topic, start, end))
        return self._said([HourCounts(1_795_219_200_000, 60, 55, 54, 1, 0, 0, 3)])

    def bulk(self, codes: Sequence[str]):
        self.asked.append(list(codes))
        return self._said(len(codes))

    def _judged(self, *question):
        self.asked.append(question)
        return self._said(self.verdict)

    def _said(self, answer) -> Deferred:
        return succeed(answer) if self.trouble is None else fail(self.trouble)


class ApiNode(FakeNode):
    """A node whose API is asked."""

    def __init__(self, **more):
        super().__init__(engine=ApiEngine(), admin=FakeAdmin(), **more)
        self._site = None

    def site(self):
        self._site = self._site or super().site()
        return self._site

    def begin(self, line: str, body=None, key: str | None = KEY, **headers: str):
        """A connection on which something was asked: `GET /topics`, behind the prefix."""
        wire = self.connect()
        wire.send(request(line, body, key, **headers))
        return wire

    def call(self, line: str, body=None, key: str | None = KEY, **headers: str) -> Reply:
        """Ask, and take the whole answer."""
        return parse(self.begin(line, body, key, **headers).received())

    def told(self, line: str, body=None, status: int = 200):
        """Ask, and take the answer's JSON, which must have that status."""
        reply = self.call(line, body)
        if reply.status != status:
            raise AssertionError(f"{line}: {reply.status} {reply.body!r}")
        return json.loads(reply.body)

    def refused(self, line: str, body=None):
        """Ask, and take status, code and message of the refusal."""
        reply = self.call(line, body)
        error = json.loads(reply.body)["error"]
        return reply.status, error["code"], error["message"]


def request(line: str, body=None, key: str | None = KEY, **headers: str) -> bytes:
    """Write a request. A body that is no bytes is written as JSON."""
    method, _, path = line.partition(" ")
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} /api/v1{path} HTTP/1.1", "Host: own"]
    lines += [f"secretKey: {key}"] if key is not None else []
    if content:
        headers = {"Content_Type": "application/json"} | headers
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
