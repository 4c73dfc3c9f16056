"""Delayed messages that are cancelled, or fall due at another time."""

from copy import copy

from kapokmq.core.admin import Verdict
from kapokmq.core.message import Draft
from tests.core.naive_store import remnants
from tests.core.steering_case import SteeringCase


class ScheduleTests(SteeringCase):
    """Messages that have not fallen due may be moved and cancelled."""

    def setUp(self):
        super().setUp()
        self.consumer = self.rig.join("a", "g")
        self.publish("x", "y", delay=50)

    def reschedule(self, seconds, body="x"):
        return self.steering.reschedule(self.rig.stored(body), self.rig.now.wall + int(seconds * 1000))

    def cancel(self, body="x"):
        message = self.rig.stored(body)
        self.rig.broker.retention.look_up()
        return self.steering.cancel(message, *remnants([message]), self.rig.now)

    def test_earlier_later_and_at_once(self):
        for seconds in (10.0, 90.0, 0.0, -5.0):
            self.setUp()
            self.assertIs(self.reschedule(seconds), Verdict.DONE)
            self.rig.commit()
            self.rig.settle()
            expected = ["x"] if seconds <= 0 else []
            self.assertEqual(self.consumer.bodies, expected)
            self.rig.wait(max(0.0, seconds))
            self.assertIn("x", self.consumer.bodies)
            self.rig.wait(60.0)
            self.assertEqual(sorted(self.consumer.bodies), ["x", "y"])
            self.assertEqual(self.rig.broker.counts(), (2, 0, 0, 2))

    def test_it_does_not_fall_due_before_the_store_knows(self):
        self.reschedule(90.0)
        self.rig.begin_commit()
        self.rig.wait(50.0)
        self.assertEqual(self.consumer.bodies, ["y"])
        self.rig.fail_commit()
        self.rig.commit()
        self.rig.wait(39.0)
        self.assertEqual(self.consumer.bodies, ["y"])
        self.rig.wait(1.0)
        self.assertEqual(self.consumer.bodies, ["y", "x"])

    def test_a_restart_before_that_undoes_it_and_one_after_does_not(self):
        self.reschedule(90.0)
        self.rig.crash()
        self.consumer = self.rig.join("a", "g")
        self.rig.wait(50.0)
        self.assertEqual(self.consumer.bodies, ["x", "y"])
        self.setUp()
        self.reschedule(90.0)
        self.rig.commit()
        self.rig.crash()
        self.consumer = self.rig.join("a", "g")
        self.rig.wait(89.0)
        self.assertEqual(self.consumer.bodies, ["y"])
        self.rig.wait(1.0)
        self.assertEqual(self.consumer.bodies, ["y", "x"])

    def test_moved_twice_the_last_time_counts(self):
        self.reschedule(90.0)
        self.rig.begin_commit()
        self.reschedule(70.0)
        self.rig.commit()
        self.rig.wait(69.9)
        self.assertEqual(self.consumer.bodies, ["y"])
        self.rig.wait(0.1)
        self.assertEqual(self.consumer.bodies, ["y", "x"])

    def test_it_expires_as_long_after_it_is_due_as_before(self):
        self.rig.send("a", [Draft("short", delay_ms=50_000, expire_ms=10_000)])
        self.rig.commit()
        self.reschedule(90.0, "short")
        self.rig.commit()
        self.rig.wait(61.0)
        self.rig.sweep()
        self.rig.commit()
        self.rig.wait(29.0)
        self.assertEqual(self.consumer.bodies, ["x", "y", "short"])
        self.rig.disconnect(self.consumer)
        self.rig.wait(10.001)
        self.rig.sweep()
        self.rig.commit()
        self.assertEqual(self.bodies(), ["x", "y"])

    def test_it_does_not_expire_by_its_old_time_while_the_new_one_is_on_its_way(self):
        self.rig.disconnect(self.consumer)
        self.rig.send("a", [Draft("short", delay_ms=1000, expire_ms=3000)])
        self.rig.commit()
        self.assertIs(self.reschedule(30.0, "short"), Verdict.DONE)
        self.rig.begin_commit()
        self.rig.wait(6.0)
        self.rig.sweep()
        self.rig.end_commit()
        self.rig.sweep()
        self.rig.commit()
        self.assertIn("short", self.bodies())
        self.rig.wait(27.001)
        self.rig.sweep()
        self.rig.commit()
        self.assertNotIn("short", self.bodies())

    def test_what_is_deleted_meanwhile_is_gone(self):
        self.reschedule(10.0)
        self.rig.begin_commit()
        self.rig.delete("x")
        self.rig.commit()
        self.rig.wait(60.0)
        self.assertEqual((self.consumer.bodies, self.bodies()), (["y"], ["y"]))
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))

    def test_what_has_fallen_due_or_was_never_delayed_is_too_late(self):
        self.publish("plain")
        self.assertIs(self.reschedule(10.0, "plain"), Verdict.TOO_LATE)
        self.assertIs(self.cancel("plain"), Verdict.TOO_LATE)
        self.rig.wait(50.0)
        self.assertIs(self.reschedule(10.0), Verdict.TOO_LATE)
        self.assertIs(self.cancel(), Verdict.TOO_LATE)
        self.assertEqual(len(self.bodies()), 3)

    def test_what_is_cancelled_is_deleted(self):
        self.assertIs(self.cancel(), Verdict.DONE)
        self.assertIs(self.cancel(), Verdict.TOO_LATE)
        self.assertIs(self.reschedule(5.0), Verdict.TOO_LATE)
        self.rig.commit()
        self.assertEqual((self.bodies(), self.rig.broker.counts()), (["y"], (1, 0, 1, 0)))
        self.rig.wait(50.0)
        self.assertEqual(self.consumer.bodies, ["y"])
        self.assert_counts_hold()

    def test_the_topic_of_a_message_is_found_while_there_is_one(self):
        message = self.rig.stored("x")
        self.assertIs(self.steering.topic_of(message), self.rig.topic("a"))
        self.rig.run(self.steering.delete_topic(self.rig.topic("a"), self.rig.now))
        self.rig.commit()
        self.assertIsNone(self.steering.topic_of(message))

    def test_what_went_while_it_was_looked_up_is_too_late_however_many_commits_came_since(self):
        retention = self.rig.broker.retention
        message = copy(self.rig.stored("x"))
        retention.look_up()
        self.rig.delete("x")
        for number in range(3):
            self.publish(str(number))
            self.rig.delete(str(number))
        self.rig.commit()
        self.assertTrue(self.rig.broker.schedule.is_waiting(message.id, message.due), "that alone would not tell")
        self.assertIs(self.steering.reschedule(message, message.due + 1000), Verdict.TOO_LATE)
        retention.looked()
        self.assertFalse(self.rig.broker.schedule._held)
