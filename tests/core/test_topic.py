"""One log and its groups."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.commit import ConsumedRow
from kapokmq.core.memory import Memory
from kapokmq.core.message import make_id
from kapokmq.core.position import Position
from kapokmq.core.topic import Topic


class StubGroup:
    """As much of a group as a topic looks at."""

    def __init__(self, mark, runs=()):
        self.position = Position(Memory(0), mark, runs)


def row(first, last, at):
    return ConsumedRow(make_id(3, first), make_id(3, last), at)


class ConsumedTests(SynchronousTestCase):
    """Consumed is what every group is done with, where there is one."""

    def test_a_topic_without_groups_has_nothing_consumed(self):
        self.assertEqual(Topic(3, "orders").consumed_part(0, 9), [])

    def test_consumed_is_what_all_groups_are_done_with(self):
        topic = Topic(3, "orders")
        one, other = StubGroup(2, [(5, 8)]), StubGroup(6)
        topic.groups.update(one=one, other=other)
        self.assertEqual(topic.consumed_by_all(one, [(1, 7)]), [(1, 5)])
        self.assertEqual(topic.consumed_part(0, 9), [(1, 5)])
        self.assertEqual(topic.consumed_by_all(other, [(0, 5)]), [(0, 0)], "of that the rest is consumed already")

    def test_looked_at_again_without_one_that_has_gone_it_is_what_those_are_done_with_that_are_left(self):
        topic = Topic(3, "orders")
        topic.groups.update(one=StubGroup(2, [(5, 8)]), other=StubGroup(6))
        self.assertEqual(topic.consumed_by_all(None, [(0, 9)]), [(0, 1), (5, 5)])
        del topic.groups["other"]
        self.assertEqual(topic.consumed_by_all(None, [(0, 9)]), [(6, 8)])

    def test_what_was_removed_is_not_consumed_once_more(self):
        topic = Topic(3, "orders")
        topic.groups["one"] = StubGroup(0)
        topic.removed([(2, 3)])
        self.assertEqual(topic.consumed_by_all(topic.groups["one"], [(1, 4)]), [(1, 1), (4, 4)])


class ConsumedRowTests(SynchronousTestCase):
    """A consumer in step costs the store one row a second."""

    def setUp(self):
        self.topic = Topic(3, "orders")

    def test_runs_in_a_row_within_a_second_are_one_row_from_when_it_began(self):
        self.assertEqual(self.topic.consumed_row(0, 4, 10_000), row(0, 4, 10_000))
        self.assertEqual(self.topic.consumed_row(5, 9, 10_999), row(0, 9, 10_000))

    def test_a_gap_or_the_next_second_begins_another(self):
        self.topic.consumed_row(0, 4, 10_000)
        self.assertEqual(self.topic.consumed_row(6, 9, 10_500), row(6, 9, 10_500))
        self.assertEqual(self.topic.consumed_row(10, 11, 11_000), row(10, 11, 11_000))

    def test_after_a_removal_no_row_reaches_back_over_it(self):
        self.topic.consumed_row(0, 4, 10_000)
        self.topic.removed([(0, 0)])
        self.assertEqual(self.topic.consumed_row(5, 9, 10_500), row(5, 9, 10_500))
