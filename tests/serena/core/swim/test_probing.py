"""Finding out who is gone."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Ack, Address, Alive, IndirectPing, Nack, Ping, Source, State, Suspect
from serena.core.swim.outbox import Purpose
from serena.core.swim.profile import LAN
from tests.serena.core.swim.lone import HERE, US, VERSIONS, Lone, alive, at

A, B, C, D = b"a", b"b", b"c", b"d"


def old(protocol):
    """The versions of a member that understands no more than that."""
    return bytes((1, protocol, 1, 0, 0, 0))


class ProbeTests(SynchronousTestCase):
    def setUp(self):
        self.pool = Lone()
        self.pool.meet(A)

    def probed(self, pool=None):
        """The next ping; afterwards its time is `began`."""
        pool = pool or self.pool
        [(to, ping)] = pool.until(Ping)
        self.began = pool.now
        return to, ping

    def test_a_member_that_answers_is_well_and_timed(self):
        to, ping = self.probed()
        self.assertEqual((to, ping.node, ping.source), (at(2), A, Source(HERE, US)))
        self.pool.now += 0.01
        self.pool.hear(Ack(ping.seq))
        self.assertAlmostEqual(self.pool.member(A).rtt, 0.01)
        self.pool.run(0.98)
        self.assertEqual(self.pool.told(IndirectPing), [])
        self.assertIs(self.pool.state(A), State.ALIVE)

    def test_everybody_is_probed_in_turn_an_interval_apart(self):
        pool = Lone()
        pool.meet(A, B, C, D)
        times, nodes = [], []
        for _ in range(8):
            _, ping = self.probed(pool)
            pool.hear(Ack(ping.seq))
            times.append(pool.now)
            nodes.append(ping.node)
        self.assertEqual(sorted(nodes[:4]), [A, B, C, D])
        self.assertEqual(sorted(nodes[4:]), [A, B, C, D])
        self.assertTrue(times[-1] - times[0] < 8.5, times)

    def test_who_is_silent_is_suspected_after_an_interval(self):
        _, ping = self.probed()
        self.pool.run(0.99)
        self.assertIs(self.pool.state(A), State.ALIVE)
        self.pool.run(0.02)
        self.assertIs(self.pool.state(A), State.SUSPECT)
        self.assertEqual(self.pool.swim.health, 1)  # nobody could say whether it was our fault
        self.assertEqual(self.pool.swim.counters["failedProbes"], 1)
        self.pool.hear(Ack(ping.seq))
        self.assertEqual(self.pool.swim.counters["late"], 1)

    def test_bad_health_stretches_the_probe_and_success_heals(self):
        self.pool.swim._awareness.add(1)
        _, ping = self.probed()
        self.pool.run(1.9)
        self.assertIs(self.pool.state(A), State.ALIVE)
        self.pool.hear(Ack(ping.seq))
        self.assertEqual(self.pool.swim.health, 0)
        self.assertIsNone(self.pool.member(A).rtt)  # it came too late to be from a direct ping for sure

    def test_what_came_due_meanwhile_follows_at_once(self):
        pool = Lone()
        pool.meet(A, B, C)
        pool.swim._awareness.add(1)
        _, ping = self.probed(pool)
        pool.run(1.5)
        pool.sent()
        pool.hear(Ack(ping.seq))
        self.assertLessEqual(pool.swim.next_deadline(), pool.now)
        pool.run(0.0)
        self.assertEqual(len(pool.told(Ping)), 1)

    def test_a_suspect_is_told_first_what_is_said_of_it(self):
        self.pool.hear(Suspect(A, 1, B))
        self.pool.run(1.99)
        [messages, *_] = [messages for _, messages in self.pool.sent() if isinstance(messages[0], Ping)]
        self.assertEqual(messages[1:], [Suspect(A, 1, US)])

    def test_the_dead_are_not_probed_and_later_forgotten(self):
        self.pool.hear(Suspect(A, 1, B))
        self.pool.run(6)
        self.assertIs(self.pool.state(A), State.DEAD)
        self.pool.sent()
        self.pool.run(20)
        self.assertEqual(self.pool.told(Ping), [])
        self.assertIs(self.pool.state(A), State.DEAD)
        self.pool.run(15)
        self.assertIsNone(self.pool.state(A))
        self.assertEqual(self.pool.events(), ["Suspected", "Failed", "Forgotten"])
        self.pool.hear(alive(A, 3))  # then its name is free, whatever the incarnation
        self.assertEqual(self.pool.member(A).address, at(3))

    def test_a_member_that_leaves_meanwhile_is_not_suspected(self):
        self.probed()
        self.pool.hear(alive(A, 2, 2))
        self.pool.run(1.01)
        self.assertIs(self.pool.state(A), State.ALIVE)  # what failed was a probe of what it was before


class Begun(SynchronousTestCase):
    """Where a direct ping was not answered."""

    def begun(self, *others, **options):
        """A probe of A that gets no direct answer."""
        self.pool = pool = Lone(**options)
        pool.hear(alive(A, 2), *others)
        while True:
            [(_, ping)] = pool.until(Ping)
            if ping.node == A:
                break
            pool.hear(Ack(ping.seq))
        pool.sent()
        self.seq = ping.seq
        pool.run(0.51)
        return pool


class IndirectTests(Begun):
    def test_a_few_others_are_asked_with_the_same_number(self):
        pool = self.begun(alive(B, 3), alive(C, 4, versions=old(3)), alive(D, 5), alive(b"e", 6))
        asked = pool.told(IndirectPing)
        self.assertEqual(len(asked), 3)
        for to, message in asked:
            self.assertEqual(message, IndirectPing(self.seq, A, at(2), to != at(4), Source(HERE, US)))
            self.assertNotIn(to, (HERE, at(2)))

    def test_an_answer_through_another_will_do(self):
        pool = self.begun(alive(B, 3))
        pool.hear(Ack(self.seq), source=at(3))
        pool.run(0.3)
        self.assertIs(pool.state(A), State.ALIVE)
        self.assertIsNone(pool.member(A).rtt)

    def test_who_says_that_it_has_none_shows_that_we_are_well(self):
        pool = self.begun(alive(B, 3), alive(C, 4))
        pool.hear(Nack(self.seq), Nack(self.seq), Nack(self.seq + 1))
        self.assertEqual(pool.swim.counters["late"], 1)
        pool.run(0.5)
        self.assertIs(pool.state(A), State.SUSPECT)
        self.assertEqual(pool.swim.health, 0)

    def test_each_that_says_nothing_makes_us_doubt_ourselves(self):
        pool = self.begun(alive(B, 3), alive(C, 4), alive(D, 5))
        pool.hear(Nack(self.seq))
        pool.run(0.5)
        self.assertEqual(pool.swim.health, 2)

    def test_old_ones_count_as_nobody(self):
        pool = self.begun(alive(B, 3, versions=old(3)))
        pool.run(0.5)
        self.assertEqual(pool.swim.health, 1)

    def test_a_nack_without_a_probe_is_late(self):
        pool = Lone()
        pool.hear(Nack(1))
        self.assertEqual(pool.swim.counters["late"], 1)


class StreamTests(Begun):
    def stream(self, *others, **options):
        pool = self.begun(*others, **options)
        return pool, [one for one in pool.swim.streams() if one.purpose is Purpose.PROBE]

    def test_who_answers_over_a_stream_is_well(self):
        pool, [stream] = self.stream()
        self.assertEqual((stream.to, stream.request), (at(2), Ping(self.seq, A, Source(HERE, US))))
        self.assertAlmostEqual(stream.deadline - pool.now, 0.5, places=1)
        pool.swim.stream_done(stream, Ack(self.seq), pool.now)
        pool.run(0.4)
        self.assertEqual(pool.swim.counters["streamPings"], 1)
        self.assertIs(pool.state(A), State.ALIVE)
        pool.swim.stream_done(stream, Ack(self.seq), pool.now)
        self.assertEqual(pool.swim.counters["streamPings"], 1)

    def test_other_answers_don_t_help(self):
        pool, [stream] = self.stream()
        pool.swim.stream_done(stream, Ack(self.seq + 1), pool.now)
        pool.swim.stream_done(stream, Ping(self.seq, A), pool.now)
        pool.swim.stream_failed(stream, "refused", pool.now)
        pool.run(0.5)
        self.assertIs(pool.state(A), State.SUSPECT)

    def test_it_is_not_tried_where_it_is_off_or_unknown_to_the_other(self):
        self.assertEqual(self.stream(profile=replace(LAN, tcp_pings=False))[1], [])
        self.assertEqual(self.stream(alive(A, 2, 2, versions=old(2)))[1], [])


class OversleptTests(SynchronousTestCase):
    def test_whoever_slept_blames_nobody(self):
        pool = Lone()
        pool.meet(A, B)
        pool.hear(Suspect(B, 1, b"x"))
        pool.until(Ping)
        pool.now += 60
        pool.swim.advance(pool.now)
        self.assertEqual((pool.state(A), pool.state(B)), (State.ALIVE, State.SUSPECT))
        self.assertEqual(pool.swim.counters["overslept"], 1)
        self.assertEqual(pool.swim.health, 1)
        self.assertGreater(pool.swim.next_deadline(), pool.now)
        pool.hear(alive(B, 3, 2))  # lay unread
        pool.run(1.01)
        self.assertEqual((pool.state(A), pool.state(B)), (State.ALIVE, State.ALIVE))

    def test_whoever_waits_long_for_answers_has_not_slept(self):
        pool = Lone()
        pool.meet(A)
        pool.swim._awareness.add(5)
        answers = []

        def look():
            answers.extend((pool.now + 2.5, message.seq) for _, message in pool.told(Ping))
            while answers and answers[0][0] <= pool.now:
                pool.hear(Ack(answers.pop(0)[1]))
            if pool.state(A) is not State.ALIVE:
                pool.hear(alive(A, 2, pool.member(A).incarnation + 1))

        for _ in range(600):
            pool.run(0.1, look)
            look()
        self.assertEqual(pool.swim.counters["overslept"], 0)
        self.assertLess(pool.swim.health, 3)
        self.assertGreater(pool.swim.counters["probes"], 15)

    def test_nor_has_who_waits_for_a_stream(self):
        pool = Lone()
        pool.meet(A)
        pool.swim._awareness.add(5)
        pool.until(Ping)
        pool.run(0.6)
        [stream] = [one for one in pool.swim.streams() if one.purpose is Purpose.PROBE]
        pool.now += 3
        pool.swim.stream_done(stream, Ack(stream.request.seq), pool.now)
        pool.run(0.1)
        self.assertEqual((pool.swim.counters["overslept"], pool.swim.counters["probes"]), (0, 2))

    def test_a_little_late_is_not_asleep(self):
        pool = Lone()
        pool.meet(A)
        pool.until(Ping)
        pool.now = pool.swim._prober.next_deadline() + 0.9
        pool.swim.advance(pool.now)
        self.assertEqual(pool.swim.counters["overslept"], 0)
        pool.swim.advance(pool.now)  # late for the next one as well: it is moved
        self.assertGreater(pool.swim.next_deadline(), pool.now)


class BuddyTests(SynchronousTestCase):
    def test_a_suspect_refutes_what_comes_with_the_ping(self):
        pool = Lone()
        pool.meet(A)
        pool.hear(Ping(5, US, Source(at(2), A)), Suspect(US, 1, A))
        self.assertEqual(pool.swim.me.incarnation, 2)
        pool.run(0.3)
        told = {message for _, messages in pool.sent() for message in messages}
        self.assertIn(Alive(US, 2, HERE, None, VERSIONS), told)
        self.assertIn(Ack(5), told)


class TickTests(SynchronousTestCase):
    def test_alone_nothing_is_sent(self):
        pool = Lone()
        pool.run(20)
        self.assertEqual(pool.sent(), [])
        self.assertEqual(pool.swim.counters["probes"], 0)

    def test_probes_go_where_the_member_is(self):
        pool = Lone()
        pool.hear(Alive(A, 1, Address(bytes(15) + b"\1", 1234), None, VERSIONS))
        [(to, _)] = pool.until(Ping)
        self.assertEqual(to, Address(bytes(15) + b"\1", 1234))
