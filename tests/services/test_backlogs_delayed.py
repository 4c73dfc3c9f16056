"""What has waited longest, where some of it is not due yet."""

from itertools import pairwise

from kapokmq.core.message import topic_of
from kapokmq.core.vitals import Backlog
from kapokmq.services import backlogs, slices
from kapokmq.services.backlogs import Backlogs
from tests.services.backlog_case import BacklogCase


class DelayedBacklogTests(BacklogCase):
    def test_what_is_not_due_does_not_wait(self):
        self.group("a", "g")
        self.publish("a", "late", delay=60)
        self.assertEqual((self.oldest(), self.dated()), ((None, 0), {"g": None}))
        self.publish("a", "now")
        self.assertEqual((self.oldest(), self.dated()), (((2.0, "a", "g"), 1), {"g": 2.0}))
        self.wait(60)
        self.assertEqual((self.oldest(), self.dated()), (((2.0, "a", "g"), 1), {"g": 2.0}))
        self.publish("a", "later")
        self.assertEqual(self.dated(), {"g": 2.0})

    def test_what_was_delayed_waits_since_it_fell_due(self):
        self.group("a", "g")
        self.publish("a", "late", delay=60)
        self.wait(70)
        self.assertEqual((self.oldest(), self.dated()), (((61.0, "a", "g"), 1), {"g": 61.0}))

    def test_what_is_not_due_and_not_in_memory(self):
        self.group("a", "g")
        self.publish("a", "late", delay=60)
        self.far()
        self.assertEqual((self.oldest(), self.dated()), ((None, 0), {"g": None}))
        self.publish("a", "now")
        self.assertEqual((self.oldest(), self.dated()), (((2.0, "a", "g"), 1), {"g": 2.0}))
        # Once that is done with, it is not told any more, although what waits begins where it did.
        self.answer(self.admin.purge_group("a", "g"))
        self.publish("a", "then")
        self.assertEqual(self.dated(), {"g": 3.0})

    def test_what_was_due_for_longer_and_is_done_with_is_not_told_for_what_is_behind(self):
        consumer = self.joined("a", "g", 5)
        self.publish("a", "late", delay=60)
        self.publish("a", "now")
        self.wait(59.5)
        self.assertEqual((self.dated(), self.oldest()[0]), ({"g": 2.0}, (2.0, "a", "g")))
        self.engine.ack(consumer.handle, [consumer.codes[consumer.got.index("now")]])
        self.turn()
        self.assertEqual((self.dated(), self.oldest()[0]), ({"g": 61.0}, (61.0, "a", "g")))

    def far(self):
        """From now on nothing that is delayed is near enough to be in memory."""
        self.patch(slices, "split_delayed", lambda ids, offsets: None)

    def test_what_is_done_behind_what_is_not_due_does_not_wait(self):
        consumer = self.joined("a", "g", 5)
        self.publish("a", "late", delay=60)
        self.publish("a", "done")
        self.publish("a", "waits")
        self.engine.ack(consumer.handle, consumer.codes[:1])
        self.turn()
        self.far()
        self.assertEqual((self.dated(), self.oldest()), ({"g": 3.0}, ((3.0, "a", "g"), 0)))

    def test_and_so_it_is_where_nobody_consumes(self):
        consumer = self.joined("a", "g", 5)
        self.publish("a", "late", delay=60)
        self.publish("a", "done")
        self.engine.stall(consumer.handle)
        self.publish("a", "waits")
        self.engine.ack(consumer.handle, consumer.codes)
        self.engine.unsubscribe(consumer.handle)
        self.turn()
        self.far()
        self.assertEqual((self.dated(), self.oldest()), ({"g": 3.0}, ((3.0, "a", "g"), 1)))

    def test_many_that_are_not_due_are_looked_through_so_far(self):
        self.patch(backlogs, "LOOK", 2)
        self.patch(backlogs, "GAPS", 3)
        self.group("a", "g")
        self.far()
        self.publish("a", *["late"] * 5, delay=60)
        self.publish("a", "now")
        self.assertEqual((self.dated(), len(self.store.looked_for)), ({"g": 2.0}, 3))
        self.publish("b", *["late"] * 6, delay=60)
        self.group("b", "g")
        self.publish("b", "now")
        self.assertEqual((self.dated("b"), len(self.store.looked_for)), ({"g": None}, 6))

    def test_at_the_end_no_more_is_asked(self):
        self.group("a", "g")
        self.far()
        self.publish("a", "late", delay=60)
        self.assertEqual((self.dated(), len(self.store.looked_for)), ({"g": None}, 1))

    def test_a_later_one_is_not_told_of_when_it_is_done(self):
        consumer = self.joined("a", "g", 5)
        self.far()
        self.publish("a", "late", delay=60)
        self.publish("a", "now")
        self.assertEqual(self.dated(), {"g": 2.0})
        self.engine.ack(consumer.handle, consumer.codes)
        self.turn()
        self.publish("a", "then")
        self.assertEqual((self.dated(), self.oldest()), ({"g": 3.0}, ((3.0, "a", "g"), 0)))

    def test_where_it_was_not_looked_far_enough_nothing_is_told(self):
        self.patch(backlogs, "GAPS", 1)
        consumer = self.joined("a", "g", 5)
        self.far()
        self.publish("a", "late", delay=60)
        self.publish("a", "now")
        self.assertEqual(self.dated(), {"g": 2.0})
        self.engine.ack(consumer.handle, consumer.codes)
        self.turn()
        self.publish("a", "then")
        self.assertEqual(self.dated(), {"g": None})

    def test_a_survey_asks_of_so_many_gaps(self):
        self.patch(backlogs, "ASKED", 2)
        self.patch(backlogs, "AT_ONCE", 1)
        self.patch(backlogs, "LOOK", 1)
        self.far()
        for topic in "ab":
            self.group(topic, "g")
            self.publish(topic, "late", delay=60)
            self.publish(topic, "now")
        self.survey()
        self.assertEqual(len(self.store.looked_for), 2)
        self.assertEqual(self.oldest(), ((2.0, "a", "g"), 2))
        self.assertEqual(len(self.store.looked_for), 4)

    def test_of_all_there_are_delayed_ones_the_store_is_asked_in_turn(self):
        self.patch(backlogs, "ASKED", 2)
        for at in range(5):
            self.group(f"t{at}", "g")
            self.publish(f"t{at}", "late", delay=5000)
        for at in reversed(range(5)):
            self.publish(f"t{at}", "now")
        self.assertEqual(
            [self.oldest() for _ in range(4)],
            [
                ((9.0, "t1", "g"), 2),
                ((7.0, "t3", "g"), 4),
                ((6.0, "t4", "g"), 5),
                ((6.0, "t4", "g"), 5),
            ],
        )
        asked = [first for some in self.store.looked_for for first, _ in some]
        self.assertEqual([topic_of(one) - topic_of(asked[0]) for one in asked], [0, 1, 2, 3, 4, 0, 1, 2])

    def test_delayed_ones_of_several_topics(self):
        self.patch(slices, "SPLIT", 2)
        for delay in (50, 40, 30):
            for topic in "ab":
                self.publish(topic, "late", delay=delay)
        for topic in "ab":
            self.group(topic, "g")
            self.publish(topic, "now")
        self.make(prompt=True, again=True)  # now they come in the order in which they fall due
        self.backlogs = Backlogs(self.admin.parts)
        self.assertEqual(
            (self.dated("a"), self.dated("b"), self.oldest()[0]), ({"g": 7.0}, {"g": 8.0}, (7.0, "a", "g"))
        )
        self.assertEqual(
            {first & 7 for asked in self.store.looked_for for first, _ in asked}, {3}, "they were passed by"
        )

    def test_groups_are_gone_on_with_a_few_at_a_time(self):
        for at in range(20):
            self.group("a", f"g{at}")
        self.publish("a", "late", delay=600)
        self.far()
        clock, seek, call_later, sought, turns = self.clock, backlogs.seek, self.clock.callLater, [], []

        def slowly(*given):
            clock.rightNow += 0.003
            sought.append(given)
            return seek(*given)

        def later(wait, *rest):
            turns.append(len(sought))
            return call_later(wait, *rest)

        self.patch(backlogs, "seek", slowly)
        self.patch(clock, "callLater", later)
        self.assertEqual(self.survey(), Backlog(None, 0))
        self.assertEqual(len(sought), 60)  # where it begins, past what is done, past what is not due
        self.assertLessEqual(max(after - before for before, after in pairwise([0, *turns, 60])), 3)

    def test_delayed_messages_are_sorted_a_few_at_a_time(self):
        self.patch(slices, "SPLIT", 10)
        self.group("a", "g")
        self.publish("a", *["late"] * 100, delay=60)
        clock, split, call_later, asked, turns = self.clock, slices.split_delayed, self.clock.callLater, [], [0]

        def slowly(ids, offsets):
            clock.rightNow += 0.003
            asked.append(len(ids))
            return split(ids, offsets)

        def later(wait, *rest):
            turns.append(len(asked))
            return call_later(wait, *rest)

        self.patch(slices, "split_delayed", slowly)
        self.patch(clock, "callLater", later)
        self.assertEqual(self.survey(), Backlog(None, 0))
        self.assertEqual(asked, [10] * 10)
        self.assertLessEqual(max(after - before for before, after in pairwise(turns)), 2)
        self.assertGreaterEqual(len(turns), 5)
