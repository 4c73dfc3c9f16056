"""The whole core: publishing, commits, delays, paging, restarts."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import Full, StoreUnavailable
from kapokmq.core.message import OVERHEAD, Draft
from kapokmq.core.rules import Rules
from kapokmq.core.schedule import FALLEN_AT_ONCE
from tests.core.rig import START, Producer, Rig
from tests.core.test_broker_model import BrokerModel


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


class EagerTests(SynchronousTestCase):
    """With isPersistent 1 the confirmation leaves at once."""

    def setUp(self):
        self.rig = Rig(Rules(eager=True))

    def test_a_message_is_confirmed_and_dealt_at_once(self):
        consumer = self.rig.connect("a")
        producer = self.rig.publish("a", ["x"])
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, ["x"]))
        self.rig.commit()
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, ["x"]))

    def test_what_does_not_fit_in_memory_is_dealt_after_its_commit(self):
        self.rig = Rig(Rules(eager=True, memory_budget=1))
        consumer = self.rig.connect("a")
        producer = self.rig.publish("a", ["x"])
        self.assertEqual((producer.confirmed_count, consumer.bodies), (1, []))
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_consumer_that_comes_before_the_commit_gets_it_after(self):
        self.rig.publish("a", ["x"])
        consumer = self.rig.connect("a")
        self.assertEqual(consumer.bodies, [])
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_delayed_message_falls_due_although_it_is_not_stored_yet(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["x"], delay=5)
        self.rig.wait(4.9)
        self.assertEqual(consumer.bodies, [])
        self.rig.wait(0.1)
        self.assertEqual(consumer.bodies, ["x"])
        self.rig.commit()
        self.rig.settle()
        self.rig.ack(consumer, list(consumer.held))
        self.assertEqual((consumer.bodies, self.rig.broker.figures().memory), (["x"], 0))

    def test_one_that_fell_due_unsaved_is_met_in_the_log_by_who_has_not_come_so_far(self):
        self.rig.publish("a", ["x"], delay=5)
        consumer = self.rig.connect("a")
        self.rig.wait(5.0)
        self.assertEqual(consumer.bodies, [])
        self.rig.commit()
        self.assertEqual(consumer.bodies, ["x"])

    def test_a_saved_one_is_read_from_the_store_when_it_falls_due(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["x"], delay=5)
        self.rig.commit()
        self.assertEqual(self.rig.broker.arrivals._unsaved, {})
        self.rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["x"])

    def test_thirty_thousand_unsaved_ones_all_fall_due(self):
        consumer = self.rig.connect("a", 100_000)
        for number in range(30):
            self.rig.publish("a", [f"{number}.{part}" for part in range(1000)], delay=60 - number)
        for _ in range(60):
            self.rig.wait(1.0)
        self.assertEqual(len(set(consumer.bodies)), 30_000)
        self.assertEqual(len(consumer.bodies), 30_000)
        self.assertEqual((consumer.bodies[0], consumer.bodies[-1]), ("29.0", "0.999"))
        self.assertEqual(self.rig.broker.counts().delayed, 0)

    def test_a_code_is_not_given_twice_although_its_message_was_lost(self):
        consumer = self.rig.connect("a")
        self.rig.publish("a", ["lost"])
        self.rig.crash()
        again = self.rig.connect("a")
        self.rig.publish("a", ["kept"])
        self.assertEqual(again.bodies, ["kept"])
        self.assertNotEqual(again.got[0][0], consumer.got[0][0])
        self.rig.ack(again, [consumer.got[0][0]])
        self.assertEqual(self.rig.broker.counts().consumed, 0)


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


class DeletingModel(BrokerModel):
    """The model of all that may happen, with deletions and overlapping commits, and a schedule of three."""

    def __init__(self):
        super().__init__()
        self.deleted = set()

    def narrow(self):
        self.rig.broker.schedule._nearest = 3
        self.rig.broker.schedule._most = 6

    @precondition(lambda self: self.rig.store.messages)
    @rule(data=st.data())
    def delete(self, data):
        self.narrow()
        body = data.draw(st.sampled_from(sorted(message.data for message in self.rig.store.messages.values())))
        self.rig.delete(body)
        self.deleted.add(body)

    @precondition(lambda self: self.rig.taken is not None)
    @rule()
    def end_commit_into_the_next(self):
        self.rig.end_commit_into_the_next()

    def teardown(self):
        if not hasattr(self, "rig"):
            return
        self.rig.commit()
        self._note()
        stored = {message.data for message in self.rig.store.messages.values()}
        for body in self.deleted:
            if body not in stored:
                self.confirmed.pop(body, None)
        super().teardown()
        assert len(self.rig.broker.schedule) == 0


class DeletingModelTests(SynchronousTestCase):
    def test_deletions_at_any_time_leave_every_count_right(self):
        case = DeletingModel.TestCase("runTest")
        case.settings = settings(parent=settings.default, stateful_step_count=40)
        case.runTest()
