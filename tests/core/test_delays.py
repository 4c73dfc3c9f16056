"""Delayed messages, from their publish to their delivery."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import make_id
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import FALLEN_AT_ONCE
from tests.core.rig import Rig


class DelayTests(SynchronousTestCase):
    """A delayed message is dealt when it is due, whatever happens in between."""

    def test_they_come_in_the_order_in_which_they_are_due(self):
        rig = Rig(Rules())
        rig.page_limit = 100
        consumer = rig.connect("a", 100)
        for delay in (30, 10, 20, 10):
            rig.publish("a", [str(delay)], delay=delay)
        rig.commit()
        rig.wait(9.999)
        self.assertEqual(consumer.bodies, [])
        self.assertAlmostEqual(rig.broker.next_wait(rig.now), 0.001)
        rig.wait(20.001)
        self.assertEqual(consumer.bodies, ["10", "10", "20", "30"])

    def test_when_the_wall_clock_is_set_forward_they_are_due_at_once(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        rig.publish("a", ["x"], delay=3600)
        rig.commit()
        rig.jump(3600)
        self.assertEqual(consumer.bodies, ["x"])

    def test_when_it_is_set_back_what_fell_due_stays_due_and_the_rest_waits(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=10)
        rig.publish("a", ["y"], delay=20)
        rig.commit()
        rig.wait(10.0)
        rig.jump(-3600)
        consumer = rig.connect("a")
        self.assertEqual(consumer.bodies, ["x"])
        rig.wait(3609.9)
        self.assertEqual(consumer.bodies[-1], "x")
        rig.wait(0.1)
        self.assertIn("y", consumer.bodies)

    def test_the_due_time_outlives_a_restart(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=10)
        rig.commit()
        rig.now = rig.now._replace(wall=rig.now.wall + 4000, steady=0.0)
        rig.crash()
        consumer = rig.connect("a")
        self.assertEqual(rig.broker.next_wait(rig.now), 6.0)
        rig.wait(6.0)
        self.assertEqual(consumer.bodies, ["x"])

    def test_what_fell_due_while_the_node_was_down_comes_in_its_place(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=10)
        rig.publish("a", ["y"])
        rig.commit()
        rig.now = rig.now._replace(wall=rig.now.wall + 10_000)
        rig.crash()
        self.assertEqual(rig.connect("a").bodies, ["x", "y"])

    def test_a_commit_that_took_longer_than_the_delay_makes_it_due_at_once(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        rig.publish("a", ["x"], delay=1)
        rig.begin_commit()
        rig.wait(5.0)
        rig.end_commit()
        rig.settle()
        self.assertEqual(consumer.bodies, ["x"])
        self.assertEqual(rig.broker.counts(), (1, 0, 0, 1))

    def test_one_that_the_store_shows_before_it_reports_the_commit_falls_due_once(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        rig.publish("a", ["x"], delay=1)
        rig.begin_commit()
        rig.store.apply(rig.taken.commit)
        rig.broker.schedule._complete = False
        rig.wait(5.0)  # loads it, and it is due
        self.assertEqual(rig.broker.counts(), (0, 0, 0, 0))
        rig.run(rig.broker.committed(rig.taken, rig.now))
        rig.settle()
        self.assertEqual(consumer.bodies, ["x"])
        self.assertEqual(rig.broker.counts(), (1, 0, 0, 1))

    def test_thirty_thousand_are_paged_and_all_come_once_in_order(self):
        rig = Rig(Rules(memory_budget=1))
        rig.page_limit = 10_000
        rig.broker.schedule._nearest = 100
        rig.broker.schedule._most = 200
        for number in range(30):
            rig.publish("a", [f"{number}"] * 1000, delay=100 - number)
            rig.commit()
        self.assertLessEqual(len(rig.broker.schedule), 200)
        consumer = rig.connect("a", None)
        rig.wait(70.0)
        self.assertEqual(consumer.bodies, [])
        for number in reversed(range(30)):
            rig.wait(1.0)
            while rig.broker.next_wait(rig.now) == 0.0:
                rig.wait(0.0)
            self.assertEqual(len(consumer.bodies), (30 - number) * 1000)
            self.assertEqual(set(consumer.bodies[-1000:]), {str(number)})
        self.assertEqual(rig.broker.counts(), (30_000, 30_000, 0, 0))

    def test_an_avalanche_falls_due_in_portions(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"] * (FALLEN_AT_ONCE + 1), delay=1)
        rig.commit()
        rig.now = rig.now._replace(wall=rig.now.wall + 1000)
        rig.run(rig.broker.advance(rig.now))
        self.assertEqual(rig.broker.counts().delayed, 1)
        self.assertEqual(rig.broker.next_wait(rig.now), 0.0)

    def test_a_schedule_that_can_not_be_read_is_asked_for_again(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=10)
        rig.commit()
        rig.reads_fail = True
        rig.crash()
        consumer = rig.connect("a")
        rig.reads_fail = False
        rig.wait(5.0)
        rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["x"])

    def test_what_falls_due_in_a_topic_that_is_gone_is_nothing(self):
        rig = Rig(Rules())
        rig.broker.schedule.add(rig.now.wall + 1000, make_id(9, 0), stored=True)
        rig.wait(1.0)
        self.assertEqual(rig.broker.counts(), (0, 0, 0, 0))
