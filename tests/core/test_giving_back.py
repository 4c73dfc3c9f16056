"""What consumers that go leave behind, in portions where it is much."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadName, Deleting, TooMany
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import published


class LeavingTests(SynchronousTestCase):
    """Who goes gives back what it holds."""

    def test_it_does_so_in_every_topic(self):
        rig = Rig(Rules())
        consumer = rig.join("a.*", "g")
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        rig.disconnect(consumer)
        rig.commit()
        self.assertEqual(rig.broker.figures().in_flight, 0)
        self.assertEqual(rig.store.hours[1][3], 1)
        self.assertEqual(sorted(rig.join("a.*", "g").bodies), ["1", "2"])

    def test_who_was_refused_has_left_nothing(self):
        rig = Rig(Rules(max_topics=1))
        rig.connect("a")
        self.assertRaises(BadName, rig.connect, "b")
        self.assertRaises(BadName, rig.join, "b", "g")
        self.assertEqual(len(rig.broker.consuming.consumers), 1)

    def test_a_topic_that_is_on_its_way_out_is_not_joined(self):
        rig = Rig(Rules())
        published(rig, "a", "1")
        rig.kept = []
        rig.run(rig.broker.steering.delete_topic(rig.topic("a"), rig.now))
        self.assertRaises(Deleting, rig.connect, "a")
        self.assertRaises(Deleting, rig.join, "a", "g")
        self.assertEqual(rig.join("*", None).consumer.places, {})


class ManyTests(SynchronousTestCase):
    """What is much is done in portions, and what could be too much is refused."""

    def test_what_a_member_that_left_held_is_given_back_in_portions_and_in_order(self):
        rig = Rig(Rules())
        one = rig.join("a", "g", 5000)
        rig.publish("a", [str(number) for number in range(2500)])
        rig.commit()
        rig.settle()
        self.assertEqual(len(one.held), 2500)
        rig.disconnect(one)
        self.assertEqual(rig.broker.in_flight, 1500)
        other = rig.join("a", "g", 5000)
        self.assertEqual(other.bodies, [], "not before all is in place")
        self.assertEqual(rig.ack(other, [one.got[0][0]]), [], "its ack counts, as it does later")
        rig.settle()
        self.assertEqual(other.bodies, [str(number) for number in range(1, 2500)])
        self.assertEqual(rig.broker.in_flight, 2499)

    def test_a_group_that_goes_meanwhile_leaves_nothing_behind(self):
        rig = Rig(Rules())
        one, other = rig.join("a", "g", 5000), rig.join("a", "g", 5)
        rig.publish("a", [str(number) for number in range(2500)])
        rig.commit()
        rig.settle()
        rig.disconnect(one)
        rig.run(rig.broker.steering.delete_group(rig.topic("a"), rig.group("a", "g"), rig.now))
        rig.settle()
        self.assertIsNotNone(other.reason)
        self.assertEqual((rig.broker.in_flight, rig.broker.figures().memory), (0, 0))

    def test_a_topic_has_a_thousand_groups_at_most(self):
        rig = Rig(Rules())
        for number in range(1000):
            rig.broker.catalog.make_group(rig.broker.catalog.topic("a"), f"g{number}", 0, GroupConfig())
        with self.assertRaises(TooMany):
            rig.join("a", "one more")
        self.assertEqual(rig.join("a", "g7").bodies, [])

    def test_what_waits_long_for_its_next_attempt_waits_in_the_store(self):
        rig = Rig(Rules())
        one = rig.join("a", "g", 100)
        rig.publish("a", ["soon", "late"])
        rig.commit()
        soon, late = one.held[:]
        rig.nack(one, [late], 3600.0)
        self.assertEqual(rig.broker.figures().memory, 200 + len("soon"))
        rig.nack(one, [soon], 2.0)
        self.assertEqual(rig.broker.figures().memory, 200 + len("soon"))
        rig.wait(2.0)
        rig.wait(3600.0)
        self.assertEqual(one.bodies, ["soon", "late", "soon", "late"])

    def test_on_an_eager_node_it_is_read_when_it_is_there(self):
        rig = Rig(Rules(eager=True))
        one = rig.join("a", "g", 100)
        rig.publish("a", ["late"])
        rig.nack(one, one.held[:], 6.0)
        rig.wait(6.0)
        self.assertEqual(one.bodies, ["late"], "no commit has taken it to the store")
        rig.commit()
        rig.settle()
        self.assertEqual(one.bodies, ["late", "late"])

    def test_a_private_group_leaves_no_deadline_behind(self):
        rig = Rig(Rules())
        one = rig.join("a", None, 100)
        rig.publish("a", ["1"])
        rig.commit()
        rig.nack(one, one.held[:], 1e8)
        rig.disconnect(one)
        self.assertIsNone(rig.broker.next_wait(rig.now))
