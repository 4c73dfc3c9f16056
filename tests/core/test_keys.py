"""Messages with keys: of those with one key the first is stored."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import Draft
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig
from tests.core.steps import SIZE, bodies, keyed, other


class KeyTests(SynchronousTestCase):
    """A key is stored once within its window."""

    def setUp(self):
        self.rig = Rig(Rules(dedup_window=600.0))

    def send(self, *pairs, topic="a"):
        producer = self.rig.send(topic, keyed(*pairs), other())
        self.rig.commit()
        return producer

    def assert_counts_hold(self):
        stored = len(self.rig.store.messages)
        self.assertEqual(self.rig.broker.counts().all, stored)
        self.assertEqual(sum(hours[0] for hours in self.rig.store.hours.values()), stored)
        self.rig.crash()
        self.assertEqual(self.rig.broker.counts().all, stored)

    def test_in_one_publish_the_first_counts(self):
        consumer = self.rig.connect("a")
        [receipt] = self.send(("k", "1"), ("k", "2"), (None, "3"), ("j", "4")).receipts
        self.assertEqual(consumer.bodies, ["1", "3", "4"])
        self.assertEqual(receipt.duplicates, {1: receipt.codes[0]})
        self.assertEqual(
            receipt.codes, [consumer.got[0][0], consumer.got[0][0], *[code for code, _ in consumer.got[1:]]]
        )
        figures = self.rig.broker.figures()
        self.assertEqual((figures.published, figures.duplicates, figures.memory), (3, 1, 3 * SIZE))
        self.assert_counts_hold()

    def test_in_one_commit_over_commits_and_over_restarts(self):
        first = self.rig.send("a", keyed(("k", "1")), other())
        second = self.rig.send("a", keyed(("k", "2")), other())
        self.rig.commit()
        third = self.send(("k", "3"))
        self.rig.crash()
        fourth = self.send(("k", "4"))
        self.assertEqual(bodies(self.rig), ["1"])
        for producer in (second, third, fourth):
            self.assertEqual(producer.receipts[0].codes, first.receipts[0].codes)
        self.assert_counts_hold()

    def test_topics_are_apart(self):
        self.send(("k", "1"))
        self.send(("k", "2"), topic="b")
        self.assertEqual(bodies(self.rig), ["1", "2"])

    def test_it_may_be_used_again_when_the_window_is_over(self):
        self.send(("k", "1"))
        self.rig.wait(600.0)
        self.send(("k", "no"))
        self.rig.wait(1200.0)
        self.send(("k", "2"))
        self.assertEqual(bodies(self.rig), ["1", "2"])

    def test_a_clock_that_is_set_back_goes_on_with_the_window_it_was_in(self):
        self.send(("k", "1"))
        self.rig.jump(-7200.0)
        self.send(("k", "no"), ("l", "2"))
        self.rig.jump(7200.0)
        self.send(("l", "no"))
        self.assertEqual(bodies(self.rig), ["1", "2"])
        self.assertEqual(self.rig.topic("a").bucket, START.wall // 600_000)

    def test_another_window_begins_anew_whatever_the_last_one_was(self):
        self.send(("k", "1"))
        self.rig.broker.steering.set_policy(self.rig.topic("a"), TopicPolicy(dedup_window=1200.0))
        self.send(("l", "2"))
        self.assertEqual(self.rig.topic("a").bucket, START.wall // 1_200_000)

    def test_a_topic_has_its_own_window(self):
        self.rig = Rig(Rules(dedup_window=600.0, policies=(("a", TopicPolicy(dedup_window=1.0)),)))
        self.send(("k", "1"))
        self.rig.wait(2.0)
        self.send(("k", "2"))
        self.assertEqual(bodies(self.rig), ["1", "2"])

    def test_a_publish_of_which_nothing_is_new_is_confirmed_and_leaves_a_hole(self):
        consumer = self.rig.connect("a")
        self.send(("k", "1"))
        self.assertEqual(self.send(("k", "2")).confirmed_count, 1)
        self.send((None, "3"))
        self.assertEqual(consumer.bodies, ["1", "3"])
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        self.assertEqual((self.rig.store.marks[1], self.rig.broker.counts()), (3, (2, 2, 0, 0)))
        self.assert_counts_hold()

    def test_offsets_of_duplicates_are_finished_and_leave_no_gap_for_ever(self):
        consumer = self.rig.connect("a", 100)
        for number in range(20):
            self.send(("k", "no" if number else "1"), (None, f"{number}"))
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        self.assertEqual(list(self.rig.topic("a").finished), [(0, 39)])

    def test_so_are_those_of_what_was_refused(self):
        consumer = self.rig.connect("a")
        self.send((None, "1"))
        for _ in range(3):
            self.rig.send("a", keyed((None, "refused")), other())
            self.rig.begin_commit()
            self.rig.fail_commit()
            self.rig.publish("a", ["2"])  # a classic publisher's, which waits while the store fails
            self.rig.commit()
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        topic = self.rig.topic("a")
        self.assertEqual((list(topic.finished), topic.committed), ([(0, 6)], 7))

    def test_duplicates_do_not_fall_due(self):
        consumer = self.rig.connect("a")
        self.rig.send("a", [Draft("1", key="k", delay_ms=5000), Draft("2", key="k", delay_ms=5000)], other())
        self.rig.commit()
        self.assertEqual(self.rig.broker.counts(), (1, 0, 1, 0))
        self.rig.wait(5.0)
        self.assertEqual((consumer.bodies, self.rig.broker.counts()), (["1"], (1, 0, 0, 1)))

    def test_keys_in_a_commit_that_fails_are_not_remembered(self):
        self.rig.send("a", keyed(("k", "1")), other())
        self.rig.begin_commit()
        self.rig.fail_commit()
        classic = self.rig.send("a", keyed(("k", "2")))
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.rig.commit()
        self.assertEqual((bodies(self.rig), classic.confirmed_count), (["2"], 1))
