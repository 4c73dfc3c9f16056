"""How much a topic may hold."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import publishing
from kapokmq.core.errors import (
    TopicFull,
)
from kapokmq.core.message import Draft
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import SIZE, bodies, keyed, other


class LimitTests(SynchronousTestCase):
    """A topic's bounds."""

    def rig(self, **policy):
        return Rig(Rules(policies=(("a", TopicPolicy(**policy)),), clean_seconds=None))

    def full(self, rig, count=1):
        self.assertRaises(TopicFull, rig.send, "a", [Draft("x")] * count, other())

    def fill(self, rig, count):
        rig.publish("a", [str(number) for number in range(count)])
        rig.commit()

    def test_one_that_refuses_holds_no_more_unconsumed_messages_than_it_may(self):
        rig = self.rig(max_messages=3)
        self.full(rig, 4)
        self.fill(rig, 2)
        rig.publish("a", ["pending"])
        self.full(rig)
        rig.commit()
        self.full(rig)
        consumer = rig.connect("a")
        rig.ack(consumer, consumer.held[:2])
        self.fill(rig, 2)
        self.full(rig)

    def test_what_a_failed_commit_refused_counts_no_more(self):
        for eager in (False, True):
            rig = Rig(Rules(eager=eager, policies=(("a", TopicPolicy(max_messages=3, max_bytes=3 * SIZE)),)))
            rig.send("a", keyed(*[(str(number), "x") for number in range(3)]), other())
            self.full(rig)
            rig.begin_commit()
            rig.fail_commit()
            rig.publish("b", ["x"])
            rig.commit()
            rig.send("a", [Draft("x")] * 3, other())
            rig.commit()
            self.full(rig)

    def test_an_eager_node_counts_each_message_once(self):
        rig = Rig(Rules(eager=True, policies=(("a", TopicPolicy(max_messages=3)),)))
        rig.publish("a", ["1", "2"])
        rig.send("a", keyed(("k", "3")))
        self.full(rig)
        rig.commit()
        self.full(rig)
        self.assertEqual((rig.topic("a").stored, rig.topic("a").pending), (3, 0))

    def test_bytes_are_bounded_as_well(self):
        rig = self.rig(max_bytes=3 * SIZE)
        self.fill(rig, 2)
        self.assertEqual(rig.topic("a").bytes, 2 * SIZE)
        self.full(rig, 2)
        rig.publish("a", ["x"])
        self.full(rig)
        rig.commit()
        rig.crash()
        self.full(rig)
        rig.delete("0")
        rig.commit()
        rig.publish("a", ["x"])

    def test_they_are_known_where_they_are_not_bounded_too(self):
        rig = Rig(Rules(clean_consumed=True))
        consumer = rig.connect("a")
        self.fill(rig, 5)
        self.assertEqual(rig.broker.topics()[0].bytes, 5 * SIZE)
        rig.ack(consumer, consumer.held[:2])
        rig.delete("4")
        rig.commit()
        self.assertEqual(rig.broker.topics()[0].bytes, 2 * SIZE)
        rig.crash()
        self.assertEqual(rig.broker.topics()[0].bytes, 2 * SIZE)
        rig.broker.steering.set_policy(rig.topic("a"), TopicPolicy(max_bytes=2 * SIZE))
        self.full(rig)

    def test_headers_count(self):
        rig = self.rig(max_bytes=SIZE)
        headers = '{"a":"b"}'
        self.assertRaises(TopicFull, rig.send, "a", [Draft("x", headers=headers)], other())
        rig = self.rig(max_bytes=SIZE + len(headers))
        rig.send("a", [Draft("x", headers=headers)], other())
        rig.commit()
        self.assertEqual((rig.stored("x").headers, rig.topic("a").bytes), (headers, SIZE + len(headers)))

    def test_bytes_of_consumed_ones_make_room_when_the_node_looks(self):
        rig = self.rig(max_bytes=3 * SIZE)
        consumer = rig.connect("a")
        self.fill(rig, 3)
        rig.ack(consumer, consumer.held[:2])
        self.full(rig)
        rig.sweep()
        rig.commit()
        self.fill(rig, 1)
        rig.sweep()
        rig.commit()
        self.assertEqual((bodies(rig), rig.broker.counts()), (["2", "0"], (2, 0, 0, 2)))

    def test_one_that_drops_its_oldest_takes_everything_and_keeps_the_youngest(self):
        for bounds in ({"max_messages": 3}, {"max_bytes": 3 * SIZE}):
            rig = self.rig(overflow="dropOldest", **bounds)
            consumer = rig.connect("a", 1)
            self.fill(rig, 10)
            rig.commit()
            self.assertEqual(bodies(rig), ["7", "8", "9"])
            self.assertEqual((rig.broker.counts(), rig.store.hours[1][4]), ((3, 0, 0, 3), 7))
            self.assertEqual(rig.topic("a").bytes, 3 * SIZE)
            rig.ack(consumer, list(consumer.held))
            self.assertEqual(consumer.bodies, ["0", "7"])

    def test_delayed_ones_are_not_dropped(self):
        rig = self.rig(overflow="dropOldest", max_messages=2)
        rig.publish("a", ["late"], delay=100)
        self.fill(rig, 4)
        rig.commit()
        self.assertEqual(bodies(rig), ["late", "3"])
        rig.wait(100.0)
        self.fill(rig, 1)
        rig.commit()
        self.assertEqual(bodies(rig), ["3", "0"])

    def test_it_refuses_only_where_dropping_lags_far_behind(self):
        with patch.object(publishing, "LAG_MESSAGES", 2), patch.object(publishing, "LAG_BYTES", 2 * SIZE):
            for bounds in ({"max_messages": 3}, {"max_bytes": 3 * SIZE}):
                rig = self.rig(overflow="dropOldest", **bounds)
                rig.publish("a", ["x"] * 8)
                self.full(rig)
                rig.commit()
                rig.publish("a", ["x"] * 5)
