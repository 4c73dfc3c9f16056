"""Leases by poll: who gets what, what is granted, and who is not taken."""

import json

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from kapokmq.core.engine import Wish
from kapokmq.core.errors import Draining, StoreUnavailable, Unsupported
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.protocols.api import pulls
from kapokmq.protocols.api.pull import AT_ONCE, LINGER, SPARE
from tests.protocols.api.test_routing import ApiTests
from tests.protocols.http_fakes import NOW, parse

LEASE = "POST /topics/t/groups/g/lease"


class LeaseTests(ApiTests):
    """Has a group."""

    def setUp(self):
        super().setUp()
        self.admin.policies["t"] = TopicPolicy()
        self.admin.configs["t", "g"] = GroupConfig()
        self.clock = self.node.clock

    def poll(self, **wanted):
        return self.node.begin(LEASE, wanted)

    @property
    def member(self):
        return self.engine.memberships[-1]

    def texts(self, wire):
        reply = parse(wire.received())
        self.assertEqual(reply.status, 200)
        return [one["data"] for one in json.loads(reply.body)["messages"]]

    def turn(self):
        self.clock.advance(0)


class PollTests(LeaseTests):
    """Getting messages."""

    def test_what_comes_is_the_answer(self):
        wire = self.poll(max=5, wait=20)
        self.assertEqual((self.member.pattern, self.member.wish), ("t", Wish("g", 0, True, False, "new")))
        receiver = self.member.receiver
        self.assertEqual((receiver.label, receiver.address, receiver.number), ("api: leases by poll", "", None))
        self.assertTrue(self.member.open)
        self.assertEqual(self.member.credit, 5)
        delivery = self.member.deal("a", "b", attempts=[1, 3])
        self.assertEqual(wire.received(), b"")
        self.turn()
        first, second = json.loads(parse(wire.received()).body)["messages"]
        self.assertEqual(
            second,
            {
                "code": delivery.codes[1], "topic": "t", "data": "b", "createTime": 1.001, "attempt": 3,
                "leasedUntil": NOW + 30,
            },
        )  # fmt: skip
        self.assertEqual(first["attempt"], 1)
        self.assertEqual((self.member.credit, self.member.open), (0, True))

    def test_headers_key_and_no_end_of_the_lease(self):
        self.admin.ack_wait = None
        wire = self.poll()
        delivery = self.member.deal()
        delivery.messages.append(self.member.deal("x").messages[0])
        delivery.messages[0].headers, delivery.messages[0].key = '{"a":"b"}', "k"
        self.turn()
        (one,) = json.loads(parse(wire.received()).body)["messages"]
        self.assertEqual((one["headers"], one["key"]), ({"a": "b"}, "k"))
        self.assertNotIn("leasedUntil", one)

    def test_nothing_in_time(self):
        wire = self.poll(wait=20)
        self.clock.advance(19.9)
        self.assertEqual(wire.received(), b"")
        self.clock.advance(0.1)
        self.assertEqual(self.texts(wire), [])
        self.assertEqual(self.member.credit, 0)

    def test_no_wait_is_a_little_one(self):
        wire = self.poll()
        self.clock.advance(AT_ONCE)
        self.assertEqual(self.texts(wire), [])

    def test_an_answer_is_one_delivery(self):
        wire = self.poll(max=5)
        self.member.deal("a")
        self.assertFalse(self.member.open)
        self.turn()
        self.assertEqual(self.texts(wire), ["a"])

    def test_who_waits_longest_comes_first(self):
        wires = [self.poll(max=2, wait=20) for _ in range(3)]
        self.assertEqual(self.member.credit, 6)
        self.assertEqual(len(self.engine.memberships), 1)
        self.member.deal("a", "b", "c")
        self.turn()
        self.assertEqual([self.texts(wire) for wire in wires[:2]], [["a", "b"], ["c"]])
        self.assertEqual(wires[2].received(), b"")
        self.assertEqual((self.member.credit, self.member.open), (2, True))
        self.member.deal("d", first=9)
        self.turn()
        self.assertEqual(self.texts(wires[2]), ["d"])

    def test_the_time_is_over_just_then(self):
        wire = self.poll(wait=20)
        self.clock.advance(19.9)
        self.member.deal("a")
        self.clock.advance(0.2)
        self.assertEqual(self.texts(wire), ["a"])
        self.assertEqual(self.engine.calls, [])

    def test_where_a_group_begins(self):
        self.poll(start={"time": 1.5})
        self.assertEqual(self.member.wish.start, 1500)

    def test_bad_wishes(self):
        for wanted in ({"max": 0}, {"max": 1001}, {"wait": -1}, {"wait": 61}, {"wait": None}, {"start": "x"}, {"x": 1}):
            self.assertEqual(self.node.refused(LEASE, wanted)[:2], (400, "badRequest"), wanted)
        self.assertEqual(self.node.refused(LEASE.replace("/t/", "/t.*/"))[1], "badName")
        self.assertEqual(self.engine.memberships, [])


class RefusalTests(LeaseTests):
    """Members who can't be."""

    def test_not_taken(self):
        for refusal, status in (
            (Unsupported("a broadcast"), 409),
            (StoreUnavailable("disk"), 503),
            (Draining("stops"), 503),
        ):
            self.engine.refusal = refusal
            self.assertEqual(self.node.refused(LEASE, {"wait": 20})[:2], (status, refusal.name))
            self.assertEqual(self.node.refused("GET /events/topics/t.*")[:2], (status, refusal.name))

    def test_a_bug(self):
        self.engine.refusal = ZeroDivisionError("oops")
        self.assertEqual(self.node.refused(LEASE)[0], 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_bug_that_nobody_waits_for(self):
        self.engine.joining = Deferred()
        wire = self.poll()
        wire.protocol.connectionLost(Failure(ConnectionDone()))
        self.engine.joining.errback(ZeroDivisionError("oops"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def busy(self, line=LEASE):
        """Be told that there is no room. Gives retryAfter and the header."""
        reply = self.node.call(line, {})
        error = json.loads(reply.body)["error"]
        self.assertEqual((reply.status, error["code"]), (503, "busy"))
        return error["retryAfter"], reply.headers["Retry-After"]

    def test_too_many_polls(self):
        self.patch(pulls, "MOST_POLLS", 2)
        first = self.poll(wait=20)
        self.poll(wait=30)
        self.assertEqual(self.busy(), (20.0, "20"))
        self.clock.advance(12.5)
        self.assertEqual(self.busy(), (7.5, "8"))
        self.clock.advance(7.5)
        self.assertEqual(self.texts(first), [])
        again = self.poll(wait=1)
        self.assertEqual(self.busy(), (1.0, "1"))
        again.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.poll(wait=20).received(), b"")

    def test_the_one_that_was_to_end_first_is_answered(self):
        self.patch(pulls, "MOST_POLLS", 2)
        self.poll(max=1, wait=20)
        self.poll(max=1, wait=30)
        self.assertEqual(self.busy()[0], 20.0)
        self.member.deal("a")
        self.turn()
        self.poll(wait=60)
        self.assertEqual(self.busy()[0], 30.0)

    def test_too_many_groups(self):
        self.patch(pulls, "MOST_MEMBERS", 1)
        other = LEASE.replace("/g/", "/h/")
        self.poll(wait=20)
        self.assertEqual(self.busy(other), (20 + LINGER, "22"))
        self.clock.advance(19)
        codes = self.member.deal("a").codes
        self.turn()
        self.assertEqual(self.busy(other)[0], 30 + SPARE)
        self.poll(wait=20)
        self.assertEqual(self.busy(other)[0], 30 + SPARE)  # what is held outlasts who polls
        self.clock.advance(20)
        self.assertEqual(self.busy(other)[0], 10 + SPARE)
        self.node.told("POST /topics/t/groups/g/ack", {"codes": codes})
        self.clock.advance(LINGER / 2)
        self.assertEqual(self.busy(other), (LINGER / 2, "1"))
        self.clock.advance(LINGER / 2)
        self.assertEqual(self.node.begin(other).received(), b"")
