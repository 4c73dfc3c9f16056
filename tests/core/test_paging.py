"""What does not fit in memory comes from the store."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import OVERHEAD
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.scripted import Producer


class PagingTests(SynchronousTestCase):
    """What is not in memory is read when a group comes to it."""

    def backlog(self, count=6, **rules):
        rig = Rig(Rules(memory_budget=1, **rules))
        rig.publish("a", [str(number) for number in range(count)])
        rig.commit()
        return rig

    def test_memory_holds_no_more_than_the_budget_and_a_page(self):
        rig = Rig(Rules(memory_budget=10 * (1 + OVERHEAD)))
        rig.connect("a", 0)
        for _ in range(20):
            rig.publish("a", ["x"])
            rig.commit()
        self.assertEqual(rig.broker.figures().memory, 10 * (1 + OVERHEAD))

    def test_where_nothing_can_be_paged_all_stays_in_memory(self):
        rig = Rig(Rules(memory_budget=1, paged=False))
        rig.connect("a", 0)
        rig.publish("a", ["x"] * 5)
        rig.commit()
        self.assertEqual(rig.broker.figures().memory, 5 * (1 + OVERHEAD))

    def test_ten_thousand_come_in_order_with_holes_passed_over(self):
        rig = self.backlog(10_000)
        rig.page_limit = 1000
        for body in ("0", "7", "8", "5000", "9999"):
            rig.delete(body)
        rig.commit()
        consumer = rig.connect("a", None)
        rig.settle()
        expected = [str(n) for n in range(10_000) if n not in (0, 7, 8, 5000, 9999)]
        self.assertEqual(consumer.bodies, expected)
        self.assertEqual(rig.broker.counts(), (9995, 9995, 0, 0))
        self.assertEqual(rig.broker.catalog.groups[1].position.mark, 10_000)

    def test_what_a_crash_left_out_is_passed_over(self):
        rig = Rig(Rules())
        producer = Producer(positional=False)
        for body in ("a", "refused", "b"):
            rig.publish("a", [body], producer=producer if body == "refused" else None)
            rig.begin_commit()
            if body == "refused":
                rig.fail_commit()
            else:
                rig.end_commit()
        consumer = rig.connect("a")
        self.assertEqual(consumer.bodies, ["a", "b"])
        rig.ack(consumer, list(consumer.held))
        rig.commit()
        self.assertEqual(rig.store.marks[1], 3)
        self.assertEqual(rig.broker.counts(), (2, 2, 0, 0))

    def test_a_page_that_can_not_be_read_is_asked_for_again_a_second_later(self):
        rig = self.backlog()
        rig.reads_fail = True
        consumer = rig.connect("a")
        self.assertEqual(rig.broker.next_wait(rig.now), 1.0)
        rig.wait(1.0)
        rig.reads_fail = False
        self.assertEqual(consumer.bodies, [])
        rig.wait(1.0)
        self.assertEqual(len(consumer.bodies), 6)

    def test_messages_that_can_not_be_fetched_are_asked_for_again_in_their_order(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        for delay in (3, 1, 2):
            rig.publish("a", [str(delay)], delay=delay)
        rig.commit()
        rig.reads_fail = True
        rig.wait(3.0)
        rig.reads_fail = False
        self.assertEqual(consumer.bodies, [])
        rig.wait(1.0)
        self.assertEqual(consumer.bodies, ["1", "2", "3"])

    def test_they_are_asked_for_before_what_fell_due_since(self):
        rig = Rig(Rules())
        consumer = rig.connect("a")
        rig.publish("a", ["second"], delay=2)
        rig.publish("a", ["first"], delay=1)
        rig.commit()
        rig.kept = []
        rig.wait(1.0)
        [asked] = rig.kept
        rig.wait(1.0)
        rig.kept = None
        rig.run(rig.broker.arrivals.fetched(asked, None, 0, rig.now))
        rig.wait(1.0)
        self.assertEqual(consumer.bodies, ["first", "second"])

    def test_a_fetch_that_was_cut_short_is_asked_for_the_rest(self):
        rig = Rig(Rules())
        rig.page_limit = 2
        consumer = rig.connect("a", 100)
        rig.publish("a", [str(number) for number in range(7)], delay=1)
        rig.commit()
        rig.delete("3")
        rig.commit()
        rig.wait(1.0)
        self.assertEqual(consumer.bodies, ["0", "1", "2", "4", "5", "6"])
        self.assertEqual(rig.broker.catalog.groups[1].position.is_done(3), True)

    def test_what_comes_while_a_page_is_read_is_not_taken_twice(self):
        rig = self.backlog(2)
        rig.kept = []
        consumer = rig.connect("a")
        rig.publish("a", ["2"])
        rig.commit()
        rig.answer_kept()
        self.assertEqual(consumer.bodies, ["0", "1", "2"])
