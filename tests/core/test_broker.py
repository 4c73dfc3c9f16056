"""The broker as a whole: publish, commit, restart; when it is full."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Full, StoreUnavailable
from kapokmq.core.message import OVERHEAD, Draft
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig
from tests.core.scripted import Producer


class PublishTests(SynchronousTestCase):
    """Nothing leaves before it is stored, unless the node promises less."""

    def test_nothing_is_confirmed_or_dealt_before_the_commit(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        producer = rig.publish("a", ["x"])
        rig.begin_commit()
        self.assertEqual((producer.confirmed_count, consumer.bodies), (0, []))
        rig.end_commit()
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, ["x"]))

    def test_confirmations_come_before_deliveries_and_once_a_publisher(self):
        rig = Rig(Rules())
        rig.connect("a")
        producers = [Producer(), Producer()]
        for number in range(4):
            rig.publish("a", [str(number)], producer=producers[number % 2])
        rig.begin_commit()
        rig.store.apply(rig.taken.commit)
        effects = rig.broker.committed(rig.taken, rig.now)
        self.assertEqual([type(effect).__name__ for effect in effects], ["Confirm", "Confirm", "Deliver"])
        self.assertEqual([receipt.first & 7 for receipt in effects[0].receipts], [0, 2])

    def test_what_is_published_during_a_commit_goes_with_the_next(self):
        rig = Rig(Rules())
        producer = rig.publish("a", ["x"])
        rig.begin_commit()
        rig.publish("a", ["y"], producer=producer)
        rig.end_commit_into_the_next()
        self.assertEqual(producer.confirmed_count, 1)
        rig.end_commit()
        self.assertEqual(producer.confirmed_count, 2)
        self.assertEqual(rig.connect("a").bodies, ["x", "y"])

    def test_a_message_keeps_what_its_producer_said(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=7)
        rig.broker.publish(Producer(), "a", [Draft("y", -3, -3000)], None, rig.now)
        rig.commit()
        delayed, at_once = rig.stored("x"), rig.stored("y")
        self.assertEqual((delayed.created, delayed.delay, delayed.due), (START.wall, 7, START.wall + 7000))
        self.assertEqual((at_once.delay, at_once.due, at_once.epoch), (-3, None, 1))

    def test_topics_are_apart(self):
        rig = Rig(Rules())
        one, other = rig.connect("a"), rig.connect("b")
        rig.publish("a", ["x"])
        rig.publish("b", ["y"])
        rig.commit()
        self.assertEqual((one.bodies, other.bodies), (["x"], ["y"]))

    def test_the_first_group_of_a_topic_takes_all_it_has(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"])
        rig.commit()
        rig.publish("a", ["y"])
        rig.commit()
        self.assertEqual(rig.connect("a").bodies, ["x", "y"])


class FullTests(SynchronousTestCase):
    """Who can be told is told; nothing that was taken is dropped."""

    def refused(self, rig):
        return self.assertRaises(Full, rig.publish, "a", ["x"], producer=Producer(positional=False))

    def test_the_buffer_counts_what_waits_and_is_in_flight_and_not_what_is_delayed(self):
        rig = Rig(Rules(buffer=3))
        rig.publish("a", ["late"] * 5, delay=100)
        rig.publish("a", ["x", "y"])
        rig.commit()
        self.assertFalse(rig.broker.full)
        consumer = rig.connect("a")
        rig.publish("a", ["z"])
        rig.commit()
        self.assertEqual(len(consumer.held), 3)
        self.assertTrue(rig.broker.full)
        self.refused(rig)
        self.assertEqual(rig.broker.catalog.by_name["a"].next, 8, "nothing was taken")
        rig.publish("a", ["classic"], producer=Producer(positional=True))
        rig.commit()
        self.assertEqual(rig.broker.counts().all, 9)

    def test_it_is_over_when_a_tenth_is_free(self):
        rig = Rig(Rules(buffer=20))
        consumer = rig.connect("a", 100)
        rig.publish("a", [str(number) for number in range(20)])
        rig.commit()
        self.assertTrue(rig.broker.full)
        rig.ack(consumer, consumer.held[:2])
        self.assertTrue(rig.broker.full)
        rig.ack(consumer, consumer.held[:1])
        self.assertFalse(rig.broker.full)
        rig.publish("a", ["x", "y"], producer=Producer(positional=False))
        rig.commit()
        self.assertFalse(rig.broker.full, "until it is full again")

    def test_messages_that_wait_for_their_commit_are_bounded(self):
        rig = Rig(Rules(pending_bytes=2 * (1 + OVERHEAD)))
        rig.publish("a", ["x"])
        self.assertFalse(rig.broker.full)
        rig.publish("a", ["y"])
        self.assertTrue(rig.broker.full)
        self.refused(rig)
        rig.commit()
        self.assertFalse(rig.broker.full)

    def test_a_store_that_holds_messages_in_memory_is_bounded(self):
        rig = Rig(Rules(memory_budget=1000, paged=False))
        rig.broker.held_by_store = 999
        self.assertFalse(rig.broker.full)
        rig.broker.held_by_store = 1000
        self.assertTrue(rig.broker.full)
        rig.broker.held_by_store = 900
        self.assertTrue(rig.broker.full)
        rig.broker.held_by_store = 899
        self.assertFalse(rig.broker.full)

    def test_while_the_store_fails_only_classic_publishers_are_taken_from(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"])
        rig.begin_commit()
        rig.fail_commit()
        error = self.assertRaises(StoreUnavailable, rig.publish, "a", ["y"], producer=Producer(positional=False))
        self.assertEqual(str(error), "full")
        rig.publish("a", ["z"], producer=Producer(positional=True))
        rig.commit()
        rig.publish("a", ["y"], producer=Producer(positional=False))
        rig.commit()
        self.assertEqual(rig.connect("a").bodies, ["x", "z", "y"])


class FigureTests(SynchronousTestCase):
    def test_since_when_something_is_held(self):
        rig = Rig(Rules())
        self.assertIsNone(rig.broker.held_since)
        one, other = rig.connect("a"), rig.join("b", "g")
        for topic in "ab":
            rig.publish(topic, ["x"])
            rig.commit()
            rig.wait(1.0)
        self.assertEqual(rig.broker.held_since, START.wall)
        rig.ack(one, list(one.held))
        self.assertEqual(rig.broker.held_since, START.wall + 1000)
        rig.disconnect(other)
        self.assertIsNone(rig.broker.held_since)


class RestartTests(SynchronousTestCase):
    """A crash at any point loses nothing that was promised, and counts stay right."""

    def test_counts_after_a_crash_are_those_of_the_last_commit(self):
        rig = Rig(Rules(clean_seconds=None))
        consumer = rig.connect("a", 3)
        rig.publish("a", [str(number) for number in range(5)])
        rig.publish("a", ["late"], delay=50)
        rig.commit()
        rig.ack(consumer, consumer.held[:2])
        rig.delete("4")
        rig.commit()
        committed = rig.broker.counts()
        self.assertEqual(committed, (5, 2, 1, 2))
        rig.ack(consumer, consumer.held[:1])
        rig.delete("late")
        rig.publish("a", ["more"])
        rig.begin_commit()
        rig.crash()
        self.assertEqual(rig.broker.counts(), committed)

    def test_groups_with_retries_to_come_wake_the_broker_after_a_restart(self):
        rig = Rig(Rules(retry_count=0, lease_seconds=None))
        rig.publish("a", ["x"])
        rig.commit()
        rig.disconnect(rig.connect("a"))
        rig.commit()
        rig.crash()
        self.assertEqual(rig.broker.next_wait(rig.now), 60.0)
