"""A client and a model of a broker, with a wire between that is cut at any frame: nothing is lost or stored twice."""

import json
from collections import Counter, deque
from random import Random

from hypothesis import given, note
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.errors import TryLater
from kapokmq.core.client.events import Arrived, Confirmed, Connected, Denied, Draining, Ended, Failed
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import written
from kapokmq.core.client.session import Bounds, ClientSession, Greeting

BOUNDS = Bounds(publishes=8, messages=20, size=2000)
STEPS = 500


class ModelBroker:
    """One topic with one group. `stored` outlives restarts, and so does what is remembered of sessions."""

    def __init__(self, chance):
        self._chance = chance
        self.stored, self.calls, self.done = {}, {}, set()
        self.draining = False
        self.restarted()

    def restarted(self):
        """What was not committed is forgotten."""
        self._uncommitted, self._connections, self.known = deque(), 0, set()
        self.disconnected()

    def disconnected(self):
        """What was leased is anybody's again."""
        self.out, self._session, self._sub, self._leases = deque(), None, None, {}
        self._connections += 1

    def say(self, op, /, **fields):
        self.out.append(json.dumps({"op": op} | fields).encode())

    def told(self, frame):
        """Carry out a frame."""
        said = json.loads(frame)
        getattr(self, said.pop("op"))(**said)

    def hello(self, id, session):  # noqa: A002
        self._session = session
        self.say("welcome", id=id, node="mq:model", limits={"batch": 5000})

    def publish(self, id, topic, messages):  # noqa: A002
        taken = {(session, number) for _, session, number, _ in self._uncommitted} | self.calls.keys()
        if (self._session, id) not in taken and self.draining:
            self.say("error", id=id, code="draining", message="bye", retryAfter=1)
        elif (self._session, id) not in taken and self._chance.random() < 0.1:
            self.say("error", id=id, code="full", message="no", retryAfter=1)
        else:
            texts = [each["data"] for each in messages]
            self._uncommitted.append((self._connections, self._session, id, texts))

    def commit(self):
        """Store what was published, once, and answer."""
        while self._uncommitted:
            connection, session, number, texts = self._uncommitted.popleft()
            resent = (session, number) in self.calls
            if not resent:
                codes = [f"{len(self.stored) + index}" for index in range(len(texts))]
                self.calls[session, number] = codes
                self.stored |= dict(zip(codes, texts, strict=True))
            if connection == self._connections:
                self.say("ok", id=number, codes=self.calls[session, number], durable="fsync", resent=resent)

    def subscribe(self, id, topic, group, credit):  # noqa: A002
        if self.draining:
            self.say("error", id=id, sub=id, code="draining", message="bye", retryAfter=1)
        else:
            self._sub, self._credit = id, credit
            self.say("ok", id=id)

    def deal(self):
        """Deliver what there is credit for."""
        free = [code for code in self.stored if code not in self._leases and code not in self.done]
        codes = free[: self._credit - len(self._leases)] if self._sub is not None and not self.draining else []
        if codes:
            self._leases |= dict.fromkeys(codes)
            self.known.update(codes)
            made = [
                {"code": each, "topic": "t", "data": self.stored[each], "createTime": 1, "attempt": 1} for each in codes
            ]
            self.say("deliver", sub=self._sub, messages=made)

    def expire(self):
        """All leases run out."""
        self._leases.clear()

    def ack(self, id, sub, codes):  # noqa: A002
        # As ours: what was delivered since the start may be acknowledged later, by whomever.
        unknown = [index for index, code in enumerate(codes) if code in self.done or code not in self.known]
        self.done.update(self.known.intersection(codes))
        for code in codes:
            self._leases.pop(code, None)
        self.say("ok", id=id, durable="fsync", unknown=unknown)

    def nack(self, id, sub, codes):  # noqa: A002
        for code in codes:
            self._leases.pop(code, None)
        self.say("ok", id=id, durable="fsync")

    def touch(self, id, sub, codes):  # noqa: A002
        self.say("ok", id=id, unknown=[index for index, code in enumerate(codes) if code not in self._leases])

    def unsubscribe(self, id, sub):  # noqa: A002
        self._sub = None
        self._leases.clear()
        self.say("ok", id=id)

    def drain(self):
        """It stops."""
        self.draining = True
        self.say("drain", reason="bye")


class World:
    """Both ends, the wire, and the books: what was wanted, and what the caller was told of it."""

    def __init__(self, seed):
        self.chance = Random(seed)  # noqa: S311 -- repeatable
        self.broker = ModelBroker(self.chance)
        self.keeps = self.chance.random() < 0.5
        self.client = ClientSession(Greeting("s"), Backoff(lambda: 0.5), BOUNDS)
        self.inbox = self.client.subscribe("t", Terms("g", 6, touch_every=3.0, keeps=self.keeps))
        self.now = 0.0
        self.wire = deque()  # to the broker
        self.up = False
        self.wanted, self.told, self.withdrawn = {}, {}, set()
        self.hands, self.acked, self.handled = [], set(), Counter()

    def heard(self, events):
        """What the face would do."""
        for event in events:
            if isinstance(event, (Confirmed, Denied)):
                assert event.number not in self.told, "told twice"
                self.told[event.number] = event
            assert not isinstance(event, Failed)
            assert isinstance(event, (Confirmed, Denied, Connected, Arrived, Draining)) or event.sub == self.inbox.sub

    def pump(self):
        self.wire.extend(self.client.take(self.chance.choice((1, 200, 10_000))))

    # ---- what may happen

    def publish(self):
        number = len(self.wanted)
        asked = written("t", [f"{number}/{index}" for index in range(self.chance.choice((1, 1, 3, 30)))])
        if self.client.room(asked):
            self.wanted[self.client.publish(asked)] = asked
        pending = [number for number in self.wanted if number not in self.told and number not in self.withdrawn]
        assert len(pending) <= BOUNDS.publishes
        assert self.client.pending <= BOUNDS.messages or len(pending) == 1

    def withdraw(self):
        number = self.chance.choice([*self.wanted, 0])
        if number not in self.withdrawn and self.client.withdraw(number):
            self.withdrawn.add(number)

    def dial(self):
        if not self.up:
            self.up = True
            self.broker.disconnected()
            self.client.connected()
            self.pump()

    def cut(self):
        """Frames on their way are lost, on both ways, from any frame on."""
        if self.up:
            self.carry_to_broker(self.chance.randint(0, len(self.wire)))
            self.carry_to_client(self.chance.randint(0, len(self.broker.out)))
            self.up = False
            self.wire.clear()
            self.broker.disconnected()
            self.heard(self.client.lost())

    def restart(self):
        self.cut()
        self.broker.restarted()
        self.broker.draining = False

    def carry_to_broker(self, most=1):
        while self.wire and most > 0:
            self.broker.told(self.wire.popleft())
            most -= 1

    def carry_to_client(self, most=1):
        while self.broker.out and most > 0:
            self.heard(self.client.received(self.broker.out.popleft(), self.now))
            most -= 1

    def take(self):
        message = self.inbox.next()
        if message is not None:
            assert not (self.keeps and message.code in self.hands), "two handlers have it"
            assert message.code not in self.acked or message.code not in self.broker.done, "it was done"
            self.hands.append(message.code)
            self.handled[message.data] += 1

    def settle(self):
        if self.hands:
            code = self.hands.pop(self.chance.randrange(len(self.hands)))
            if self.chance.random() < 0.8:
                self.inbox.ack(code)
                self.acked.add(code)
            else:
                self.inbox.nack(code, None, "")
            self.client.stir(self.inbox)

    def wait(self):
        self.now += 1.0
        self.client.tick(self.now)

    def step(self):
        often = (self.publish, self.pump, self.carry_to_broker, self.carry_to_client, self.take, self.settle)
        sometimes = (self.broker.commit, self.broker.deal, self.wait, self.dial)
        seldom = (self.cut, self.restart, self.withdraw, self.broker.expire)
        self.chance.choice(often * 8 + sometimes * 4 + seldom + ((self.broker.drain,) if self.up else ()))()

    def exchange(self):
        """All there is to say is said, both ways."""
        self.dial()
        self.pump()
        self.carry_to_broker(1000)
        self.broker.commit()
        self.broker.deal()
        self.carry_to_client(1000)

    def heal(self):
        """Nothing goes wrong any more."""
        self.restart()
        for _ in range(200):
            self.exchange()
            self.wait()
            for _ in range(10):
                self.take()
                self.settle()

    def leave(self):
        """While nobody is there, what is in hand is acknowledged and the subscription left. Gives which acks count."""
        self.restart()
        for _ in range(5):
            self.publish()
            self.exchange()
            self.take()
        self.cut()
        for code in self.hands:
            self.inbox.ack(code)
        self.client.stir(self.inbox)
        events = self.client.unsubscribe(self.inbox)
        assert [type(each) for each in events] == [Ended], "who leaves waits for nobody"
        for _ in range(50):
            self.exchange()
        return self.broker.known.intersection(self.hands)

    def check(self):
        stored = Counter(self.broker.stored.values())
        assert not stored or max(stored.values()) == 1, "stored twice"
        for number, asked in self.wanted.items():
            texts = [each["data"] for each in json.loads(asked.messages)]
            event = self.told.get(number)
            if number in self.withdrawn:
                assert event is None
            elif isinstance(event, Denied):
                assert isinstance(event.error, TryLater)
            if isinstance(event, Confirmed):
                assert [self.broker.stored[code] for code in event.receipt.codes] == texts
            else:
                assert not stored.keys() & set(texts), "stored, and nobody was told"

    def check_end(self):
        assert self.told.keys() | self.withdrawn == self.wanted.keys(), "somebody waits for ever"
        self.check()
        assert self.handled.keys() == set(self.broker.stored.values()), "lost on the way to the consumer"
        assert self.broker.done == self.broker.stored.keys()
        assert self.client.settled


class ModelTests(SynchronousTestCase):
    @given(st.integers(0, 1 << 32))
    def test_nothing_is_lost_and_nothing_is_stored_twice(self, seed):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        world.heal()
        note(f"{len(world.wanted)} publishes, {len(world.broker.stored)} messages")
        world.check_end()

    @given(st.integers(0, 1 << 32))
    def test_what_is_acknowledged_before_it_is_left_is_told(self, seed):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        known = world.leave()
        note(f"{len(known)} of {len(world.hands)} in hand")
        self.assertLessEqual(known, world.broker.done)
        self.assertTrue(world.client.settled)

    def test_much_happens(self):
        told, resent = Counter(), 0
        for seed in range(40):
            world = World(seed)
            for _ in range(STEPS):
                world.step()
            world.heal()
            told.update(type(event).__name__ for event in world.told.values())
            resent += sum(event.receipt.resent for event in world.told.values() if isinstance(event, Confirmed))
        self.assertGreater(told["Confirmed"], 200)
        self.assertGreater(told["Denied"], 5)
        self.assertGreater(resent, 5)
