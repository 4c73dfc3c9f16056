"""Groups that are deleted."""

from kapokmq.core.errors import Gone
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steering_case import SteeringCase


class DeleteGroupTests(SteeringCase):
    """A group goes; what others are done with is consumed by that."""

    def delete(self, name):
        self.do(self.steering.delete_group(self.rig.topic("a"), self.rig.group("a", name), self.rig.now))

    def test_its_members_are_dismissed_and_nothing_of_it_is_left(self):
        one, other = self.rig.join("a", "g"), self.rig.join("a", "h")
        self.publish("1", "2")
        self.rig.nack(one, one.held[:1])
        self.delete("g")
        self.assertIsInstance(one.reason, Gone)
        self.assertIsNone(other.reason)
        self.assertEqual([row.name for row in self.rig.store.groups.values()], ["h"])
        self.assertEqual((self.rig.store.dead, self.rig.broker.figures().in_flight), ({}, 2))
        self.assertEqual(len(self.rig.broker.consuming.consumers), 1)

    def test_what_all_others_are_done_with_is_consumed_for_good(self):
        one, _ = self.rig.join("a", "g"), self.rig.join("a", "h", 0)
        self.publish("1", "2")
        self.ack(one, 1)
        self.assertEqual(self.rig.broker.counts().consumed, 0)
        self.delete("h")
        self.assertEqual(self.rig.broker.counts(), (2, 1, 0, 1))
        self.assertEqual(self.rig.store.consumed, {self.rig.stored("1").id})
        self.assert_counts_hold()

    def test_without_any_group_nothing_is_consumed(self):
        self.rig.join("a", "g")
        self.publish("1")
        self.delete("g")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assertEqual(self.rig.join("a", "again").bodies, ["1"])

    def test_what_only_it_was_due_is_consumed_when_it_falls_due(self):
        self.rig.join("a", "g")
        self.publish("late", delay=50)
        later = self.rig.join("a", "later")
        self.delete("g")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 1, 0))
        self.rig.wait(50.0)
        self.assertEqual((later.bodies, self.rig.broker.counts()), ([], (1, 1, 0, 0)))
        self.assert_counts_hold()

    def test_one_of_the_same_name_is_another(self):
        one = self.rig.join("a", "g")
        self.rig.join("a", "h")
        self.publish("1")
        self.ack(one)
        self.delete("g")
        again = self.rig.join("a", "g", start="all")
        self.assertEqual(again.bodies, ["1"])
        self.rig.commit()
        self.assertEqual(sorted(self.rig.store.groups), [2, 3])

    def test_acks_and_attempts_in_a_commit_that_fails_are_forgotten_with_it(self):
        self.rig = Rig(Rules(backoff=10.0))
        one = self.rig.join("a", "g")
        self.rig.join("a", "h")
        self.publish("1", "2", "3")
        self.rig.ack(one, one.held[:1])
        self.rig.nack(one, one.held[:1])
        self.rig.begin_commit()
        self.rig.run(self.steering.delete_group(self.rig.topic("a"), self.rig.group("a", "g"), self.rig.now))
        self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual((self.rig.store.attempts, sorted(self.rig.store.groups)), ({}, [2]))

    def test_so_are_deaths_and_revivals(self):
        one = self.rig.join("a", "g")
        self.publish("1", "2")
        self.rig.nack(one, list(one.held))
        self.rig.commit()
        self.steering.revive(self.rig.topic("a"), self.rig.group("a", "g"), [0], "me", self.rig.now)
        self.publish("3", topic="b")
        self.steering.revive(self.rig.topic("a"), self.rig.group("a", "g"), [1], "me", self.rig.now)
        self.rig.settle()
        self.rig.nack(one, one.held[:1])
        self.rig.begin_commit()
        commit = self.rig.taken.commit
        self.assertEqual((len(commit.dead), len(commit.revived)), (1, 1))
        self.rig.run(self.steering.delete_group(self.rig.topic("a"), self.rig.group("a", "g"), self.rig.now))
        self.rig.fail_commit()
        self.rig.begin_commit()
        commit = self.rig.taken.commit
        self.assertEqual((commit.dead, commit.revived), ([], []))
        self.rig.commit()
        self.assertEqual((self.rig.store.dead, self.rig.store.groups), ({}, {}))
