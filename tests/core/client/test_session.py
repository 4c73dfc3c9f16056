"""One v2 client as a state machine: publishes, the way in, draining."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.errors import Refused, TryLater, WrongKey
from kapokmq.core.client.events import Complaint, Confirmed, Connected, Denied, Draining, Failed
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import Outgoing, Receipt, outgoing, written
from kapokmq.core.client.session import Bounds, ClientSession, Greeting
from kapokmq.core.errors import BadEncoding


def op(name, /, **fields):
    return json.dumps({"op": name, **fields}).encode()


class SessionCase(SynchronousTestCase):
    """A session, and what it says."""

    bounds = Bounds()

    def setUp(self):
        self.session = ClientSession(Greeting("s", "k", "n"), Backoff(lambda: 1.0), self.bounds)

    def hear(self, name, /, now=0.0, **fields):
        return self.session.received(op(name, **fields), now)

    def said(self):
        return [json.loads(frame) for frame in self.session.take()]

    def welcome(self, **limits):
        self.session.connected()
        self.said()
        return self.hear("welcome", node="mq:1", limits=limits)

    def publish(self, *messages, durable=False):
        return self.session.publish(written("t", messages or ["a"], durable=durable))

    def again(self):
        """Lose the connection, and have another. Gives what is said on it."""
        events = self.session.lost()
        self.welcome()
        return events, self.said()


class GreetingTests(SessionCase):
    def test_hello_is_first_and_alone(self):
        self.publish()
        self.assertEqual(self.said(), [])
        self.session.connected()
        self.assertEqual(self.said(), [{"op": "hello", "id": 0, "session": "s", "key": "k", "name": "n"}])
        self.assertEqual(self.said(), [])
        self.assertEqual(self.hear("welcome", node="mq:1"), [Connected("mq:1")])
        self.assertEqual([each["op"] for each in self.said()], ["publish"])

    def test_a_hello_without_key_and_name(self):
        session = ClientSession(Greeting("s"), Backoff(lambda: 1.0))
        session.connected()
        self.assertEqual([json.loads(each) for each in session.take()], [{"op": "hello", "id": 0, "session": "s"}])

    def test_a_wrong_key_is_the_end(self):
        self.session.connected()
        (event,) = self.hear("error", id=0, code="unauthorized", message="wrong key")
        self.assertIsInstance(event, Failed)
        self.assertIsInstance(event.error, WrongKey)

    def test_a_node_that_drains_already_is_left(self):
        self.session.connected()
        events = self.hear("error", id=0, code="draining", message="bye", retryAfter=5)
        self.assertEqual(events[0], Draining("bye"))
        self.assertTrue(self.session.dispensable)

    def test_what_a_newer_broker_says_is_borne(self):
        self.welcome()
        self.assertEqual(self.hear("news", of="tomorrow"), [])
        self.assertEqual(self.hear("ok", id=77, surprise=1), [])

    def test_junk_ends_the_connection(self):
        for junk in (b"{", b"[]", b"\xff", b'{"op":"ok"}', b"[" * 100_000, b'{"op":1}'):
            with self.assertRaises(BadEncoding):
                self.session.received(junk, 0.0)


class PublishTests(SessionCase):
    def test_frames(self):
        self.welcome()
        messages = ["ü", {"n": [1, None]}, Outgoing("b", delay=1.5, key="k"), outgoing(3, at=5, expire=2, headers={})]
        number = self.publish(*messages, durable=True)
        (frame,) = self.said()
        wanted = [
            {"data": "ü"},
            {"data": '{"n":[1,null]}'},
            {"data": "b", "delay": 1.5, "key": "k"},
            {"data": "3", "at": 5, "expire": 2, "headers": {}},
        ]
        self.assertEqual(frame, {"op": "publish", "id": number, "topic": "t", "durable": True, "messages": wanted})
        self.publish(outgoing("a", delay=1, key="x"))
        self.assertEqual(self.said()[0]["messages"], [{"data": "a", "delay": 1, "key": "x"}])

    def test_what_is_no_message(self):
        for wrong, error in (
            ([b"bytes"], TypeError),
            ([object()], TypeError),
            (["\ud800"], ValueError),
            ([], ValueError),
        ):
            with self.assertRaises(error):
                written("t", wrong)
        with self.assertRaises(ValueError):
            Outgoing("a", delay=1, at=1)
        deep = []
        for _ in range(100_000):
            deep = [deep]
        with self.assertRaises(ValueError):
            written("t", [deep])

    def test_it_is_confirmed_once(self):
        self.welcome()
        number = self.publish("a", "b")
        self.assertEqual(self.session.pending, 2)
        self.assertFalse(self.session.settled)
        (event,) = self.hear("ok", id=number, codes=["x", "y"], durable="fsync", duplicates=[1], resent=True)
        self.assertEqual(event, Confirmed(number, Receipt(["x", "y"], "fsync", [1], True)))
        self.assertEqual(event.receipt.code, "x")
        self.assertEqual(self.hear("ok", id=number, codes=["x", "y"], durable="fsync"), [])
        self.assertTrue(self.session.settled)

    def test_it_is_denied_once(self):
        self.welcome()
        number = self.publish()
        (event,) = self.hear("error", id=number, code="full", message="no", retryAfter=2, index=0)
        self.assertEqual(event[0], number)
        self.assertIsInstance(event.error, TryLater)
        self.assertEqual((event.error.code, event.error.index, event.error.retry_after), ("full", 0, 2))
        (event,) = self.hear("error", id=number, code="full", message="no")
        self.assertIsInstance(event, Complaint)

    def test_it_is_sent_again_in_order_under_its_number(self):
        self.welcome()
        first, second, third = self.publish("1"), self.publish("2"), self.publish("3")
        before = self.said()
        self.hear("ok", id=second, codes=["c"], durable="fsync")
        self.session.lost()
        fourth = self.publish("4")
        self.assertEqual(self.said(), [])
        self.welcome()
        after = self.said()
        self.assertEqual([each["id"] for each in after], [first, third, fourth])
        self.assertEqual(after[:2], [before[0], before[2]])

    def test_a_turn_takes_so_many_bytes(self):
        self.welcome()
        for _ in range(3):
            self.publish("x" * 1000)
        self.assertEqual(len(self.session.take(1500)), 2)
        self.assertEqual(len(self.session.take(1500)), 1)

    def test_withdrawn(self):
        first = self.publish()
        self.assertTrue(self.session.withdraw(first))
        self.assertFalse(self.session.withdraw(first))
        second = self.publish()
        self.welcome()
        self.assertEqual([each["id"] for each in self.said()], [second])
        self.assertFalse(self.session.withdraw(second))
        self.session.lost()
        self.assertFalse(self.session.withdraw(second))

    def test_answered_before_it_was_asked(self):
        self.welcome()
        first, second = self.publish(), self.publish()
        self.assertEqual(len(self.hear("ok", id=first, codes=["c"], durable="fsync")), 1)
        self.assertEqual([each["id"] for each in self.said()], [second])

    def test_what_the_node_would_not_take(self):
        self.welcome(batch=2, frameBytes=5000)
        self.session.check(written("t", ["a"]))
        for messages, code in ((["a"] * 3, "tooMany"), (["x" * 1000], "tooBig")):
            with self.assertRaises(Refused) as refused:
                self.session.check(written("t", messages))
            self.assertEqual(refused.exception.code, code)

    def test_the_next_node_takes_less(self):
        self.welcome()
        number, small = self.publish("x" * 1000), self.publish()
        self.said()
        self.session.lost()
        event = self.welcome(frameBytes=5000)[1]
        self.assertIsInstance(event, Denied)
        self.assertEqual((event.number, event.error.code), (number, "tooBig"))
        self.assertEqual([each["id"] for each in self.said()], [small])


class BoundsTests(SessionCase):
    bounds = Bounds(publishes=3, messages=10, size=1000)

    def full_for(self, *messages):
        return not self.session.room(written("t", messages))

    def test_by_publishes(self):
        for _ in range(3):
            self.assertFalse(self.full_for("a"))
            number = self.publish()
        self.assertTrue(self.full_for("a"))
        self.welcome()
        self.hear("ok", id=number, codes=["c"], durable="fsync")
        self.assertFalse(self.full_for("a"))

    def test_by_messages(self):
        self.publish(*"abcdefgh")
        self.assertFalse(self.full_for("a", "b"))
        self.assertTrue(self.full_for("a", "b", "c"))

    def test_by_size(self):
        self.publish("x" * 500)
        self.assertTrue(self.full_for("x" * 500))

    def test_never_more_publishes_than_a_broker_remembers(self):
        for wrong in (0, 1001):
            with self.assertRaises(ValueError):
                ClientSession(Greeting("s"), Backoff(lambda: 1.0), Bounds(publishes=wrong))

    def test_alone_anything_may(self):
        self.assertFalse(self.full_for("x" * 5000))


class DrainTests(SessionCase):
    def test_publishes_wait_for_the_next_node(self):
        self.welcome()
        first, second = self.publish("1"), self.publish("2")
        self.said()
        self.assertEqual(self.hear("drain", reason="bye"), [Draining("bye")])
        third = self.publish("3")
        self.assertEqual(self.said(), [])
        self.assertFalse(self.session.dispensable)
        self.assertEqual(self.hear("error", id=first, code="draining", message="bye", retryAfter=5), [])
        self.assertEqual(len(self.hear("ok", id=second, codes=["c"], durable="fsync")), 1)
        self.assertTrue(self.session.dispensable)
        _, said = self.again()
        self.assertEqual([each["id"] for each in said], [first, third])
        self.assertFalse(self.session.draining)

    def test_a_refusal_says_so_too(self):
        self.welcome()
        number = self.publish()
        self.said()
        self.assertEqual(self.hear("error", id=number, code="draining", message="bye"), [Draining("bye")])
        self.assertTrue(self.session.dispensable)

    def test_a_node_that_does_not_drain_is_kept(self):
        self.welcome()
        self.assertFalse(self.session.dispensable)


class BackoffTests(SynchronousTestCase):
    def test_it_doubles_up_to_the_longest(self):
        backoff = Backoff(lambda: 1.0, first=0.1, longest=1.0)
        self.assertEqual([backoff.failed() for _ in range(6)], [0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
        for _ in range(5000):
            backoff.failed()
        backoff.worked()
        self.assertEqual(backoff.failed(), 0.1)

    def test_chance_decides_below_it(self):
        self.assertEqual(Backoff(lambda: 0.25, first=2.0).failed(), 0.5)

    def test_only_what_works_begins_anew(self):
        backoff = Backoff(lambda: 1.0)
        session = ClientSession(Greeting("s"), backoff)
        backoff.failed()
        session.connected()
        session.received(op("welcome"), 0.0)
        self.assertEqual(backoff.failed(), 0.2)
        session.subscribe("t", Terms())
        session.received(op("ok", id=1), 0.0)
        self.assertEqual(backoff.failed(), 0.1)
