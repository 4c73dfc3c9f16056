"""Counts for queries, metrics and charts."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Counts, Figures
from kapokmq.core.ledger import Ledger
from kapokmq.core.query import TopicCounts
from kapokmq.core.rules import Rules
from kapokmq.core.tally import Tally
from kapokmq.core.topic import Topic
from tests.core.rig import START, Rig


class CountTests(SynchronousTestCase):
    """How many messages are where."""

    def test_counts_are_of_what_is_stored_and_add_up_over_topics(self):
        rig = Rig(Rules())
        rig.publish("b", ["1", "2", "3"])
        rig.publish("a", ["4"])
        rig.publish("a", ["5"], delay=10)
        self.assertEqual(rig.broker.counts(), Counts(0, 0, 0, 0))
        rig.commit()
        consumer = rig.connect("b", 2)
        rig.ack(consumer, consumer.held[:1])
        self.assertEqual(rig.broker.counts(), Counts(all=5, consumed=1, delayed=1, waiting=3))
        self.assertEqual(
            rig.broker.topics(),
            [TopicCounts("a", 2, 0, 1, 1, 0, bytes=402), TopicCounts("b", 3, 1, 0, 2, 2, bytes=603)],
        )

    def test_a_delayed_message_waits_from_when_it_fell_due(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"], delay=10)
        rig.commit()
        rig.wait(10.0)
        self.assertEqual(rig.broker.counts(), Counts(1, 0, 0, 1))

    def test_figures_count_from_the_start(self):
        rig = Rig(Rules(broadcast=True))
        consumers = [rig.connect("a"), rig.connect("a")]
        rig.publish("a", ["x", "y"])
        rig.commit()
        rig.ack(consumers[0], consumers[0].held[:1])
        rig.ack(consumers[0], ["junk"])
        rig.wait(60.0)
        self.assertEqual(
            rig.broker.figures(),
            Figures(
                published=2,
                delivered=7,
                acked=1,
                retried=3,
                expired=0,
                ignored_acks=1,
                waiting=2,
                in_flight=3,
                delayed=0,
                memory=2 * 201,
                topics=1,
                groups=1,
            ),
        )

    def test_memory_counts_what_waits_for_its_commit_too(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"])
        self.assertEqual(rig.broker.figures().memory, 201)

    def test_what_a_topic_had_goes_with_it(self):
        tally, topics = Tally(Ledger()), [Topic(number, "t") for number in (1, 2)]
        for topic in topics:
            tally.published(topic, 3, 1)
            tally.resized(topic, 603)
            topic.consumed = 1
        again = Tally(Ledger())
        for topic in topics:
            again.found(topic)
        self.assertEqual((again.stored, again.consumed, again.delayed, again.bytes), (6, 2, 2, 1206))
        again.forget(topics[0])
        self.assertEqual((again.stored, again.consumed, again.delayed, again.bytes), (3, 1, 1, 603))

    def test_hours_tell_removed_messages_apart(self):
        rig = Rig(Rules(clean_seconds=100.0))
        rig.publish("a", ["consumed", "deleted", "expired"])
        rig.commit()
        consumer = rig.connect("a")
        rig.ack(consumer, consumer.held[:1])
        rig.commit()
        rig.delete("deleted")
        rig.commit()
        rig.wait(101.0)
        rig.sweep()
        rig.commit()
        published, _, consumed, _, expired, deleted, cleaned = rig.store.hours[1]
        self.assertEqual((published, consumed, expired, deleted, cleaned), (3, 1, 1, 1, 1))
        self.assertEqual((rig.broker.figures().expired, rig.broker.counts().all), (1, 0))

    def test_each_hour_has_its_own_counts(self):
        rig = Rig(Rules())
        rig.publish("a", ["x"])
        rig.jump(3600)
        rig.publish("a", ["y", "z"])
        rig.begin_commit()
        hours = {row.hour: row.published for row in rig.taken.commit.hours}
        self.assertEqual(hours, {START.wall // 3_600_000: 1, START.wall // 3_600_000 + 1: 2})
