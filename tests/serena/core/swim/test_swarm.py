"""Whole pools in one process: what the papers on SWIM and Lifeguard promise, on a simulated network.

Times are those of the LAN profile: a protocol period of 1 s, gossip every 0.2 s.
"""

from dataclasses import replace
from math import ceil, e, log10
from statistics import mean

from twisted.trial.unittest import SynchronousTestCase

from bench.swarm import Swarm
from serena.core.swim.events import Conflict, Failed, Joined, Left, Recovered, Suspected, Updated
from serena.core.swim.messages import Address, State
from serena.core.swim.profile import LAN, suspicion_timeout
from serena.core.swim.versions import PROTOCOL

PERIOD = LAN.probe_interval
FIRST = PERIOD / (1 - 1 / e)  # SWIM: after so long, on average, somebody has chosen the failed member to probe
SERF = PROTOCOL + bytes((2, 5, 5))


def rounds(n, factor):
    """So many rounds of gossip, times what theory says (log10 n), in seconds."""
    return factor * ceil(log10(n + 1)) * LAN.gossip_interval


def gathered(count, **options):
    swarm = Swarm(count, **options)
    swarm.gather()
    swarm.run(10)  # until the news of that are told
    return swarm


class JoinTests(SynchronousTestCase):
    def test_a_newcomer_is_soon_known_to_all(self):
        for count in (2, 10, 60):
            swarm = gathered(count)
            new, begin = swarm.add(), swarm.now
            swarm.join(new, swarm.up[count // 2])
            swarm.run(5)
            joined = swarm.seen(Joined, new.name, begin)
            self.assertEqual(len(joined), count)
            self.assertLess(max(joined.values()) - begin, rounds(count, 4))
            self.assertTrue(swarm.is_whole())

    def test_metadata_reach_all(self):
        swarm = gathered(50)
        node, begin = swarm.up[7], swarm.now
        swarm.call(node, lambda machine, now: machine.update_meta(b"new", now))
        swarm.run(3)
        updated = swarm.seen(Updated, node.name, begin)
        self.assertEqual(len(updated), 50)
        self.assertLess(max(updated.values()) - begin, rounds(50, 4))
        self.assertEqual({each.machine.members[node.name].meta for each in swarm.up}, {b"new"})


class FailureTests(SynchronousTestCase):
    def killed(self, swarm, node, within):
        """Kill a node. Gives after how long it was suspected, held dead by the first, by the last."""
        begin = swarm.now
        swarm.kill(node)
        swarm.run_until(lambda: swarm.states(node.name) == {State.DEAD: len(swarm.up)}, within, every=0.1)
        suspected, failed = swarm.seen(Suspected, node.name, begin), swarm.seen(Failed, node.name, begin)
        return min(suspected.values()) - begin, min(failed.values()) - begin, max(failed.values()) - begin

    def test_first_detection_does_not_depend_on_the_size_and_all_know_together(self):
        for count in (20, 50):
            swarm = gathered(count, seed=3)
            found = [self.killed(swarm, swarm.up[number], 40) for number in range(6)]
            first = mean(suspected for suspected, _, _ in found)
            self.assertLess(first, FIRST + PERIOD + 1.0)
            shortest = suspicion_timeout(LAN.suspicion_mult, count, PERIOD)
            for suspected, failed, last in found:
                self.assertLess(suspected, 8 * PERIOD)
                self.assertLess(failed - suspected, shortest + 4 * PERIOD)  # two others agree by then
                self.assertLess(last - failed, rounds(count, 4))

    def test_two_hundred_come_within_two_seconds_and_one_goes(self):
        swarm = Swarm(200)
        self.assertLess(swarm.gather(over=2.0), 10)
        suspected, failed, last = self.killed(swarm, swarm.up[17], 40)
        self.assertLess(suspected, 8 * PERIOD)
        self.assertLess(last, 16)
        self.assertLess(last - failed, rounds(200, 4))
        self.assertEqual({event.member.name for _, _, event in swarm.log if isinstance(event, Suspected)}, {b"node-17"})

    def test_of_few_one_is_gone_within_ten_seconds(self):
        for count in (2, 3, 4, 6):
            for seed in range(5):
                swarm = gathered(count, seed=seed)
                _, _, last = self.killed(swarm, swarm.up[-1], 20)
                self.assertLess(last, 10, (count, seed))

    def test_many_at_once(self):
        swarm = gathered(45)
        gone = swarm.up[30:]
        for node in gone:
            swarm.kill(node)
        swarm.run_until(swarm.is_whole, 90, every=0.5)
        self.assertEqual(len({event.member.name for _, _, event in swarm.log if isinstance(event, Failed)}), len(gone))

    def test_the_dead_are_forgotten(self):
        swarm = gathered(10)
        node = swarm.up[3]
        swarm.kill(node)
        swarm.run(80)
        self.assertEqual(swarm.states(node.name), {None: 9})


class LossTests(SynchronousTestCase):
    """Nobody who lives is ever held dead, while streams get through."""

    def falsely(self, loss, seconds, **options):
        swarm = gathered(30, loss=loss, **options)
        begin = swarm.now
        swarm.run(seconds)
        minutes = len(swarm.up) * seconds / 60
        failed = {event.member.name for when, _, event in swarm.log if isinstance(event, Failed) and when >= begin}
        suspected = sum(node.machine.counters["failedProbes"] for node in swarm.up)
        return suspected / minutes, len(failed)

    def test_without_loss_nobody_is_suspected(self):
        self.assertEqual(self.falsely(0.0, 45), (0, 0))

    def test_with_five_in_a_hundred_hardly_anybody(self):
        suspected, failed = self.falsely(0.05, 45)
        self.assertLess(suspected, 0.05)
        self.assertEqual(failed, 0)

    def test_with_twenty_some_are_suspected_and_refute(self):
        suspected, failed = self.falsely(0.2, 45)
        self.assertTrue(0 < suspected < 2, suspected)
        self.assertEqual(failed, 0)

    def test_also_where_streams_don_t_help(self):
        without = replace(LAN, tcp_pings=False)
        self.assertEqual(self.falsely(0.05, 45, profile=without)[1], 0)


class LifeguardTests(SynchronousTestCase):
    def test_a_node_that_hears_nothing_doubts_itself_and_harms_hardly_anybody(self):
        swarm = gathered(30)
        slow, begin = swarm.up[4], swarm.now
        swarm.cut([slow])
        swarm.run(4)
        self.assertGreater(slow.machine.health, 0)
        swarm.heal()
        swarm.run(20)
        self.assertEqual(slow.machine.health, 0)
        self.assertTrue(swarm.is_whole())
        others = {
            event.member.name
            for when, _, event in swarm.log
            if isinstance(event, Failed) and when >= begin and event.member.name != slow.name
        }
        self.assertEqual(others, set())
        self.assertGreater(swarm.count(Recovered, begin), 0)


class PartitionTests(SynchronousTestCase):
    def test_thirty_seconds_apart_and_one_again(self):
        for count in (2, 3, 8, 30):
            swarm = gathered(count)
            half = swarm.up[: count // 2]
            swarm.cut(half)
            swarm.run(30)
            for node in half:
                self.assertEqual(swarm.alive(node), {each.name for each in half})
            swarm.heal()
            swarm.run_until(swarm.is_whole, 30, every=0.1)

    def test_one_that_was_away_for_ten_minutes_finds_all_and_is_found(self):
        swarm = gathered(12)
        away = swarm.up[5]
        swarm.cut([away])
        swarm.run(600)
        self.assertEqual(swarm.states(away.name), {None: 11})
        self.assertEqual(swarm.alive(away), {away.name})
        swarm.heal()
        swarm.run_until(swarm.is_whole, 60, every=0.5)


class LeaveTests(SynchronousTestCase):
    def test_all_know_within_a_second(self):
        for count in (2, 5, 40):
            swarm = gathered(count)
            node, begin = swarm.up[1], swarm.now
            self.assertLess(swarm.leave(node), 1.0)
            swarm.run(2)
            self.assertEqual(swarm.states(node.name), {State.LEFT: count - 1})
            self.assertLess(max(swarm.seen(Left, node.name, begin).values()) - begin, 1.0)
            self.assertEqual(swarm.count(Suspected, begin), 0)


class RestartTests(SynchronousTestCase):
    def test_whoever_comes_back_is_back_whatever_is_remembered_of_it(self):
        def killed(swarm, node):
            swarm.kill(node)
            swarm.run(20)
            return State.DEAD

        def left(swarm, node):
            swarm.leave(node)
            swarm.run(3)
            return State.LEFT

        def quick(swarm, node):
            swarm.kill(node)
            return State.ALIVE

        for gone in (killed, left, quick):
            swarm = gathered(20)
            node = swarm.up[6]
            state = gone(swarm, node)
            self.assertEqual(swarm.states(node.name), {state: 19})
            again = swarm.restart(node)
            swarm.join(again, swarm.up[0])
            swarm.call(again, lambda machine, now: machine.update_meta(b"new life", now))
            swarm.run(5)
            self.assertTrue(swarm.is_whole())
            self.assertEqual({each.machine.members[node.name].meta for each in swarm.up}, {b"new life"})

    def test_the_first_holder_of_a_name_keeps_it(self):
        swarm = gathered(5)
        first = swarm.up[2]
        second = swarm.add(first.name, address=Address(bytes((10, 9, 9, 9)), 7946))
        swarm.nodes[first.name] = first
        conflicts = []
        events = second.machine.events
        second.machine.events = lambda: [conflicts.append(one) or one for one in events()]
        swarm.join(second, swarm.up[0])
        swarm.run(10)
        self.assertEqual(
            {node.machine.members[first.name].address for node in swarm.up if node is not second}, {first.address}
        )
        self.assertTrue(any(isinstance(one, Conflict) for one in conflicts))


class VersionsTests(SynchronousTestCase):
    def test_who_adopts_fits_into_a_pool_and_who_does_not_stays_out_without_harm(self):
        swarm = Swarm()
        for number in range(4):
            swarm.add(b"serf-%d" % number, versions=SERF)
        swarm.gather()
        ours, stranger = swarm.add(b"ours", adopt_delegates=True), swarm.add(b"stranger")
        swarm.join(ours, swarm.up[0])
        swarm.join(stranger, swarm.up[1])
        swarm.run(60)
        self.assertEqual(swarm.states(b"ours"), {State.ALIVE: 4, None: 1})
        self.assertEqual(swarm.states(b"stranger"), {None: 5})
        self.assertEqual(swarm.alive(stranger), {b"stranger"})
        self.assertEqual(ours.machine.me.versions, SERF)
        self.assertEqual(swarm.count(Suspected), 0)

    def test_two_of_ours_and_another_that_start_together_are_one_pool(self):
        for seed in range(40):
            swarm = Swarm(seed=seed)
            serf = swarm.add(b"serf", versions=SERF)
            ours = [swarm.add(name, adopt_delegates=True) for name in (b"r1", b"r2")]
            for node in ours:
                for other in (*ours, serf):
                    if other is not node:
                        swarm.join(node, other, again=0.25)
            swarm.run(5)
            self.assertTrue(swarm.is_whole(), seed)
            self.assertEqual({node.machine.me.versions for node in swarm.up}, {SERF})

    def test_also_where_the_other_comes_a_little_later_and_one_is_not_told_of_it(self):
        for seed in range(10):
            swarm = Swarm(seed=seed)
            serf = swarm.add(b"serf", versions=SERF)
            swarm.kill(serf)
            r1, r2 = (swarm.add(name, adopt_delegates=True) for name in (b"r1", b"r2"))
            for node, other in ((r1, r2), (r2, r1), (r1, serf)):
                swarm.join(node, other, again=0.25)
            swarm.at(0.4, lambda swarm=swarm, serf=serf: swarm.restart(serf))
            swarm.run(10)
            self.assertTrue(swarm.is_whole(), seed)


class LoadTests(SynchronousTestCase):
    def test_what_an_idle_node_sends_does_not_grow_with_the_pool(self):
        sent = {}
        for count in (10, 40):
            swarm = gathered(count)
            swarm.run(20)
            before = replace(swarm.traffic)
            swarm.run(60)
            seconds = 60 * count
            sent[count] = (
                (swarm.traffic.datagrams - before.datagrams) / seconds,
                (swarm.traffic.bytes - before.bytes) / seconds,
            )
        for datagrams, size in sent.values():
            self.assertLess(datagrams, 2.2)
            self.assertLess(size, 200)
