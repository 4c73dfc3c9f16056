"""Topics that are deleted."""

from kapokmq.core.errors import Deleting, Gone
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steering_case import SteeringCase


class DeleteTopicTests(SteeringCase):
    """A topic goes with all it has, and its name is free again."""

    def delete(self):
        self.rig.run(self.steering.delete_topic(self.rig.topic("a"), self.rig.now))

    def test_its_consumers_are_dismissed_and_nothing_of_it_is_left(self):
        members = [self.rig.connect("a"), self.rig.join("a", "g", 2), self.rig.join("a", None)]
        other = self.rig.join("*", None)
        self.publish("1", "2", "3")
        self.publish("late", delay=50)
        self.rig.nack(members[1], members[1].held[:1])
        self.rig.nack(members[2], members[2].held[:1], 9.0)
        self.ack(members[0], 1)
        self.delete()
        for member in members:
            self.assertIsInstance(member.reason, Gone)
            self.assertEqual(self.rig.ack(member, [member.got[0][0]]), [member.got[0][0]])
        self.assertIsNone(other.reason)
        self.rig.commit()
        store = self.rig.store
        self.assertEqual((store.topics, store.groups, store.messages, store.dead), ({}, {}, {}, {}))
        figures = self.rig.broker.figures()
        self.assertEqual((figures.topics, figures.groups, figures.memory, figures.in_flight), (0, 0, 0, 0))
        self.assertEqual(self.rig.broker.counts(), (0, 0, 0, 0))
        self.rig.wait(1000.0)
        self.publish("new")
        self.assertEqual(other.bodies[-1], "new")
        self.assertEqual(self.rig.store.topics, {2: "a"})
        self.assert_counts_hold()

    def test_a_restart_in_between_goes_on_with_it(self):
        self.rig.join("a", "g")
        self.publish("1", "2", "3")
        self.delete()
        self.rig.begin_commit()  # that it is to go; the rest takes commits of its own
        self.rig.store.apply(self.rig.taken.commit)
        self.rig.crash()
        self.assertTrue(self.rig.topic("a").deleting)
        with self.assertRaises(Deleting):
            self.rig.connect("a")
        self.rig.sweep()
        self.rig.commit()
        self.assertEqual((self.rig.store.topics, self.rig.store.messages), ({}, {}))
        self.rig.connect("a")
        self.assertEqual(self.rig.broker.counts(), (0, 0, 0, 0))

    def test_while_it_goes_its_name_is_taken(self):
        self.publish("1")
        self.delete()
        self.assertRaises(Deleting, self.rig.publish, "a", ["2"])
        self.assertEqual(self.steering.delete_topic(self.rig.topic("a"), self.rig.now), [])
        self.rig.commit()
        self.rig.publish("a", ["2"])

    def test_what_was_published_before_is_confirmed_and_then_deleted(self):
        producer = self.rig.publish("a", ["1"])
        self.delete()
        self.rig.commit()
        self.assertEqual((producer.confirmed_count, self.bodies(), self.rig.store.topics), (1, [], {}))

    def test_one_that_nothing_was_ever_published_to_goes_as_well(self):
        self.rig.join("a", "g")
        self.rig.commit()
        self.delete()
        self.rig.commit()
        self.assertEqual((self.rig.store.topics, self.rig.store.groups), ({}, {}))

    def test_it_may_be_gone_before_a_commit_that_knows_it_has_ended(self):
        for fails in (True, False):
            self.setUp()
            consumer = self.rig.connect("a")
            self.publish("1")
            self.rig.delete("1")
            self.rig.commit()
            self.rig.wait(61.0)  # its lease is over, which is counted
            self.steering.set_policy(self.rig.topic("a"), TopicPolicy(max_bytes=5))
            self.rig.begin_commit()
            commit = self.rig.taken.commit
            self.assertEqual(([row.topic for row in commit.hours], [row.topic for row in commit.sizes]), ([1], [1]))
            self.delete()
            self.assertIsInstance(consumer.reason, Gone)
            self.assertEqual(self.rig.broker.catalog.by_name, {})
            if fails:
                self.rig.fail_commit()
            self.rig.commit()
            self.assertEqual((self.rig.store.topics, dict(self.rig.store.hours)), ({}, {}))

    def test_it_is_tried_again_where_a_read_failed_and_not_at_once(self):
        self.publish("1")
        self.rig.reads_fail = True
        self.rig.reads.clear()
        self.delete()
        self.assertEqual(len(self.rig.reads), 1)
        self.rig.reads_fail = False
        self.rig.sweep()
        self.rig.commit()
        self.assertEqual(self.rig.store.topics, {})

    def test_commits_that_fail_on_the_way_change_nothing_of_it(self):
        self.rig.connect("a")
        self.publish("1")
        self.delete()
        for _ in range(3):
            self.rig.begin_commit()
            self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual((self.rig.store.topics, self.rig.store.groups, self.bodies()), ({}, {}, []))

    def test_pages_and_messages_on_their_way_are_not_wanted_any_more(self):
        self.publish("1", "2")
        self.publish("late", delay=5)
        self.rig.page_limit = 10
        consumer = self.rig.join("a", "g", 1)
        self.assertEqual(consumer.bodies, ["1"])
        self.rig.crash()
        self.rig.kept = []
        consumer = self.rig.join("a", "g")
        self.rig.wait(5.0)
        kept = [effect for effect in self.rig.kept if type(effect).__name__ != "LoadSchedule"]
        self.assertEqual([type(effect).__name__ for effect in kept], ["ReadPage"])
        self.delete()
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual((consumer.bodies, self.rig.store.topics), ([], {}))
        self.assertEqual(self.rig.broker.figures().memory, 0)

    def test_so_it_is_with_what_fell_due(self):
        consumer = self.rig.join("a", "g")
        self.publish("late", delay=5)
        self.rig.kept = []
        self.rig.wait(5.0)
        self.assertEqual([type(effect).__name__ for effect in self.rig.kept], ["FetchMessages"])
        self.delete()
        self.rig.answer_kept()
        self.rig.commit()
        self.assertEqual((consumer.bodies, self.rig.store.topics, self.rig.broker.figures().memory), ([], {}, 0))

    def test_of_what_is_to_be_tried_again_nothing_is_left(self):
        self.rig = Rig(Rules(backoff=10.0))
        consumer = self.rig.join("a", "g")
        self.publish("1")
        self.rig.nack(consumer, list(consumer.held))
        self.delete()
        self.rig.commit()
        self.rig.wait(1000.0)
        self.assertEqual((self.rig.store.topics, self.rig.broker.figures().memory), ({}, 0))
