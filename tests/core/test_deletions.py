"""Messages that somebody deletes, wherever they are."""

from kapokmq.core.rules import Rules
from tests.core.naive_store import remnants
from tests.core.retention_case import RetentionCase, published


class DeleteTests(RetentionCase):
    """A message may be deleted in any state."""

    rules = Rules(clean_seconds=None, retry_count=0)

    def delete(self, body):
        found = remnants([self.rig.stored(body)])
        for _ in range(3):
            self.rig.broker.retention.look_up()
        self.assertTrue(self.rig.broker.retention.delete(found, self.rig.now))
        self.assertFalse(self.rig.broker.retention.delete(found, self.rig.now), "it is gone already")
        self.rig.commit()
        self.assertFalse(self.rig.broker.retention.delete(found, self.rig.now), "an answer that was on its way")
        self.rig.commit()
        self.rig.settle()

    def test_one_that_waits_in_memory(self):
        consumer = self.rig.connect("a", 1)
        published(self.rig, "a", ["x", "y", "z"])
        self.delete("y")
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(consumer.bodies, ["x", "z"])
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(self.rig.broker.figures().memory, 0)
        self.assert_counts_hold()

    def test_one_that_waits_in_the_store(self):
        published(self.rig, "a", ["x", "y", "z"])
        self.delete("x")
        self.assertEqual(self.rig.connect("a").bodies, ["y", "z"])
        self.assert_counts_hold()

    def test_one_that_lies_ahead_of_a_group_that_has_read_nothing_yet(self):
        self.rig.connect("a", 0)
        published(self.rig, "b", ["x", "y"])
        self.rig.connect("b", 0)
        self.delete("x")
        self.assertEqual(self.rig.connect("b").bodies, ["y"])
        self.assertEqual(self.rig.broker.figures().memory, 201)

    def test_one_whose_page_is_on_its_way(self):
        published(self.rig, "a", ["x", "y"])
        self.rig.kept = []
        consumer = self.rig.connect("a")
        [asked] = self.rig.kept
        page = list(self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.page_read(asked, page, asked.end, self.rig.now))
        self.assertEqual(consumer.bodies, ["y"])
        self.assertEqual(self.rig.broker.figures().memory, 201)

    def test_one_that_is_delayed(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"], delay=10)
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 1, 0))
        self.rig.wait(10.0)
        self.assertEqual(consumer.bodies, ["y"])
        self.assert_counts_hold()

    def test_one_that_is_delayed_although_an_answer_brings_it_again(self):
        published(self.rig, "a", ["x", "y"], delay=10)
        self.rig.crash()
        self.rig.kept = []
        self.rig.broker.schedule._complete = False
        self.rig.run(self.rig.broker.advance(self.rig.now))
        [asked] = self.rig.kept
        rows = sorted((message.due, message.id) for message in self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.schedule_loaded(asked, rows, self.rig.now))
        self.rig.wait(10.0)
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))

    def test_one_that_fell_due_and_is_being_fetched(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"], delay=10)
        self.rig.kept = []
        self.rig.wait(10.0)
        [asked] = self.rig.kept
        found = list(self.rig.store.messages.values())
        self.delete("x")
        self.rig.kept = None
        self.rig.run(self.rig.broker.arrivals.fetched(asked, found, asked.ids[-1] + 1, self.rig.now))
        self.assertEqual(consumer.bodies, ["y"])
        self.assert_counts_hold()

    def test_one_that_is_in_flight_is_not_dealt_again_and_its_ack_changes_no_count(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"])
        self.delete("x")
        self.delete("y")
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.wait(61.0)
        self.assertEqual(consumer.bodies, ["x", "y"])
        figures = self.rig.broker.figures()
        self.assertEqual((figures.memory, figures.in_flight, figures.waiting), (0, 0, 0))
        self.assert_counts_hold()

    def test_one_that_waits_for_its_retry(self):
        published(self.rig, "a", ["x"])
        self.rig.disconnect(self.rig.connect("a"))
        self.delete("x")
        consumer = self.rig.connect("a")
        self.rig.wait(60.0)
        self.assertEqual((consumer.bodies, self.rig.broker.figures().memory), ([], 0))

    def test_one_that_is_consumed(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y"])
        self.rig.ack(consumer, consumer.held[:1])
        self.rig.commit()
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assertEqual(self.rig.store.hours[1][4:], [0, 0, 1])
        self.assert_counts_hold()

    def test_what_is_consumed_after_it_is_recorded_without_it(self):
        consumer = self.rig.connect("a")
        published(self.rig, "a", ["x", "y", "z"])
        self.rig.ack(consumer, consumer.held[:2])
        self.rig.commit()
        self.delete("x")
        self.rig.ack(consumer, list(consumer.held))
        self.rig.commit()
        self.assertEqual(self.rig.store.consumed, {self.rig.stored(body).id for body in "yz"})

    def test_one_of_a_topic_that_never_had_a_consumer(self):
        published(self.rig, "a", ["x", "y"])
        self.delete("x")
        self.assertEqual(self.rig.broker.counts(), (1, 0, 0, 1))
        self.assert_counts_hold()

    def test_a_topics_first_consumer_does_not_get_what_is_deleted_and_not_committed_yet(self):
        published(self.rig, "a", ["x", "y"])
        published(self.rig, "b", ["z"])
        self.rig.delete("x")
        self.rig.delete("z")
        consumer = self.rig.connect("a")
        self.assertEqual(consumer.bodies, ["y"])
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual(self.rig.broker.counts(), (1, 1, 0, 0))
        self.assert_counts_hold()

    def test_it_comes_back_if_the_node_dies_before_the_commit(self):
        published(self.rig, "a", ["x"])
        self.rig.delete("x")
        self.rig.crash()
        self.assertEqual(self.rig.connect("a").bodies, ["x"])
        self.assert_counts_hold()

    def test_one_deleted_twice_in_commits_that_fail_is_counted_once(self):
        published(self.rig, "a", ["x", "y"])
        self.rig.delete("x")
        self.rig.begin_commit()
        self.rig.fail_commit()
        self.assertFalse(self.rig.delete("x"))
        self.rig.commit()
        self.assertEqual(self.rig.broker.counts().all, 1)
        self.assert_counts_hold()
