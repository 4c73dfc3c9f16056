"""The table of members: whose turn it is, who is drawn, who is forgotten."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.members import Member, Table
from serena.core.swim.messages import State
from tests.serena.core.swim.lone import VERSIONS, at


def member(name, state=State.ALIVE, since=0.0):
    return Member(name, at(1), b"", VERSIONS, 1, state, since)


def table(*members, seed=1):
    made = Table(member(b"us"), Random(seed))  # noqa: S311 -- a script
    for each in members:
        made.add(each)
    return made


class TurnTests(SynchronousTestCase):
    def test_everybody_live_has_one_turn_a_round_in_another_order_each_time(self):
        made = table(*(member(b"%d" % number) for number in range(20)), member(b"dead", State.DEAD))
        wraps = []
        rounds = [[made.next_probed(lambda: wraps.append(1)).name for _ in range(20)] for _ in range(3)]
        for names in rounds:
            self.assertEqual(sorted(names), sorted(b"%d" % number for number in range(20)))
        self.assertNotEqual(rounds[0], rounds[1])
        self.assertEqual(len(wraps), 2)

    def test_alone_nobody_has_a_turn(self):
        made, wraps = table(), []
        self.assertIsNone(made.next_probed(lambda: wraps.append(1)))
        self.assertIsNone(made.next_probed(lambda: wraps.append(1)))
        self.assertTrue(made.alone)
        self.assertTrue(wraps)

    def test_of_two_the_other_has_most_turns(self):
        made = table(member(b"other", State.SUSPECT))
        turns = [made.next_probed(lambda: None) for _ in range(300)]
        self.assertTrue(150 <= sum(each is not None for each in turns) < 300)
        self.assertFalse(made.alone)

    def test_new_ones_come_anywhere(self):
        places = set()
        for seed in range(50):
            made = table(*(member(b"%d" % number) for number in range(4)), member(b"new"), seed=seed)
            places.add([each.name for each in made._order].index(b"new"))
        self.assertEqual(places, set(range(6)))


class SampleTests(SynchronousTestCase):
    def test_so_many_different_ones_and_never_us(self):
        made = table(*(member(b"%d" % number) for number in range(100)))
        drawn = set()
        for _ in range(200):
            some = made.sample(3, lambda each: each.name != b"7")
            self.assertEqual(len({each.name for each in some}), 3)
            drawn |= {each.name for each in some}
        self.assertEqual(drawn, {b"%d" % number for number in range(100)} - {b"7"})

    def test_few_are_all_found(self):
        made = table(*(member(b"%d" % number) for number in range(3)))
        for _ in range(20):
            self.assertEqual(len(made.sample(3, lambda each: True)), 3)
            self.assertEqual(len(made.sample(2, lambda each: True)), 2)

    def test_where_hardly_anybody_fits_the_draw_ends(self):
        made = table(*(member(b"%d" % number) for number in range(20)))
        self.assertEqual(made.sample(2, lambda each: False), [])


class ForgetTests(SynchronousTestCase):
    def test_those_gone_for_long_but_never_us(self):
        made = table(
            member(b"dead", State.DEAD, 5.0),
            member(b"left", State.LEFT, 5.0),
            member(b"late", State.DEAD, 15.0),
            member(b"live", State.SUSPECT, 5.0),
        )
        made.me.state = State.LEFT
        self.assertEqual(made.forget(5.0), [])
        self.assertEqual({each.name for each in made.forget(10.0)}, {b"dead", b"left"})
        self.assertEqual(set(made.by_name), {b"us", b"late", b"live"})
        self.assertEqual(len(made), 3)


class MemberTests(SynchronousTestCase):
    def test_round_trips_are_smoothed(self):
        one = member(b"a")
        one.timed(0.1)
        self.assertEqual(one.rtt, 0.1)
        one.timed(0.2)
        self.assertAlmostEqual(one.rtt, 0.12)
