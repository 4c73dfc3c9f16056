"""Two v2 clients do whatever comes to mind, on an engine that answers when it likes: each gets what it is due.

What always holds:

- A request with an id gets one answer, and none but those that were made get any.
- Confirmations of publishes come in the order of the publishes.
- Messages come for subscriptions that were told to be there, and are not over.
- No connection ends.
"""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Full, Gone, StoreUnavailable, TopicFull
from tests.protocols.wire import KEY, V2, MemoryNode, frame, op

WHO = st.integers(0, 1)
SUB = st.integers(0, 3)
TOPIC = st.sampled_from(["a", "a.b", "a.*", ">", "b"])
FAULTS = [Full("full"), TopicFull("topic: is full"), StoreUnavailable("no disk"), None]
JUNK = [b"junk", b"[]", b"", b'{"op":"unheard"}', b'{"op":"ack","sub":1}', b'{"op":"credit","sub":0,"n":-1}']


class End:
    """One client: what it has asked, and what it believes to have."""

    def __init__(self, node):
        self.client = node.connect(V2, early=op("hello", key=KEY))
        self.owed = {}  # id: what it asked, and of which subscription
        self.subs = {}  # sub: "asked" or "there"
        self.publishes = []
        self.errors = 0
        self.welcomed = False
        self.cramped = False
        self._write, self.client.transport.write = self.client.transport.write, self._written
        self.listen()

    def _written(self, data):
        """A transport that may have enough after each write."""
        self._write(data)
        if self.cramped:
            self.client.wire.pauseProducing()

    def ask(self, frames):
        self.client.send(*[frame(json.dumps(one)) for one in frames])

    def listen(self):
        """Look at all that came."""
        for told in self.client.heard():
            assert isinstance(told, dict), told
            getattr(self, f"_{told['op']}")(told)

    def _welcome(self, told):
        assert not self.welcomed
        self.welcomed = True

    def _ok(self, told):
        assert self.welcomed
        asked, sub = self.owed.pop(told["id"])
        if asked == "publish":
            assert told["id"] == self.publishes.pop(0)
            assert len(told["codes"]) >= 1
        elif asked == "subscribe":
            assert self.subs[sub] == "asked"
            self.subs[sub] = "there"
        elif asked == "unsubscribe":
            assert self.subs.pop(sub, "there") == "there"  # it may have failed to join
        elif asked in {"ack", "nack"}:
            assert told["durable"] == "fsync"

    def _error(self, told):
        if told["code"] == "gone":
            assert self.subs.pop(told["sub"]) == "there"
        elif "id" in told:
            asked, sub = self.owed.pop(told["id"])
            if asked == "publish":
                self.publishes.remove(told["id"])
            elif asked == "subscribe":
                assert self.subs.pop(sub) == "asked"
        else:
            self.errors += 1

    def _deliver(self, told):
        assert self.subs[told["sub"]] == "there", told

    def _drain(self, told):
        assert told["reason"] == "soon"


class TwoSessions(RuleBasedStateMachine):
    """The clients and the engine take turns as hypothesis likes."""

    @initialize(slow=st.booleans())
    def begin(self, slow):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.ends = [End(self.node), End(self.node)]
        self.engine.slow = slow
        self.number = 10

    def next(self):
        self.number += 1
        return self.number

    # what clients do

    @rule(who=WHO, counts=st.lists(st.integers(1, 3), min_size=1, max_size=3), fault=st.sampled_from(FAULTS))
    def publish(self, who, counts, fault):
        end, frames = self.ends[who], []
        for count in counts:
            number = self.next()
            end.owed[number] = "publish", None
            end.publishes.append(number)
            frames.append({"op": "publish", "id": number, "topic": "a", "messages": [{"data": "x"}] * count})
        self.engine.publish_error = fault
        end.ask(frames)
        self.engine.publish_error = None
        end.listen()

    @rule(
        who=WHO, bad=st.sampled_from([[], [{}], [{"data": "x", "delay": -1}], [{"data": "x", "delay": 1, "at": 1}], 7])
    )
    def publish_badly(self, who, bad):
        end, number = self.ends[who], self.next()
        end.owed[number] = "publish", None
        end.publishes.append(number)
        end.ask([{"op": "publish", "id": number, "topic": "a", "messages": bad}])
        if not end.client.wire.stalled:
            end.listen()
            assert number not in end.owed

    @rule(who=WHO, junk=st.sampled_from(JUNK))
    def send_junk(self, who, junk):
        end = self.ends[who]
        before = end.errors
        end.client.send(frame(junk))
        if not end.client.wire.stalled:
            end.listen()
            assert end.errors == before + 1

    @rule(who=WHO, sub=SUB, topic=TOPIC, fails=st.booleans(), leave=st.booleans())
    def subscribe(self, who, sub, topic, fails, leave):
        end = self.ends[who]
        end.listen()
        if sub in end.subs or sub in end.owed:
            return
        end.owed[sub], end.subs[sub] = ("subscribe", sub), "asked"
        frames = [{"op": "subscribe", "id": sub, "topic": topic}]
        self.engine.join_error = StoreUnavailable("no disk") if fails else None
        end.ask(frames)
        if not self.engine.slow:
            self.engine.join_error = None
        if leave:
            self.unsubscribe(who, sub)
        end.listen()

    @rule(who=WHO, sub=SUB)
    def subscribe_again(self, who, sub):
        end = self.ends[who]
        end.listen()
        if end.subs.get(sub) == "there" and not end.client.wire.stalled:
            end.ask([{"op": "subscribe", "id": sub, "topic": "a"}])
            (told,) = end.client.heard()
            assert told["code"] == "subTaken", told

    @rule(who=WHO, sub=SUB)
    def unsubscribe(self, who, sub):
        end, number = self.ends[who], self.next()
        end.listen()
        end.owed[number] = "unsubscribe", sub
        end.ask([{"op": "unsubscribe", "sub": sub, "id": number}])
        end.listen()

    @rule(
        who=WHO,
        sub=SUB,
        name=st.sampled_from(["ack", "nack", "touch"]),
        told=st.booleans(),
        fault=st.sampled_from(FAULTS),
    )
    def settle(self, who, sub, name, told, fault):
        end, number = self.ends[who], self.next()
        asked = {"op": name, "sub": sub, "codes": ["c"]}
        if told:
            asked["id"] = number
            end.owed[number] = name, sub
        self.engine.commit_error = fault
        end.ask([asked])
        if not self.engine.slow:
            self.engine.commit_error = None
        end.listen()

    @rule(who=WHO, sub=SUB, n=st.integers(0, 10))
    def give_credit(self, who, sub, n):
        end, number = self.ends[who], self.next()
        end.owed[number] = "credit", sub
        end.ask([{"op": "credit", "sub": sub, "n": n, "id": number}])
        end.listen()

    @rule(who=WHO)
    def greet_again(self, who):
        end, number = self.ends[who], self.next()
        end.owed[number] = "hello", None
        end.ask([{"op": "hello", "id": number}])
        end.listen()

    @rule(who=WHO)
    def stop_reading(self, who):
        self.ends[who].client.wire.pauseProducing()

    @rule(who=WHO)
    def read_on(self, who):
        end = self.ends[who]
        end.client.wire.resumeProducing()
        end.listen()

    @rule(who=WHO, cramped=st.booleans())
    def cramp(self, who, cramped):
        self.ends[who].cramped = cramped

    @rule(who=WHO)
    def reconnect(self, who):
        before = len(self.engine.detached)
        self.ends[who].client.transport.lose()
        assert len(self.engine.detached) == before + 1
        self.ends[who] = End(self.node)

    # what the engine does

    @rule(calls=st.none() | st.integers(1, 3))
    def confirm(self, calls):
        self.engine.confirm(calls)
        self.listen()

    @rule()
    def fail(self):
        self.engine.refuse(StoreUnavailable("no disk"))
        self.listen()

    @rule()
    def hurry(self):
        self.engine.hurry()
        self.engine.join_error = self.engine.commit_error = None
        self.listen()

    @rule(topic=st.sampled_from(["a", "a.b", "b"]))
    def deliver(self, topic):
        # An engine delivers to those that flow.
        for member in self.engine.members:
            member.topic_was, member.topic = member.topic, member.topic if member.flows else "-"
        self.engine.deliver(topic, "x", "y")
        for member in self.engine.members:
            member.topic = member.topic_was
        self.listen()

    @precondition(lambda self: self.engine.members)
    @rule(data=st.data())
    def dismiss(self, data):
        member = data.draw(st.sampled_from(self.engine.members))
        self.listen()
        member.gone = True
        member.receiver.dismissed(Gone("deleted"))
        self.listen()

    @rule()
    def drain(self):
        self.node.connections.drain("soon")
        self.listen()

    def listen(self):
        for end in self.ends:
            end.listen()

    def teardown(self):
        if not hasattr(self, "ends"):
            return
        self.engine.join_error = self.engine.commit_error = None
        self.engine.hurry()
        self.engine.confirm()
        for end in self.ends:
            end.cramped = False
            end.client.wire.resumeProducing()
        self.listen()
        for end in self.ends:
            assert end.owed == {}, end.owed
            assert end.client.transport.producerState == "producing"
            end.client.transport.lose()
        assert self.engine.members == []
        assert self.node.clock.getDelayedCalls() == []


class V2ModelTests(SynchronousTestCase):
    def test_two_sessions(self):
        case = TwoSessions.TestCase("runTest")
        case.settings = settings(parent=settings.default, stateful_step_count=40)
        case.runTest()
