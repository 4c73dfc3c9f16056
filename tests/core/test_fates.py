"""Dead, or dead no more: what a commit is to write down."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import Commit, DeadRow, RevivedRow
from kapokmq.core.fates import Fates
from kapokmq.core.memory import Memory
from kapokmq.core.position import Position


class StubGroup:
    """As much of a group as its fates look at."""

    def __init__(self, number, mark=0):
        self.number = number
        self.position = Position(Memory(0), mark)


def dead(group, offset, reason="no"):
    return DeadRow(group.number, offset, 1000, 3, reason)


class FatesTests(SynchronousTestCase):
    def setUp(self):
        self.fates = Fates()
        self.group, self.other = StubGroup(1), StubGroup(2)
        self.groups = {1: self.group, 2: self.other}

    def taken(self):
        commit = Commit()
        self.fates.take(commit)
        self.assertFalse(self.fates)
        return commit

    def test_of_each_message_what_came_last_is_written_down(self):
        self.assertFalse(self.fates)
        self.fates.bury(self.group, dead(self.group, 1))
        self.fates.bury(self.group, dead(self.group, 5))
        self.fates.revive(self.group, [(4, 6)])
        self.fates.bury(self.group, dead(self.group, 6))
        self.fates.bury(self.other, dead(self.other, 5))
        self.assertTrue(self.fates)
        self.assertIn((self.group, 5), self.fates)
        self.assertNotIn((self.group, 7), self.fates)
        commit = self.taken()
        self.assertEqual(commit.dead, [dead(self.group, 1), dead(self.group, 6), dead(self.other, 5)])
        self.assertEqual(commit.revived, [RevivedRow(1, 4, 5)])

    def test_what_the_group_is_done_with_by_now_is_not_dead(self):
        self.fates.bury(self.group, dead(self.group, 1))
        self.fates.bury(self.group, dead(self.group, 2))
        self.group.position.settle(1, 1)
        self.assertEqual(self.taken().dead, [dead(self.group, 2)])

    def test_of_a_group_that_is_gone_nothing_is(self):
        for group in (self.group, self.other):
            self.fates.bury(group, dead(group, 1))
            self.fates.revive(group, [(2, 2)])
        self.fates.drop(self.group)
        commit = self.taken()
        self.assertEqual((commit.dead, commit.revived), ([dead(self.other, 1)], [RevivedRow(2, 2, 2)]))

    def test_put_back_it_counts_where_nothing_came_since(self):
        for offset in (1, 2):
            self.fates.bury(self.group, dead(self.group, offset, "before"))
        self.fates.revive(self.group, [(7, 8)])
        commit = self.taken()
        self.fates.revive(self.group, [(2, 2)])
        self.fates.bury(self.group, dead(self.group, 8, "since"))
        self.fates.put_back(commit, self.groups)
        again = self.taken()
        self.assertCountEqual(again.dead, [dead(self.group, 1, "before"), dead(self.group, 8, "since")])
        self.assertCountEqual(again.revived, [RevivedRow(1, 2, 2), RevivedRow(1, 7, 7)])

    def test_what_a_group_that_went_meanwhile_had_is_not_put_back(self):
        self.fates.bury(self.group, dead(self.group, 1))
        self.fates.revive(self.group, [(2, 2)])
        commit = self.taken()
        self.fates.put_back(commit, {2: self.other})
        self.assertFalse(self.fates)
