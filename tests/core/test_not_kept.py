"""Topics that keep nothing, and those that go on keeping what they have."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Wish
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import acked


class SettledTests(SynchronousTestCase):
    """What settings say later does not undo what a topic has begun."""

    def test_a_topic_that_has_messages_goes_on_keeping_them(self):
        rig = Rig(Rules())
        rig.join("live", "g")
        rig.publish("live", ["1"])
        rig.commit()
        rig.rules = Rules(policies=(("live", TopicPolicy(retention="none")),))
        rig.crash()
        again = rig.join("live", "g")
        rig.publish("live", ["2"])
        rig.commit()
        self.assertEqual(again.bodies, ["1", "2"])
        self.assertEqual(len(rig.store.messages), 2)


class NotKeptTests(SynchronousTestCase):
    """A topic that keeps nothing passes messages on to whoever is there."""

    def setUp(self):
        self.rig = Rig(Rules(policies=(("live", TopicPolicy(retention="none")),)))

    def test_what_nobody_is_there_for_is_gone(self):
        rig = self.rig
        producer = rig.publish("live", ["lost"])
        self.assertEqual(producer.confirmed_count, 1)
        consumers = [rig.join("live", "g"), rig.join("live", "g"), rig.join("live", None)]
        rig.publish("live", ["1", "2"])
        self.assertEqual([consumer.bodies for consumer in consumers], [["1"], ["2"], ["1", "2"]])
        rig.commit()
        self.assertEqual((rig.store.messages, rig.store.groups), ({}, {}))
        self.assertEqual((rig.broker.counts().all, rig.broker.figures().published), (0, 3))

    def test_what_was_not_acknowledged_goes_to_another_member_and_with_the_last_one(self):
        rig = self.rig
        one, other = rig.join("live", "g"), rig.join("live", "g", 0)
        rig.publish("live", ["1"])
        rig.disconnect(one)
        rig.credit(other, 10)
        self.assertEqual(other.bodies, ["1"])
        rig.disconnect(other)
        self.assertEqual((rig.broker.figures().memory, rig.topic("live").groups), (0, {}))
        again = rig.join("live", "g")
        rig.publish("live", ["2"])
        self.assertEqual(again.bodies, ["2"])
        acked(rig, again)
        self.assertEqual((rig.broker.figures().memory, rig.broker.counts()), (0, (0, 0, 0, 0)))

    def test_a_slow_member_loses_what_does_not_fit(self):
        rig = Rig(Rules(memory_budget=300, policies=(("live", TopicPolicy(retention="none")),)))
        slow = rig.join("live", "g", 0)
        rig.publish("live", ["1"])
        rig.publish("live", ["2"])
        rig.credit(slow, 10)
        self.assertEqual(slow.bodies, ["1"])

    def test_a_groups_configuration_lasts_as_long_as_the_group(self):
        rig = self.rig
        rig.join("live", "g")
        rig.commit()
        rig.broker.steering.set_config(rig.topic("live"), rig.group("live", "g"), GroupConfig(ack_wait=5.0))
        self.assertEqual(rig.group("live", "g").terms.lease_seconds, 5.0)
        self.assertFalse(rig.broker.ledger)

    def test_a_new_group_starts_now_and_asks_no_store(self):
        rig = self.rig
        rig.publish("live", ["1"])
        self.assertEqual(rig.broker.consuming.seeks("live", Wish("g", 1, start=5)), [])
        self.assertEqual(rig.join("live", "g", start="all").bodies, [])
