"""What becomes of dead letters."""

from kapokmq.core.message import Draft
from tests.core.scripted import Producer
from tests.core.steering_case import SteeringCase


class DeadLetterTests(SteeringCase):
    """Dead letters may be sent again, or let go."""

    def setUp(self):
        super().setUp()
        self.consumer = self.rig.join("a", "g")
        self.publish("1", "2", "3", "4")
        self.rig.nack(self.consumer, self.consumer.held[:3])
        self.ack(self.consumer)

    def revive(self, *offsets):
        count = self.steering.revive(self.rig.topic("a"), self.rig.group("a", "g"), offsets, "ann", self.rig.now)
        self.rig.settle()
        return count

    def purge(self, *offsets):
        count = self.steering.purge_dead(self.rig.topic("a"), self.rig.group("a", "g"), offsets, "ann", self.rig.now)
        self.rig.commit()
        return count

    def test_sent_again_they_come_as_if_they_had_never_been_tried(self):
        self.assertEqual(self.revive(0, 2, 2, 3, 77), 2)
        self.assertEqual((self.consumer.bodies[4:], self.consumer.attempts[4:]), (["1", "3"], [1, 1]))
        self.assertEqual(self.revive(0), 0)
        self.rig.commit()
        self.assertEqual(list(self.rig.store.dead), [(1, 1)])
        last = self.rig.store.events[-1]
        self.assertEqual((last.offset, last.kind, last.who, last.tries), (2, "sentAgain", "ann", 0))
        self.ack(self.consumer)
        self.assertEqual((self.rig.broker.counts(), self.rig.topic("a").dead), ((4, 3, 0, 1), 1))

    def test_they_are_found_again_after_a_restart(self):
        self.rig.crash()
        self.assertEqual((self.rig.topic("a").dead, self.rig.join("a", "g").bodies), (3, []))
        self.rig.crash()
        self.revive(1)
        self.rig.commit()
        self.rig.crash()
        again = self.rig.join("a", "g")
        self.assertEqual((again.bodies, again.attempts, self.rig.topic("a").dead), (["2"], [1], 2))

    def test_one_sent_again_may_die_again(self):
        self.revive(0)
        self.rig.nack(self.consumer, list(self.consumer.held), None, "still")
        self.rig.begin_commit()
        self.assertEqual(self.rig.taken.commit.revived, [], "in one commit the last word counts")
        self.rig.end_commit()
        self.assertEqual((self.rig.store.dead[1, 0].reason, self.rig.topic("a").dead), ("still", 3))

    def test_what_a_commit_that_fails_put_back_does_not_undo_what_came_since(self):
        self.revive(0, 1)
        self.rig.begin_commit()
        self.assertEqual(len(self.rig.taken.commit.revived), 1, "a run is a row")
        self.rig.nack(self.consumer, self.consumer.held[:1])
        self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual(sorted(self.rig.store.dead), [(1, 0), (1, 2)])
        self.revive(2)
        self.rig.nack(self.consumer, self.consumer.held[-1:])
        self.rig.begin_commit()
        self.revive(2)
        self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual(sorted(self.rig.store.dead), [(1, 0)])

    def test_let_go_they_are_done_with(self):
        self.assertEqual(self.purge(0, 1, 3), 2)
        self.assertEqual(self.rig.broker.counts(), (4, 3, 0, 1))
        self.assertEqual((list(self.rig.store.dead), self.rig.store.events[-1].kind), ([(1, 2)], "purged"))
        self.assertEqual(self.purge(0), 0)
        self.rig.crash()
        self.assertEqual((self.rig.join("a", "g").bodies, self.rig.broker.counts().consumed), ([], 3))

    def test_one_that_was_deleted_meanwhile_is_none(self):
        self.rig.delete("1")
        self.assertEqual((self.revive(0), self.purge(0)), (0, 0))

    def test_headers_key_and_body_are_as_they_were(self):
        self.rig.send("a", [Draft("x", key="k", headers='{"trace":"1"}')], Producer(positional=False))
        self.rig.commit()
        self.rig.nack(self.consumer, list(self.consumer.held))
        self.revive(4)
        message = self.rig.delivered[-1][2]
        self.assertEqual((message.data, message.key, message.headers), ("x", "k", '{"trace":"1"}'))
