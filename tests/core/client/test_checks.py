"""What makes no sense costs who asks for it, and nobody else: it never comes as far as a frame."""

from math import inf, nan

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.errors import Refused
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import Message, outgoing, written
from kapokmq.core.client.session import Bounds, ClientSession, Greeting, first_number
from tests.core.client.test_inbox import InboxCase
from tests.core.client.test_session import SessionCase

HALF = "a\ud800"  # of a surrogate pair


class PublishTests(SynchronousTestCase):
    def test_topics(self):
        for topic in (b"orders", None, 5, object()):
            with self.assertRaises(TypeError):
                written(topic, ["a"])
        for topic in ("", HALF, "a\n", "x" * 256):
            with self.assertRaises(Refused) as refused:
                written(topic, ["a"])
            self.assertEqual(refused.exception.code, "badName")
        self.assertEqual(written("x" * 255, ["a"]).topic, b'"' + b"x" * 255 + b'"')

    def test_one_message_where_several_are_wanted(self):
        for one in ("xyz", b"xyz", bytearray(b"x"), memoryview(b"x"), {"a": 1}):
            with self.assertRaises(TypeError):
                written("t", one)

    def test_options_of_the_wrong_type(self):
        for options in (
            {"key": 5},
            {"key": b"k"},
            {"headers": "x"},
            {"headers": {1: "a"}},
            {"headers": {"a": 1}},
            {"delay": "5"},
            {"delay": True},
            {"at": object()},
            {"expire": "1"},
        ):
            with self.assertRaises(TypeError, msg=options):
                written("t", [outgoing("a", **options)])

    def test_options_that_no_broker_reads(self):
        for options in (
            {"key": HALF},
            {"headers": {HALF: "a"}},
            {"headers": {"a": HALF}},
            {"delay": -1},
            {"delay": nan},
            {"at": 1e12},
            {"expire": inf},
        ):
            with self.assertRaises(ValueError, msg=options):
                written("t", [outgoing("a", **options)])

    def test_the_limits_themselves_are_taken(self):
        far = outgoing("a", delay=3162240000, expire=3162240000, key="k" * 255, headers={})
        self.assertEqual(written("t", [far, outgoing("b", at=253402300799), outgoing("c", delay=0)]).count, 3)


class SubscribeTests(SessionCase):
    def test_what_no_subscription_is_like(self):
        for topic, terms, error in (
            (b"t", Terms(), TypeError),
            (HALF, Terms(), Refused),
            ("t", Terms(5), TypeError),
            ("t", Terms("x" * 256), Refused),
            ("t", Terms(credit=-1), ValueError),
            ("t", Terms(credit=100_001), ValueError),
            ("t", Terms(credit=1.5), TypeError),
            ("t", Terms(credit=True), TypeError),
            ("t", Terms(start="later"), ValueError),
            ("t", Terms(start={"time": 1, "more": 1}), ValueError),
            ("t", Terms(start={"time": "1"}), TypeError),
            ("t", Terms(start={"time": nan}), ValueError),
            ("t", Terms(touch_every=0), ValueError),
            ("t", Terms(touch_every=-1), ValueError),
            ("t", Terms(touch_every="1"), TypeError),
        ):
            with self.assertRaises(error, msg=(topic, terms)):
                self.session.subscribe(topic, terms)
        self.welcome()
        self.assertEqual(self.said(), [])
        for terms in (Terms("g", 0, "all"), Terms(None, 100_000, {"time": 0}), Terms(touch_every=0.1)):
            self.session.subscribe("t.*", terms)
        self.assertEqual(len(self.said()), 3)

    def test_a_credit_that_is_none(self):
        inbox = self.session.subscribe("t", Terms(credit=5))
        for credit, error in ((-1, ValueError), (100_001, ValueError), ("5", TypeError), (None, TypeError)):
            with self.assertRaises(error):
                self.session.set_credit(inbox, credit)
        self.assertEqual(inbox.credit, 5)


class NackTests(InboxCase):
    def test_what_no_broker_reads_is_refused_where_it_is_said(self):
        told = []

        class Recorder:
            def nack(self, *args):
                told.append(args)

        one = Message("a", "t", "", 0.0, 1, source=Recorder())
        inbox = self.subscribed()
        for nack in (one.nack, lambda *args: inbox.nack("a", *args)):
            for delay, reason, error in (
                (None, ValueError("x"), TypeError),
                (None, None, TypeError),
                ("5", "", TypeError),
                (-1, "", ValueError),
                (nan, "", ValueError),
                (1e10, "", ValueError),
            ):
                with self.assertRaises(error, msg=(delay, reason)):
                    nack(delay, reason)
        self.assertEqual(told, [])
        self.session.stir(inbox)
        self.assertEqual(self.said(), [])

    def test_a_reason_is_told_as_far_as_it_can_be(self):
        inbox = self.subscribed()
        self.nack(inbox, "a", reason=HALF)
        self.nack(inbox, "b", reason="ü" * 1001)
        self.assertEqual([each["reason"] for each in self.said()], ["a?", "ü" * 1000])


class GreetingTests(SynchronousTestCase):
    def test_what_no_hello_can_say(self):
        for wrong, error in (
            ({"session": ""}, ValueError),
            ({"session": HALF}, ValueError),
            ({"session": 5}, TypeError),
            ({"name": "x" * 256}, ValueError),
            ({"name": b"n"}, TypeError),
            ({"key": HALF}, ValueError),
            ({"key": "k" * 16_384}, ValueError),
            ({"key": b"k"}, TypeError),
        ):
            with self.assertRaises(error, msg=wrong):
                Greeting(**{"session": "s"} | wrong)

    def test_the_key_is_not_shown(self):
        self.assertNotIn("s3cret", repr(Greeting("s", "s3cret", "n")))


class BoundsTests(SynchronousTestCase):
    def test_what_bounds_nothing(self):
        for wrong, error in (
            (None, TypeError),
            ((1, 2, 3), TypeError),
            (Bounds(messages=None), TypeError),
            (Bounds(messages=0), ValueError),
            (Bounds(size=0), ValueError),
        ):
            with self.assertRaises(error, msg=wrong):
                ClientSession(Greeting("s"), Backoff(lambda: 1.0), wrong)


class NumberTests(SynchronousTestCase):
    def numbers_at(self, now, publishes):
        session = ClientSession(Greeting("mine"), Backoff(lambda: 1.0), Bounds(1000), first_number(now))
        return [session.publish(written("t", ["a"])) for _ in range(publishes)]

    def test_a_restart_uses_none_of_the_numbers_again(self):
        before, after = self.numbers_at(1_795_250_786.123, 1000), self.numbers_at(1_795_250_786.124, 1000)
        self.assertGreater(after[0], before[-1])
        self.assertLess(after[-1], 1 << 53)

    def test_a_clock_that_was_never_set(self):
        for now in (0.0, -5.0):
            self.assertEqual(first_number(now), 1)
