"""Push/pull: joining, exchanging, looking for who is lost."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.events import Contacted, Incompatible
from serena.core.swim.messages import Ack, Alive, Dead, Entry, Err, PushPull, State, Suspect
from serena.core.swim.outbox import Purpose
from serena.core.swim.profile import LAN
from serena.core.swim.versions import PROTOCOL
from tests.serena.core.swim.lone import HERE, US, VERSIONS, Lone, alive, at

A, B, C, D = b"a", b"b", b"c", b"d"
SERF = PROTOCOL + bytes((2, 5, 5))


def entry(name, number, state=State.ALIVE, incarnation=1, *, meta=None, versions=VERSIONS):
    """What a push/pull says of the nth node."""
    return Entry(name, incarnation, at(number), state, meta, versions)


def exchange(*entries, join=False):
    return PushPull(join, entries)


class JoinTests(SynchronousTestCase):
    def opened(self, pool):
        pool.swim.join(at(2), pool.now)
        [stream] = pool.swim.streams()
        return stream

    def test_all_that_is_said_there_is_taken_over(self):
        pool = Lone(meta=b"ours")
        stream = self.opened(pool)
        self.assertEqual((stream.to, stream.purpose, stream.deadline), (at(2), Purpose.JOIN, 110.0))
        ours = Entry(US, 1, HERE, State.ALIVE, b"ours", VERSIONS)
        self.assertEqual(stream.request, PushPull(join=True, entries=(ours,)))
        pool.swim.stream_done(stream, exchange(entry(A, 2), entry(B, 3, meta=b"b"), join=True), pool.now)
        self.assertEqual(pool.events(), ["Joined", "Joined", "Contacted"])
        self.assertEqual(pool.member(B).meta, b"b")

    def test_who_comes_new_says_only_who_it_is(self):
        pool = Lone(profile=replace(LAN, probe_interval=900.0))
        stream = self.opened(pool)
        pool.swim.stream_done(stream, exchange(entry(A, 2), entry(B, 3)), pool.now)
        pool.run(5)
        told = {message for _, messages in pool.sent() for message in messages}
        self.assertEqual(told, {pool.swim.me.alive()})

    def test_soon_after_it_asks_again_and_then_ever_more_rarely(self):
        pool = Lone()
        stream = self.opened(pool)
        pool.swim.stream_done(stream, exchange(entry(A, 2)), pool.now)
        times = []

        def look():
            times.extend(pool.now for one in pool.swim.streams() if one.purpose is Purpose.SYNC)
            pool.hear(alive(A, 2, pool.member(A).incarnation + 1))

        pool.run(200, look)
        waits = [round(after - before) for before, after in itertools.pairwise(times)]
        self.assertLess(times[0] - 100, 2)
        self.assertEqual(waits[:7], [2, 4, 8, 16, 30, 30, 30])

    def test_whatever_goes_wrong_is_told(self):
        for answer, reason in (
            (Err("no"), "refused: no"),
            (Ack(1), "not a push/pull in answer"),
            (exchange(entry(A, 2, versions=SERF)), "nobody there may be in a pool with us"),
        ):
            pool = Lone()
            pool.swim.stream_done(self.opened(pool), answer, pool.now)
            self.assertEqual(pool.swim.events()[-1], Contacted(at(2), ok=False, reason=reason))
        pool = Lone()
        pool.swim.stream_failed(self.opened(pool), "timeout", pool.now)
        self.assertEqual(pool.swim.events(), [Contacted(at(2), ok=False, reason="timeout")])
        self.assertEqual(pool.swim.counters["failedPushPulls"], 1)

    def test_an_empty_pool_is_one_too(self):
        pool = Lone()
        pool.swim.stream_done(self.opened(pool), exchange(), pool.now)
        self.assertEqual(pool.swim.events(), [Contacted(at(2), ok=True)])

    def test_who_has_left_does_not_come_back(self):
        pool = Lone()
        pool.swim.leave(pool.now)
        pool.swim.join(at(2), pool.now)
        self.assertEqual(pool.swim.streams(), [])
        self.assertEqual(pool.swim.events()[-1], Contacted(at(2), ok=False, reason="this node has left"))

    def test_after_a_restart_what_is_remembered_of_us_is_refuted(self):
        for state in (State.DEAD, State.LEFT, State.SUSPECT):
            pool = Lone()
            stream = self.opened(pool)
            answer = exchange(entry(A, 2), Entry(US, 7, HERE, state, None, VERSIONS))
            pool.swim.stream_done(stream, answer, pool.now)
            self.assertEqual((pool.swim.me.state, pool.swim.me.incarnation), (State.ALIVE, 8))
            pool.run(1)
            told = {message for _, messages in pool.sent() for message in messages}
            self.assertIn(Alive(US, 8, HERE, None, VERSIONS), told)


class MergeTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()
        self.pool.meet(A, B, C)

    def merge(self, *entries):
        return self.pool.swim.serve(exchange(*entries), at(9), self.pool.now)

    def test_the_alive_are_and_the_dead_are_only_suspected(self):
        self.merge(entry(A, 2, incarnation=2), entry(B, 3, State.SUSPECT), entry(C, 4, State.DEAD), entry(D, 5))
        states = [self.pool.state(name) for name in (A, B, C, D)]
        self.assertEqual(states, [State.ALIVE, State.SUSPECT, State.SUSPECT, State.ALIVE])
        self.assertEqual(self.pool.member(A).incarnation, 2)
        self.assertEqual(self.pool.events(), ["Suspected", "Suspected", "Joined"])

    def test_who_left_did(self):
        self.merge(entry(A, 2, State.LEFT), entry(D, 5, State.LEFT))
        self.assertIs(self.pool.state(A), State.LEFT)
        self.assertIsNone(self.pool.state(D))

    def test_a_state_that_is_none_is_ignored(self):
        self.merge(entry(A, 2, 4, 9), entry(D, 5, 17))
        self.assertEqual(self.pool.member(A).incarnation, 1)
        self.assertIsNone(self.pool.state(D))

    def test_an_accusation_of_us_is_refuted(self):
        self.merge(Entry(US, 3, HERE, State.DEAD, None, VERSIONS))
        self.assertEqual(self.pool.swim.me.incarnation, 4)

    def test_the_answer_has_what_we_knew_before(self):
        self.pool.hear(Dead(A, 1, A), Dead(B, 1, C), Suspect(C, 1, A))
        answer = self.pool.swim.serve(exchange(entry(D, 5), join=True), at(9), self.pool.now)
        self.assertTrue(answer.join)
        self.assertEqual(answer.user, b"")
        states = {one.name: one.state for one in answer.entries}
        self.assertEqual(states, {US: 0, A: State.LEFT, B: State.DEAD, C: State.SUSPECT})

    def test_one_that_does_not_fit_is_left_out(self):
        self.merge(entry(D, 5, versions=SERF), entry(A, 2, incarnation=2))
        self.assertIsNone(self.pool.state(D))
        self.assertEqual(self.pool.member(A).incarnation, 2)
        self.assertEqual(self.pool.swim.events(), [Incompatible(D, at(5), SERF)])

    def test_the_dead_may_have_any_versions(self):
        self.merge(entry(A, 2, State.LEFT, versions=SERF), entry(D, 5, versions=VERSIONS))
        self.assertEqual((self.pool.state(A), self.pool.state(D)), (State.LEFT, State.ALIVE))

    def test_who_fits_us_but_no_other_is_refused_with_all_it_says(self):
        narrow, other = bytes((1, 2, 2, 0, 0, 0)), bytes((2, 5, 3, 0, 0, 0))
        self.pool = Lone(versions=bytes((1, 5, 2, 0, 0, 0)))
        self.pool.hear(alive(A, 2, versions=narrow))
        self.merge(entry(D, 5, versions=other), entry(A, 2, incarnation=5, versions=narrow))
        self.assertIsNone(self.pool.state(D))
        self.assertEqual(self.pool.member(A).incarnation, 1)
        self.assertEqual(self.pool.swim.dropped, {"incompatible": 1})

    @given(st.lists(st.builds(
        entry, st.sampled_from([US, A, B, D]), st.integers(1, 5), st.integers(0, 5), st.integers(0, 3),
        versions=st.one_of(st.just(VERSIONS), st.just(b""), st.binary(min_size=6, max_size=6)),
    ), max_size=8))  # fmt: skip
    def test_whatever_comes_all_members_fit(self, entries):
        self.pool = Lone()
        self.pool.meet(A, B)
        self.merge(*entries)
        for member in self.pool.swim.members.values():
            self.assertEqual(member.versions[:3][0] <= 2 <= member.versions[1], True)
        self.assertIs(self.pool.swim.me.state, State.ALIVE)


class SyncTests(SynchronousTestCase):
    def test_now_and_then_all_is_exchanged_with_one_that_is_alive(self):
        pool = Lone()
        pool.meet(A, B)
        pool.hear(Dead(B, 1, b"x"))
        found = []

        def look():
            found.extend((pool.now, one) for one in pool.swim.streams() if one.purpose is Purpose.SYNC)
            pool.hear(alive(A, 2, pool.member(A).incarnation + 1))

        pool.run(100, look)
        times = [when for when, _ in found]
        self.assertEqual(
            [round(after - before) for before, after in itertools.pairwise(times)], [30] * (len(times) - 1)
        )
        self.assertGreaterEqual(len(times), 3)
        self.assertEqual({one.to for _, one in found}, {at(2)})
        self.assertFalse(found[0][1].request.join)
        pool.swim.events()
        pool.swim.stream_done(found[0][1], exchange(entry(C, 4)), pool.now)
        pool.swim.stream_failed(found[1][1], "refused", pool.now)
        self.assertEqual(pool.events(), ["Joined"])

    def test_alone_there_is_nobody_to_ask(self):
        pool = Lone()
        pool.run(100)
        self.assertEqual(pool.swim.streams(), [])


class ReconnectTests(SynchronousTestCase):
    def looked(self, pool, seconds):
        found = []
        pool.run(seconds, lambda: found.extend(one for one in pool.swim.streams() if one.purpose is Purpose.RECONNECT))
        return found

    def test_who_failed_is_looked_for_even_when_forgotten(self):
        pool = Lone()
        pool.meet(A)
        pool.hear(Dead(A, 1, b"x"))
        pool.run(100)
        self.assertIsNone(pool.state(A))
        pool.swim.events()
        pool.swim.streams()
        found = self.looked(pool, 100)
        self.assertEqual({one.to for one in found}, {at(2)})
        self.assertTrue(8 <= len(found) <= 11, len(found))
        pool.swim.stream_failed(found[0], "refused", pool.now)
        self.assertEqual(pool.events(), [])
        pool.swim.stream_done(found[1], exchange(entry(A, 2)), pool.now)
        self.assertEqual(pool.events(), ["Joined"])
        self.assertEqual(len(pool.swim._syncer._lost), 0)

    def test_who_left_is_not_nor_do_we_look_when_we_have_left(self):
        pool = Lone()
        pool.meet(A, B)
        pool.hear(Dead(A, 1, A))
        self.assertEqual(self.looked(pool, 2), [])
        pool.hear(Dead(B, 1, b"x"))
        pool.swim.leave(pool.now)
        self.assertEqual(self.looked(pool, 100), [])

    def test_the_more_others_look_the_rarer_we_do(self):
        pool = Lone(profile=replace(LAN, probe_interval=9e9, push_pull_interval=9e9))
        pool.meet(*(b"%d" % number for number in range(50)))
        pool.hear(Dead(b"0", 1, b"x"))
        self.assertLess(len(self.looked(pool, 1000)), 10)


class AdoptTests(SynchronousTestCase):
    def test_whoever_joins_asks_first_and_then_speaks_as_the_pool_does(self):
        pool = Lone(adopt_delegates=True)
        pool.swim.join(at(2), pool.now)
        [stream] = pool.swim.streams()
        self.assertEqual((stream.purpose, stream.request), (Purpose.ASK, PushPull(join=True, entries=())))
        answer = exchange(entry(B, 3, State.DEAD, versions=bytes(6)), entry(A, 2, versions=SERF))
        pool.swim.stream_done(stream, answer, pool.now)
        self.assertEqual(pool.swim.me.versions, SERF)
        self.assertEqual(pool.events(), [])
        [stream] = pool.swim.streams()
        self.assertEqual(stream.purpose, Purpose.JOIN)
        self.assertEqual([(one.name, one.versions) for one in stream.request.entries], [(US, SERF)])
        pool.swim.stream_done(stream, answer, pool.now)
        self.assertEqual(pool.events(), ["Joined", "Contacted"])
        pool.swim.join(at(3), pool.now)
        self.assertEqual(pool.swim.streams()[0].purpose, Purpose.JOIN)

    def test_who_is_joined_speaks_as_the_first_that_comes(self):
        pool = Lone(adopt_delegates=True)
        answer = pool.swim.serve(exchange(entry(A, 2, versions=SERF), join=True), at(2), pool.now)
        self.assertEqual([one.versions for one in answer.entries], [SERF])
        self.assertIs(pool.state(A), State.ALIVE)
        pool.swim.serve(exchange(entry(B, 3), join=True), at(3), pool.now)  # the second has to fit
        self.assertEqual(pool.swim.me.versions, SERF)
        self.assertIsNone(pool.state(B))

    def test_what_fits_already_is_kept_and_what_is_senseless_not_taken(self):
        for versions in (VERSIONS, bytes(6), PROTOCOL + bytes((5, 2, 3)), bytes((4, 5, 5, 2, 5, 5)), b""):
            pool = Lone(adopt_delegates=True)
            pool.swim.serve(exchange(entry(A, 2, versions=versions), join=True), at(2), pool.now)
            self.assertEqual((pool.swim.me.versions, pool.swim.me.incarnation), (VERSIONS, 1))

    def test_a_failure_to_ask_is_one_to_join(self):
        pool = Lone(adopt_delegates=True)
        pool.swim.join(at(2), pool.now)
        pool.swim.stream_failed(pool.swim.streams()[0], "refused", pool.now)
        self.assertEqual(pool.swim.events(), [Contacted(at(2), ok=False, reason="refused")])

    def asking(self, *numbers):
        """A node that has asked these; its streams."""
        pool = Lone(adopt_delegates=True)
        for number in numbers:
            pool.swim.join(at(number), pool.now)
        return pool, pool.swim.streams()

    def opened(self, pool):
        return [(one.to, one.purpose, one.request.entries[0].versions) for one in pool.swim.streams()]

    def test_the_first_that_differs_decides_whoever_answers_later(self):
        pool, (ours, serf) = self.asking(3, 2)
        pool.swim.stream_done(serf, exchange(entry(A, 2, versions=SERF)), pool.now)
        pool.swim.stream_done(ours, exchange(entry(B, 3)), pool.now)
        self.assertEqual(self.opened(pool), [(at(2), Purpose.JOIN, SERF), (at(3), Purpose.JOIN, SERF)])
        self.assertEqual(pool.swim.counters["adoptedVersions"], 1)

    def test_who_knows_no_more_than_we_do_waits_for_the_others(self):
        pool, (ours, serf) = self.asking(3, 2)
        pool.swim.stream_done(ours, exchange(entry(B, 3)), pool.now)
        self.assertEqual(pool.swim.streams(), [])
        pool.swim.stream_done(serf, exchange(entry(A, 2, versions=SERF)), pool.now)
        self.assertEqual(self.opened(pool), [(at(3), Purpose.JOIN, SERF), (at(2), Purpose.JOIN, SERF)])

    def test_but_not_for_long(self):
        pool, (ours, _) = self.asking(3, 2)
        pool.swim.stream_done(ours, exchange(entry(B, 3)), pool.now)
        pool.run(0.99)
        self.assertEqual(pool.swim.streams(), [])
        pool.run(0.02)
        self.assertEqual(self.opened(pool), [(at(3), Purpose.JOIN, VERSIONS)])

    def test_where_all_agree_there_is_nothing_to_wait_for(self):
        pool, streams = self.asking(3, 2)
        for name, number, stream in zip((B, A), (3, 2), streams, strict=True):
            pool.swim.stream_done(stream, exchange(entry(name, number)), pool.now)
        self.assertEqual(len(self.opened(pool)), 2)

    def test_who_still_asks_lets_nobody_in_who_decides_nothing(self):
        pool, (_, serf) = self.asking(3, 2)
        comes = exchange(entry(B, 3), join=True)
        self.assertIsNone(pool.swim.serve(comes, at(3), pool.now))
        self.assertEqual(pool.swim.dropped, {"notYet": 1})
        self.assertEqual(len(pool.swim.serve(exchange(join=True), at(3), pool.now).entries), 1)  # asking is free
        pool.swim.stream_failed(serf, "refused", pool.now)
        self.assertIsNone(pool.swim.serve(comes, at(3), pool.now))
        pool.run(1.01)
        self.assertIsNotNone(pool.swim.serve(comes, at(3), pool.now))
        self.assertIs(pool.state(B), State.ALIVE)

    def test_one_that_differs_is_let_in_at_once_and_decides_too(self):
        pool, _ = self.asking(3, 2)
        answer = pool.swim.serve(exchange(entry(A, 2, versions=SERF), join=True), at(2), pool.now)
        self.assertEqual([one.versions for one in answer.entries], [SERF])

    def test_where_nobody_lets_us_in_we_are_what_we_were(self):
        pool, (one, other) = self.asking(3, 2)
        for stream in (one, other):
            pool.swim.stream_done(stream, exchange(entry(A, 2, versions=SERF)), pool.now)
        first, second = pool.swim.streams()
        pool.swim.serve(exchange(entry(B, 4), join=True), at(4), pool.now)  # told already who we are: nothing changes
        pool.swim.stream_failed(first, "timeout", pool.now)
        self.assertEqual(pool.swim.me.versions, SERF)
        pool.swim.stream_failed(second, "timeout", pool.now)
        self.assertEqual(pool.swim.me.versions, VERSIONS)
        pool.swim.join(at(2), pool.now)
        self.assertEqual([one.purpose for one in pool.swim.streams()], [Purpose.ASK])

    def test_nobody_is_believed_by_datagram(self):
        pool = Lone(adopt_delegates=True)
        pool.hear(alive(A, 2, versions=SERF))
        self.assertEqual(pool.swim.me.versions, VERSIONS)
        self.assertEqual(pool.events(), ["Incompatible"])

    def test_without_the_setting_nothing_is_taken_over(self):
        pool = Lone()
        pool.swim.serve(exchange(entry(A, 2, versions=SERF), join=True), at(2), pool.now)
        self.assertEqual(pool.swim.me.versions, VERSIONS)
        self.assertEqual(pool.events(), ["Incompatible"])
