"""Topics and groups that are purged."""

from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steering_case import SteeringCase


class PurgeTopicTests(SteeringCase):
    """Everything that a topic has goes, in whatever state it is."""

    def purge(self):
        count, effects = self.steering.purge_topic(self.rig.topic("a"))
        self.do(effects)
        return count

    def test_waiting_leased_consumed_dead_and_delayed_ones_go(self):
        consumer = self.rig.join("a", "g", 4)
        self.publish("consumed", "dead", "leased", "waiting")
        self.publish("late", delay=50)
        self.ack(consumer, 1)
        self.rig.nack(consumer, consumer.held[:1])
        self.rig.commit()
        self.assertEqual(self.purge(), 5)
        self.assertEqual((self.bodies(), self.rig.store.dead), ([], {}))
        self.assertEqual(self.rig.store.hours[1][5:], [4, 1])
        self.assertEqual(self.rig.ack(consumer, list(consumer.held)), [])
        self.rig.wait(100.0)
        self.publish("new")
        self.assertEqual(consumer.bodies[-1], "new")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assert_counts_hold()

    def test_what_is_on_its_way_to_the_store_goes_too_and_what_comes_later_stays(self):
        for eager in (False, True):
            self.rig = Rig(Rules(eager=eager))
            self.publish("stored")
            self.rig.publish("a", ["on its way"])
            _, effects = self.steering.purge_topic(self.rig.topic("a"))
            self.rig.run(effects)
            self.rig.publish("a", ["later"])
            self.rig.commit()
            self.assertEqual(self.bodies(), ["later"])
            self.assert_counts_hold()

    def test_another_topic_does_not_wait_for_that(self):
        self.publish("1", topic="b")
        self.rig.publish("a", ["1"])
        self.rig.run(self.steering.purge_topic(self.rig.topic("a"))[1])
        self.rig.run(self.steering.purge_topic(self.rig.topic("b"))[1])
        self.assertEqual(self.rig.broker.counts(), (0, 0, 0, 0))
        self.rig.commit()
        self.assertEqual(self.rig.broker.counts(), (0, 0, 0, 0))

    def test_one_that_is_empty_has_nothing_to_purge(self):
        self.rig.join("a", "g")
        self.assertEqual(self.purge(), 0)


class PurgeGroupTests(SteeringCase):
    """A group is done with all that nobody holds."""

    def purge(self, name="g"):
        count, effects = self.steering.purge_group(self.rig.topic("a"), self.rig.group("a", name))
        self.do(effects)
        return count

    def test_what_is_leased_or_dead_stays_and_other_groups_keep_everything(self):
        one = self.rig.join("a", "g", 2)
        other = self.rig.join("a", "h")
        self.publish("dead", "leased", "1", "2")
        self.rig.nack(one, one.held[:1], 0.0)
        self.rig.ack(one, one.held[1:])
        self.assertEqual(one.bodies, ["dead", "leased", "1", "2"])
        self.assertEqual(self.purge(), 0)
        self.publish("3", "4")
        self.assertEqual(self.purge(), 2)
        self.rig.ack(one, list(one.held))
        self.rig.commit()
        self.assertEqual(one.bodies, ["dead", "leased", "1", "2"])
        self.assertEqual((len(other.held), self.rig.group("a", "g").position.dead.count), (6, 1))
        self.rig.crash()
        self.assertEqual(self.rig.join("a", "g").bodies, [])

    def test_it_is_consumed_by_that_where_it_was_the_last_to_do(self):
        self.rig.join("a", "g", 0)
        self.publish("1", "2")
        self.assertEqual(self.purge(), 2)
        self.assertEqual(self.rig.broker.counts(), (2, 2, 0, 0))
        self.assertEqual(len(self.rig.store.consumed), 2)
        self.assert_counts_hold()

    def test_and_removed_where_that_is_the_rule(self):
        self.rig = Rig(Rules(clean_consumed=True))
        self.rig.join("a", "g", 0)
        self.publish("1", "2")
        self.purge()
        self.assertEqual((self.bodies(), self.rig.broker.counts()), ([], (0, 0, 0, 0)))
        self.assert_counts_hold()

    def test_what_waits_to_be_tried_again_is_not(self):
        self.rig = Rig(Rules(backoff=10.0))
        one = self.rig.join("a", "g")
        self.publish("1")
        self.rig.nack(one, list(one.held))
        self.assertEqual(self.purge(), 1)
        self.rig.wait(100.0)
        self.assertEqual((one.bodies, self.rig.group("a", "g").attempts, self.rig.store.attempts), (["1"], {}, {}))

    def test_delayed_ones_are_purged_and_consumed_when_they_fall_due(self):
        one = self.rig.join("a", "g")
        self.publish("late", delay=50)
        self.assertEqual(self.purge(), 1)
        self.assertEqual(self.rig.broker.counts(), (1, 0, 1, 0))
        self.rig.wait(50.0)
        self.assertEqual((one.bodies, self.rig.broker.counts()), ([], (1, 1, 0, 0)))
        self.assert_counts_hold()
