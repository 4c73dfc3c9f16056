"""When a message falls due, and when it is worth nothing any more."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import Draft
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig
from tests.core.steps import SIZE, bodies


class TimeTests(SynchronousTestCase):
    """When a message is due, and until when it is worth delivering."""

    def stored(self, draft, **rules):
        rig = Rig(Rules(**rules))
        rig.send("a", [draft, Draft("plain")])
        rig.commit()
        plain = rig.stored("plain")
        self.assertEqual((plain.due, plain.delay), (None, 0))
        message = rig.stored("x")
        return message.delay, *(None if time is None else time - START.wall for time in (message.due, message.expire))

    def test_a_due_time_counts_more_than_a_delay(self):
        self.assertEqual(self.stored(Draft("x", due=START.wall + 5500)), (5, 5500, None))
        self.assertEqual(self.stored(Draft("x", 7, 7000, due=START.wall)), (7, None, None))
        self.assertEqual(self.stored(Draft("x", 7, 7000)), (7, 7000, None))

    def test_it_expires_so_long_after_it_was_due(self):
        self.assertEqual(self.stored(Draft("x", expire_ms=300)), (0, None, 300))
        self.assertEqual(self.stored(Draft("x", 7, 7000, expire_ms=300)), (7, 7000, 7300))

    def test_a_delayed_one_expires_with_its_age_where_that_is_not_the_nodes(self):
        late = Draft("x", 7, 7000, expire_ms=300_000)
        self.assertEqual(self.stored(late, clean_seconds=10.0), (7, 7000, 17_000))
        self.assertEqual(self.stored(late, clean_seconds=None), (7, 7000, 307_000))
        policies = (("a", TopicPolicy(max_age=5.0)),)
        self.assertEqual(self.stored(late, policies=policies), (7, 7000, 12_000))
        self.assertEqual(self.stored(Draft("x", 7, 7000), policies=policies), (7, 7000, 12_000))
        self.assertEqual(self.stored(Draft("x", 7, 7000)), (7, 7000, None))

    def test_what_has_expired_is_not_delivered_and_goes_with_the_next_sweep(self):
        rig = Rig(Rules(clean_seconds=None))
        consumer = rig.connect("a", 1)
        rig.send("a", [Draft("1", expire_ms=5000), Draft("2", expire_ms=5000), Draft("3")])
        rig.commit()
        self.assertEqual(consumer.bodies, ["1"])
        rig.wait(5.0)
        rig.ack(consumer, list(consumer.held))
        self.assertEqual(consumer.bodies, ["1", "3"])
        rig.wait(0.001)
        rig.sweep()
        rig.commit()
        self.assertEqual((bodies(rig), rig.broker.figures().expired), (["3"], 1))
        self.assertEqual(rig.store.hours[1][4:], [1, 0, 1], "the one that was consumed in time is cleaned")
        counts = rig.broker.counts()
        rig.crash()
        self.assertEqual(rig.broker.counts(), counts)

    def test_what_expired_unread_is_not_delivered_after_a_restart(self):
        rig = Rig(Rules(clean_seconds=None))
        rig.send("a", [Draft("1", expire_ms=5000), Draft("2")])
        rig.commit()
        rig.now = rig.now._replace(wall=rig.now.wall + 5000)
        rig.crash()
        consumer = rig.connect("a")
        self.assertEqual(consumer.bodies, ["2"])
        self.assertEqual(rig.broker.figures().memory, SIZE)

    def test_a_topics_own_age_counts(self):
        rig = Rig(Rules(clean_seconds=None, policies=(("a", TopicPolicy(max_age=10.0)),)))
        for topic in ("a", "b"):
            rig.publish(topic, [topic])
        rig.publish("a", ["late"], delay=100)
        rig.commit()
        rig.wait(10.001)
        rig.sweep()
        rig.commit()
        self.assertEqual(bodies(rig), ["late", "b"])
        rig.wait(100.0)
        rig.sweep()
        rig.commit()
        self.assertEqual(bodies(rig), ["b"])
