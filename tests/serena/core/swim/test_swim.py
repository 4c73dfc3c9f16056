"""The machine as a whole: what it is made with, what comes in, how it leaves."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.members import Identity
from serena.core.swim.messages import (
    Ack,
    Address,
    Alive,
    Dead,
    Err,
    IndirectPing,
    Nack,
    Ping,
    PushPull,
    Source,
    State,
    Suspect,
    UserMessage,
)
from serena.core.swim.profile import LAN
from serena.core.swim.swim import Swim
from tests.serena.core.swim.lone import ELSEWHERE, HERE, US, VERSIONS, Lone, alive, at

A = b"a"
CHANCE = Random(1)  # noqa: S311 -- a script


class IdentityTests(SynchronousTestCase):
    def test_what_others_would_refuse_is_our_mistake(self):
        good = Identity(US, HERE)
        self.assertEqual(Swim(good, LAN, random=CHANCE).me.versions, VERSIONS)
        for wrong in (
            {"name": b""},
            {"name": bytes(256)},
            {"address": Address(bytes(4), 7946)},
            {"address": Address(HERE.host, 0)},
            {"address": Address(HERE.host, 65_536)},
            {"meta": bytes(513)},
            {"versions": b""},
            {"versions": bytes(6)},
            {"versions": VERSIONS + b"\0"},
            {"versions": bytes((1, 5, 2, 2, 5, 1))},
        ):
            self.assertRaises(MisuseError, Swim, replace(good, **wrong), LAN, random=CHANCE)


class StartTests(SynchronousTestCase):
    def test_before_it_has_started_it_wants_nothing(self):
        pool = Lone(start=False)
        self.assertIsNone(pool.swim.next_deadline())
        pool.swim.start(5.0)
        self.assertLess(pool.swim.next_deadline(), 6.0)
        self.assertEqual(pool.swim.me.since, 5.0)

    def test_we_are_a_member_ourselves(self):
        pool = Lone()
        self.assertEqual(dict(pool.swim.members), {US: pool.swim.me})
        self.assertFalse(hasattr(pool.swim.members, "__setitem__"))

    def test_two_machines_do_not_count_alike(self):
        seqs = set()
        for seed in (1, 2):
            pool = Lone(seed=seed)
            pool.meet(A)
            [(_, ping)] = pool.until(Ping)
            seqs.add(ping.seq)
        self.assertEqual(len(seqs), 2)

    def test_numbers_start_again_at_their_end(self):
        class Last(Random):
            def getrandbits(self, k):
                return 2**k - 1

        swim = Swim(Identity(US, HERE), LAN, random=Last(1))
        self.assertEqual([swim._prober._next_seq() for _ in range(3)], [2**32 - 1, 0, 1])


class ServeTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone(allowed=lambda host: host != at(66).host)

    def serve(self, exchange, source=ELSEWHERE):
        return self.pool.swim.serve(exchange, source, self.pool.now)

    def test_pings(self):
        self.assertEqual(self.serve(Ping(5, US)), Ack(5))
        self.assertEqual(self.serve(Ping(5, b"")), Ack(5))
        self.assertIsNone(self.serve(Ping(5, b"another")))
        self.assertEqual(self.pool.swim.dropped, {"wrongNode": 1})

    def test_user_messages(self):
        self.assertIsNone(self.serve(UserMessage(b"hello")))
        self.assertIsNone(self.serve(UserMessage(b"")))
        [event] = self.pool.swim.events()
        self.assertEqual((event.data, event.source), (b"hello", ELSEWHERE))

    def test_what_nobody_asked_for(self):
        self.assertIsNone(self.serve(Ack(5)))
        self.assertIsNone(self.serve(Err("?")))
        self.assertEqual(self.pool.swim.dropped, {"unsolicited": 2})

    def test_hosts_that_are_not_allowed_get_nothing(self):
        mapped = Address(bytes(10) + b"\xff\xff" + at(66).host, 1)
        for source in (at(66), mapped):
            self.assertIsNone(self.serve(Ping(5, US), source))
            self.assertIsNone(self.serve(PushPull(join=True, entries=()), source))
            self.pool.hear(Ping(5, US), alive(A, 2), source=source)
        self.assertEqual(self.pool.sent(), [])
        self.assertEqual(set(self.pool.swim.members), {US})
        self.assertEqual(self.pool.swim.dropped, {"notAllowed": 6})


class MetaTests(SynchronousTestCase):
    def test_new_metadata_are_told_under_a_new_incarnation(self):
        pool = Lone(meta=b"old")
        pool.meet(A)
        pool.swim.update_meta(b"new", pool.now)
        self.assertEqual(pool.events(), ["Updated"])
        pool.run(1)
        told = {message for _, messages in pool.sent() for message in messages}
        self.assertIn(Alive(US, 2, HERE, b"new", VERSIONS), told)
        self.assertNotIn(Alive(US, 1, HERE, b"old", VERSIONS), told)

    def test_the_same_is_no_news_and_too_much_our_mistake(self):
        pool = Lone(meta=b"old")
        pool.swim.update_meta(b"old", pool.now)
        self.assertRaises(MisuseError, pool.swim.update_meta, bytes(513), pool.now)
        pool.swim.update_meta(bytes(512), pool.now)
        self.assertEqual(pool.swim.me.incarnation, 2)
        pool.swim.leave(pool.now)
        pool.swim.update_meta(b"newer", pool.now)
        self.assertEqual(pool.swim.me.incarnation, 2)


class LeaveTests(SynchronousTestCase):
    def test_it_has_left_when_enough_were_told(self):
        pool = Lone()
        pool.meet(A)
        self.assertFalse(pool.swim.has_left)
        pool.swim.leave(pool.now)
        self.assertFalse(pool.swim.has_left)
        told = []

        def look():
            for _, messages in pool.sent():
                told.extend(one for one in messages if isinstance(one, Dead))

        pool.run(1.0, look)
        self.assertTrue(pool.swim.has_left)
        self.assertEqual(told, [Dead(US, 1, US)] * 4)
        self.assertEqual(pool.events(), ["Left"])
        pool.swim.leave(pool.now)
        self.assertEqual(pool.events(), [])
        self.assertIs(pool.swim.me.state, State.LEFT)

    def test_alone_it_has_left_at_once(self):
        pool = Lone()
        pool.meet(A)
        pool.hear(Dead(A, 1, A))
        pool.swim.leave(pool.now)
        self.assertTrue(pool.swim.has_left)


_HOSTS = st.one_of(
    st.sampled_from([HERE.host, at(2).host]), st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)
)
_ADDRESSES = st.builds(Address, _HOSTS, st.sampled_from([0, 1, 7946]))
_NAMES = st.one_of(st.sampled_from([US, A, b"b"]), st.binary(min_size=1, max_size=255))
_NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1))
_SOURCES = st.none() | st.builds(Source, _ADDRESSES, _NAMES)
_VERSIONS = st.just(VERSIONS) | st.binary(min_size=6, max_size=6) | st.just(b"")
_MESSAGES = st.one_of(
    st.builds(Ping, _NUMBERS, st.just(b"") | _NAMES, _SOURCES),
    st.builds(IndirectPing, _NUMBERS, _NAMES, _ADDRESSES, st.booleans(), _SOURCES),
    st.builds(Ack, _NUMBERS),
    st.builds(Nack, _NUMBERS),
    st.builds(Suspect, _NAMES, _NUMBERS, _NAMES),
    st.builds(Dead, _NAMES, _NUMBERS, _NAMES),
    st.builds(Alive, _NAMES, _NUMBERS, _ADDRESSES, st.none() | st.binary(max_size=512), _VERSIONS),
    st.builds(UserMessage, st.binary(max_size=50)),
)


class AnythingTests(SynchronousTestCase):
    @given(st.lists(st.tuples(_MESSAGES, _ADDRESSES, st.floats(0, 3)), max_size=25))
    def test_whatever_is_heard_nothing_is_raised_and_what_is_sent_is_sound(self, heard):
        pool = Lone()
        pool.meet(A)

        def look():
            self.assertGreater(pool.swim.next_deadline(), pool.now)
            for one in pool.swim.outgoing():
                self.assertTrue(1 <= len(one.parts) <= 127)
                self.assertTrue(all(one.parts))
                self.assertLessEqual(sum(map(len, one.parts)) + 2 * len(one.parts), 1400)

        for message, source, seconds in heard:
            pool.hear(message, source=source)
            pool.run(seconds, look)
        pool.swim.events()
        self.assertIs(pool.swim.me.state, State.ALIVE)
