"""Consumers that join very many groups by a pattern: in slices, so that nobody else waits for them."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import consuming, joining
from kapokmq.core.errors import TooMany
from kapokmq.core.joining import Joining
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import published


class SliceTests(SynchronousTestCase):
    """Who is to join what, and how much of it at once."""

    def setUp(self):
        self.joining = Joining()
        at_once = patch.object(joining, "AT_ONCE", 2)
        at_once.start()
        self.addCleanup(at_once.stop)

    def test_one_after_the_other_a_slice_at_a_time(self):
        self.assertFalse(self.joining)
        self.assertEqual(self.joining.slice(), [])
        self.joining.begin("one", [1, 2, 3])
        self.joining.begin("other", [7])
        self.assertEqual(self.joining.slice(), [("one", 1), ("one", 2)])
        self.assertEqual(self.joining.slice(), [("one", 3)])
        self.assertTrue(self.joining)
        self.assertEqual(self.joining.slice(), [("other", 7)])
        self.assertFalse(self.joining)

    def test_who_goes_joins_nothing_more(self):
        self.joining.begin("one", [1, 2, 3])
        self.joining.slice()
        self.joining.drop("one")
        self.joining.drop("unknown")
        self.assertFalse(self.joining)


class ManyTopicsTests(SynchronousTestCase):
    """A pattern that stands for more topics than are joined in one go, whose groups are there already."""

    def setUp(self):
        for module, name, number in ((consuming, "MOST_MATCHES", 2), (joining, "AT_ONCE", 2)):
            patched = patch.object(module, name, number)
            patched.start()
            self.addCleanup(patched.stop)
        self.rig = Rig(Rules())
        first = self.rig.join("a.*", "g", 0)
        for number in range(5):
            published(self.rig, f"a.{number}", str(number))
        self.rig.disconnect(first)

    def places(self, consumer):
        return sorted(topic.name for topic, _ in consumer.consumer.places.values())

    def test_they_are_joined_turn_by_turn_until_all_are(self):
        consumer = self.rig.join("a.*", "g")
        self.assertEqual(self.places(consumer), [])
        self.assertEqual(self.rig.broker.next_wait(self.rig.now), 0.0)
        self.rig.run(self.rig.broker.advance(self.rig.now))
        self.assertEqual(self.places(consumer), ["a.0", "a.1"])
        self.rig.settle()
        self.assertEqual(self.places(consumer), [f"a.{number}" for number in range(5)])
        self.assertEqual(sorted(consumer.bodies), list("01234"))
        self.assertNotEqual(self.rig.broker.next_wait(self.rig.now), 0.0)

    def test_where_groups_are_to_be_made_that_is_done_at_once(self):
        steering = self.rig.broker.steering
        self.rig.run(steering.delete_group(self.rig.topic("a.4"), self.rig.group("a.4", "g"), self.rig.now))
        consumer = self.rig.join("a.*", "g")
        self.assertEqual(self.places(consumer), ["a.4"])
        self.rig.settle()
        self.assertEqual(self.places(consumer), [f"a.{number}" for number in range(5)])

    def test_a_topic_that_is_made_meanwhile_is_joined_once_and_a_group_that_goes_not_at_all(self):
        consumer = self.rig.join("a.*", "g")
        self.rig.publish("a.5", ["5"])
        steering = self.rig.broker.steering
        self.rig.run(steering.delete_group(self.rig.topic("a.3"), self.rig.group("a.3", "g"), self.rig.now))
        self.rig.commit()
        self.rig.settle()
        self.assertEqual(self.places(consumer), ["a.0", "a.1", "a.2", "a.4", "a.5"])
        self.assertEqual(sorted(consumer.bodies), list("01245"))

    def test_who_leaves_meanwhile_gives_back_what_it_has_and_joins_nothing_more(self):
        consumer = self.rig.join("a.*", "g")
        self.rig.run(self.rig.broker.advance(self.rig.now))
        self.rig.disconnect(consumer)
        self.rig.settle()
        self.assertEqual(self.places(consumer), [])
        self.assertEqual(self.rig.broker.in_flight, 0)
        self.assertEqual(sum(len(self.rig.group(f"a.{number}", "g").members) for number in range(5)), 0)

    def test_there_is_a_limit_to_how_many_places_a_node_has(self):
        other = self.rig.join("a.*", "g")
        self.rig.settle()
        with patch.object(consuming, "MOST_PLACES", 9):
            fault = self.assertRaises(TooMany, self.rig.join, "a.*", "g")
            self.assertEqual(str(fault), "topic: 5 topics match; this node has 5 consumers in topics")
            self.rig.disconnect(other)
            self.rig.join("a.*", "g")
            self.rig.settle()
