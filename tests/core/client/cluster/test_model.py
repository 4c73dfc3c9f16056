"""A client of a cluster and a model of three brokers, any of which dies, drains, or is held dead: nothing is lost."""

import json
from collections import Counter, deque
from random import Random

from hypothesis import given, note
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.cluster.choice import STRATEGIES, strategy
from kapokmq.core.client.cluster.cluster import ClusterSession
from kapokmq.core.client.cluster.roster import News
from kapokmq.core.client.errors import TryLater
from kapokmq.core.client.events import Confirmed, Denied, Failed
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import written
from kapokmq.core.client.session import Bounds, ClientSession, Greeting
from tests.core.client.test_model import ModelBroker

BOUNDS = Bounds(publishes=12, messages=40, size=4000)
STEPS = 800


class ModelNode(ModelBroker):
    """One of several, whose codes are its own."""

    def __init__(self, name, chance):
        self.name = name
        self.wire = deque()  # to it
        self.up = False  # a connection
        super().__init__(chance)

    def subscribe(self, id, topic, group, credit, start=None):  # noqa: A002
        super().subscribe(id, topic, group, credit)

    def credit(self, id, sub, n):  # noqa: A002
        self._credit = n
        self.say("ok", id=id)

    def say(self, op, /, **fields):
        if op == "ok" and "codes" in fields:
            fields["codes"] = [self.code(each) for each in fields["codes"]]
        if op == "deliver":
            fields["messages"] = [each | {"code": self.code(each["code"])} for each in fields["messages"]]
        super().say(op, **fields)

    def code(self, code):
        return f"{self.name}{code}"

    def ack(self, id, sub, codes):  # noqa: A002
        super().ack(id, sub, [each[1:] for each in codes])

    def nack(self, id, sub, codes):  # noqa: A002
        super().nack(id, sub, [each[1:] for each in codes])

    def touch(self, id, sub, codes):  # noqa: A002
        super().touch(id, sub, [each[1:] for each in codes])


class World:
    """All ends, the wires, the registry, and the books."""

    def __init__(self, seed, names="abc"):
        self.chance = Random(seed)  # noqa: S311 -- repeatable
        self.nodes = {name: ModelNode(name, self.chance) for name in names}
        self.client = ClusterSession(
            lambda: ClientSession(Greeting("s"), Backoff(lambda: 0.5)),
            strategy(self.chance.choice(STRATEGIES), self.chance.random),
            BOUNDS,
            move_after=3.0,
        )
        self.keeps = self.chance.random() < 0.5
        self.inbox = self.client.subscribe("t", Terms("g", 7, touch_every=3.0, keeps=self.keeps))
        self.now = 0.0
        self.wanted, self.told, self.withdrawn = {}, {}, set()
        self.hands, self.handled = [], Counter()
        self.tell(*names)

    def tell(self, *here, away=(), whole=False):
        self.heard(self.client.news(News(frozenset(here), frozenset(away), whole), self.now))

    def heard(self, events):
        for event in events:
            assert not isinstance(event, Failed)
            if isinstance(event, (Confirmed, Denied)):
                assert event.number not in self.told, "told twice"
                self.told[event.number] = event

    def any(self):
        return self.chance.choice(list(self.nodes.values()))

    def session(self, node):
        return self.client.nodes[node.name].session

    # ---- what may happen

    def publish(self):
        asked = written("t", [f"{len(self.wanted)}/{index}" for index in range(self.chance.choice((1, 1, 3, 30)))])
        if self.client.room(asked):
            self.wanted[self.client.publish(asked)] = asked
        pending = [number for number in self.wanted if number not in self.told and number not in self.withdrawn]
        assert len(pending) <= BOUNDS.publishes
        assert self.client.pending <= BOUNDS.messages or len(pending) == 1

    def withdraw(self):
        number = self.chance.choice([*self.wanted, 0])
        if number not in self.withdrawn and self.client.withdraw(number):
            self.withdrawn.add(number)

    def pump(self, node=None):
        node = node or self.any()
        if node.up:
            node.wire.extend(self.session(node).take(self.chance.choice((1, 200, 10_000))))

    def dial(self, node=None):
        node = node or self.any()
        if not node.up and node.name in self.client.wanted:
            node.up = True
            node.disconnected()
            self.session(node).connected()
            self.pump(node)

    def cut(self, node=None):
        node = node or self.any()
        if node.up:
            self.to_node(node, self.chance.randint(0, len(node.wire)))
            self.to_client(node, self.chance.randint(0, len(node.out)))
            node.up = False
            node.wire.clear()
            node.disconnected()
            self.heard(self.client.lost(node.name, self.now))

    def restart(self, node=None):
        node = node or self.any()
        self.cut(node)
        node.restarted()
        node.draining = False

    def drain(self):
        node = self.any()
        if node.up:
            node.drain()

    def registry(self):
        name = self.any().name
        self.chance.choice(
            (
                lambda: self.tell(name),
                lambda: self.tell(*self.nodes),
                lambda: self.tell(away=[name]),
                lambda: self.tell(name, whole=True),
                lambda: self.tell(whole=True),
            )
        )()

    def to_node(self, node=None, most=1):
        node = node or self.any()
        while node.wire and most > 0:
            node.told(node.wire.popleft())
            most -= 1

    def to_client(self, node=None, most=1):
        node = node or self.any()
        while node.out and most > 0:
            self.heard(self.client.received(node.name, node.out.popleft(), self.now))
            most -= 1

    def take(self):
        message = self.inbox.next()
        if message is not None:
            assert not (self.keeps and message.code in self.hands), "two handlers have it"
            self.hands.append(message.code)
            self.handled[message.data] += 1

    def settle(self):
        if self.hands:
            code = self.hands.pop(self.chance.randrange(len(self.hands)))
            if self.chance.random() < 0.8:
                self.inbox.ack(code)
            else:
                self.inbox.nack(code, None, "")
            self.client.stir(self.inbox)

    def wait(self):
        self.now += 1.0
        deadline = self.client.deadline()
        if deadline is not None and deadline <= self.now:
            self.heard(self.client.tick(self.now))
        for node in self.nodes.values():
            self.session(node).tick(self.now)

    def step(self):
        often = (self.publish, self.pump, self.pump, self.to_node, self.to_node, self.to_client, self.to_client)
        sometimes = (self.take, self.settle, lambda: self.any().commit(), lambda: self.any().deal(), self.dial)
        seldom = (self.cut, self.restart, self.withdraw, self.wait, self.wait, self.registry, self.drain)
        self.chance.choice(often * 8 + sometimes * 5 + seldom)()

    def heal(self):
        """Nothing goes wrong any more."""
        self.tell(*self.nodes)
        for node in self.nodes.values():
            self.restart(node)
        for _ in range(200):
            for node in self.nodes.values():
                self.dial(node)
                self.pump(node)
                self.to_node(node, 1000)
                node.commit()
                node.deal()
                self.to_client(node, 1000)
            self.wait()
            for _ in range(20):
                self.take()
                self.settle()

    @property
    def stored(self):
        return Counter(text for node in self.nodes.values() for text in node.stored.values())

    def check(self):
        stored = self.stored
        by_code = {node.code(code): text for node in self.nodes.values() for code, text in node.stored.items()}
        for number, asked in self.wanted.items():
            texts = [each["data"] for each in json.loads(asked.messages)]
            event = self.told.get(number)
            if number in self.withdrawn:
                assert event is None
                assert not stored.keys() & set(texts), "taken back, and stored"
            elif isinstance(event, Denied):
                assert isinstance(event.error, TryLater)
            else:
                assert isinstance(event, Confirmed), "somebody waits for ever"
                assert [by_code[code] for code in event.receipt.codes] == texts
        assert self.told.keys() | self.withdrawn == self.wanted.keys()
        assert self.handled.keys() == stored.keys(), "lost on the way to the consumer"
        for node in self.nodes.values():
            assert node.done == node.stored.keys()
        assert self.client.pending == 0
        assert self.client.settled


def run(seed, names="abc"):
    world = World(seed, names)
    for _ in range(STEPS):
        world.step()
    world.heal()
    world.check()
    return world


class ModelTests(SynchronousTestCase):
    @given(st.integers(0, 1 << 32))
    def test_nothing_is_lost(self, seed):
        world = run(seed)
        note(f"{len(world.wanted)} publishes, {sum(world.stored.values())} messages")

    @given(st.integers(0, 1 << 32))
    def test_of_a_node_that_is_alone_nothing_is_stored_twice(self, seed):
        stored = run(seed, "a").stored
        assert not stored or max(stored.values()) == 1

    def test_much_happens(self):
        told, twice = Counter(), 0
        for seed in range(30):
            world = run(seed)
            told.update(type(event).__name__ for event in world.told.values())
            twice += sum(times > 1 for times in world.stored.values())
        self.assertGreater(told["Confirmed"], 300)
        self.assertGreater(told["Denied"], 0)
        self.assertGreater(twice, 5, "nothing went to another node after it was stored")
