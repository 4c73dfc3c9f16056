"""When delayed messages fall due, with little of them in memory."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.schedule import Schedule
from tests.core.schedule_world import World

STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("save")),
    st.tuples(st.just("cancel"), st.integers(0, 200)),
    st.tuples(st.just("move"), st.integers(0, 200), st.integers(-20, 30)),
    st.tuples(st.just("move_back"), st.integers(0, 200)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("report")),
    st.tuples(st.just("ask")),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("pass"), st.integers(-10, 10), st.integers(1, 4)),
)


class ScheduleTests(SynchronousTestCase):
    """Nothing falls due early, twice or never, however little is kept in memory."""

    @given(st.integers(1, 5), st.lists(st.integers(101, 140), max_size=12), st.lists(STEPS, min_size=20, max_size=80))
    def test_everything_falls_due_once_in_order_and_not_before_its_time(self, nearest, stored, steps):
        world = World(nearest, stored)
        for step in steps:
            world.step(*step)
        world.come_to_an_end()
        self.assertEqual(world.waiting, {})
        self.assertEqual(len(world.schedule), 0)
        self.assertEqual(len(world.fallen), len(set(world.fallen)))

    def test_nothing_falls_due_beyond_what_is_loaded(self):
        schedule = Schedule(0, nearest=2)
        self.assertEqual(schedule.wanted(), ((0, (1 << 63) - 1), 2))
        schedule.arrived([(10, 1), (20, 2)], 2)
        schedule.add(30, 3, stored=True)  # beyond: the store keeps it until it is asked for
        self.assertEqual(len(schedule), 2)
        self.assertEqual(schedule.fall(50), [1, 2])
        self.assertIsNone(schedule.next())
        self.assertTrue(schedule.is_waiting(3, 30), "it has not fallen due yet, late as it is")
        self.assertEqual(schedule.wanted(), ((20, 2), 2))
        schedule.arrived([(30, 3)], 2)
        self.assertEqual(schedule.fall(50), [3])

    def test_one_load_at_a_time_and_none_while_there_is_enough(self):
        schedule = Schedule(0, nearest=4)
        self.assertIsNotNone(schedule.wanted())
        self.assertIsNone(schedule.wanted())
        schedule.failed()
        self.assertIsNotNone(schedule.wanted())
        schedule.arrived([(n, n) for n in range(1, 5)], 4)
        self.assertIsNone(schedule.wanted())
        schedule.fall(2)
        self.assertIsNotNone(schedule.wanted())

    def test_what_comes_during_a_load_is_kept_whatever_the_answer_holds(self):
        schedule = Schedule(0, nearest=2)
        schedule.wanted()
        schedule.add(99, 9, stored=True)
        schedule.arrived([(10, 1), (20, 2)], 2)
        self.assertEqual(schedule.fall(100), [1, 2])
        self.assertIsNone(schedule.next(), "there may be more before it in the store")
        schedule.wanted()
        schedule.arrived([(99, 9)], 2)
        self.assertEqual(schedule.fall(100), [9])

    def test_a_clock_set_back_makes_nothing_wait_again(self):
        world = World(5)
        world.do_ask()
        world.do_answer(failed=False)
        world.do_add(10, stored=True)
        world.do_pass(20, 5)
        self.assertEqual(world.fallen, [1])
        world.do_pass(-100, 5)
        self.assertFalse(world.schedule.is_waiting(1, 110))
        world.do_add(5, stored=True)  # due before what has fallen due already
        self.assertTrue(world.schedule.is_waiting(2, 25))
        world.do_pass(4, 5)
        self.assertEqual(world.fallen, [1])
        world.do_pass(1, 5)
        self.assertEqual(world.fallen, [1, 2])

    def test_what_is_far_away_is_left_to_the_store(self):
        schedule = Schedule(0, nearest=100)
        schedule.wanted()
        schedule.arrived([], 100)
        for number in range(1, 30_001):
            schedule.add(number, number, stored=True)
        self.assertLessEqual(len(schedule), 200)
        self.assertEqual(schedule.fall(100_000), list(range(1, 101)))
        self.assertEqual(schedule.wanted(), ((100, 100), 100))

    def test_what_is_not_stored_yet_is_never_left_to_the_store(self):
        schedule = Schedule(0, nearest=2)
        schedule.wanted()
        schedule.arrived([], 2)
        for number in range(1, 11):
            schedule.add(number, number, stored=False)
        self.assertEqual(len(schedule), 10)
        schedule.saved(range(1, 11))
        for number in range(11, 21):
            schedule.add(number, number, stored=False)
        self.assertEqual(set(schedule.fall(100)), {1, 2})
        self.assertEqual(schedule.wanted(), ((2, 2), 2))
        schedule.arrived([(number, number) for number in range(3, 11)], 10)
        self.assertEqual(schedule.fall(100), list(range(3, 21)))

    def test_a_trim_never_claims_to_have_loaded_what_it_has_not(self):
        # Unsaved ones lie beyond the 20 that are loaded; the store has one in between, 25.
        schedule = Schedule(0, nearest=2)
        schedule.wanted()
        schedule.arrived([(10, 1), (20, 2)], 2)
        schedule.fall(10)
        for number in range(40, 43):
            schedule.add(number, number, stored=False)
        schedule.saved([40, 41, 42])
        schedule.add(43, 43, stored=False)
        schedule.fall(20)
        self.assertEqual(schedule.wanted()[0], (20, 2))
        schedule.arrived([(25, 25), (40, 40)], 2)
        self.assertEqual(schedule.fall(30), [25])

    def test_a_trim_keeps_what_is_overdue_and_did_not_fall_for_the_limit(self):
        schedule = Schedule(0, nearest=2)
        schedule.wanted()
        schedule.arrived([], 2)
        for number in range(1, 5):
            schedule.add(number, number, stored=True)
        self.assertEqual(schedule.fall(100, limit=1), [1])
        schedule.add(200, 9, stored=True)
        schedule.add(300, 10, stored=True)
        for number in range(2, 5):
            self.assertTrue(schedule.is_waiting(number, number))
        self.assertEqual(schedule.fall(100), [2, 3, 4])

    def test_adding_stays_cheap_where_nothing_can_be_dropped(self):
        schedule = Schedule(0, nearest=10)
        trims = []
        trim = schedule._trim
        schedule._trim = lambda: (trims.append(1), trim())
        for number in range(10_000):
            schedule.add(number + 1, number, stored=False)
        self.assertLess(len(trims), 20)

    def test_what_is_cancelled_does_not_come_back_with_an_answer_on_its_way(self):
        schedule = Schedule(0, nearest=5)
        schedule.wanted()
        schedule.cancel(1)
        schedule.removed()  # its commit is through, but the answer was read before
        schedule.arrived([(10, 1), (11, 2)], 5)
        self.assertEqual(schedule.fall(20), [2])
        schedule.removed()
        self.assertEqual(schedule._cancelled, set())

    def test_what_is_held_does_not_fall_due_and_falls_due_at_its_new_time(self):
        schedule = filled((10, 1), (20, 2))
        schedule.hold(1)
        self.assertEqual(schedule.fall(15), [])
        self.assertTrue(schedule.is_waiting(1, 10), "it would have fallen due, and is held")
        schedule.moved(1, 30)
        self.assertTrue(schedule.is_waiting(1, 10), "as a page says that was read before the move")
        self.assertEqual((schedule.next(), len(schedule)), (20, 2))
        self.assertEqual(schedule.fall(29), [2])
        self.assertEqual(schedule.fall(30), [1])
        for due in (10, 30, 99):
            self.assertFalse(schedule.is_waiting(1, due))

    def test_what_is_moved_to_the_past_falls_due_now(self):
        schedule = filled((100, 1))
        schedule.fall(50)
        schedule.hold(1)
        schedule.moved(1, 20)
        self.assertTrue(schedule.is_waiting(1, 20))
        self.assertEqual(schedule.fall(50), [1])
        self.assertFalse(schedule.is_waiting(1, 100), "as a page says that was read before the move")

    def test_what_is_moved_back_falls_due_once(self):
        schedule = filled((10, 1))
        for due in (30, 10):
            schedule.hold(1)
            schedule.moved(1, due)
        self.assertEqual(schedule.fall(99), [1])
        self.assertIsNone(schedule.next())

    def test_the_last_of_several_moves_counts(self):
        schedule = filled((10, 1))
        schedule.hold(1)
        schedule.hold(1)
        schedule.moved(1, 12)
        self.assertEqual(schedule.fall(20), [], "it is still held")
        schedule.moved(1, 30)
        self.assertEqual((schedule.fall(29), schedule.fall(30)), ([], [1]))

    def test_a_load_under_way_changes_nothing_about_what_was_moved(self):
        schedule = Schedule(0, nearest=2)
        schedule.wanted()
        schedule.arrived([(10, 1), (20, 2)], 2)
        schedule.fall(20)
        schedule.wanted()  # reads (30, 3), (40, 4) and (50, 5) as they were before the moves
        for message_id, due in ((3, 15), (4, 35), (5, 45)):
            schedule.hold(message_id)
            schedule.moved(message_id, due)
        schedule.removed()
        self.assertEqual(schedule.fall(20), [3])
        self.assertEqual(schedule.fall(99), [], "there may be more before it in the store")
        schedule.arrived([(30, 3), (40, 4), (50, 5)], 4)
        self.assertEqual(schedule.fall(44), [4])
        self.assertEqual(schedule.fall(45), [5])
        self.assertIsNone(schedule.next())

    def test_what_is_held_is_not_loaded(self):
        schedule = Schedule(0, nearest=2)
        schedule.hold(1)
        schedule.wanted()
        schedule.arrived([(10, 1)], 2)
        self.assertEqual(schedule.fall(20), [])
        schedule.moved(1, 20)
        self.assertEqual(schedule.fall(20), [1])

    def test_what_is_cancelled_while_it_is_held_never_falls_due(self):
        schedule = filled((10, 1))
        schedule.hold(1)
        schedule.cancel(1)
        schedule.removed()
        schedule.moved(1, 12)
        self.assertEqual(schedule.fall(20), [])
        self.assertEqual(len(schedule), 0)

    def test_the_last_moves_are_remembered_and_no_more(self):
        schedule = Schedule(0, nearest=2, moves=2)
        schedule.wanted()
        for message_id in (1, 2, 3):
            schedule.hold(message_id)
            schedule.moved(message_id, message_id)
        self.assertEqual(list(schedule._moved), [1, 2, 3], "the load under way may have them")
        schedule.arrived([(11, 1), (12, 2), (13, 3)], 4)
        schedule.hold(2)
        schedule.moved(2, 4)
        self.assertEqual(list(schedule._moved), [3, 2])
        self.assertEqual(schedule.fall(20), [1, 3, 2])

    def test_many_moves_far_ahead_are_left_to_the_store(self):
        schedule = Schedule(0, nearest=10)
        schedule.wanted()
        schedule.arrived([], 10)
        for message_id in range(1, 101):
            schedule.hold(message_id)
            schedule.moved(message_id, 1000 + message_id)
        self.assertLessEqual(len(schedule), 20)
        self.assertLessEqual(len(schedule._heap), 20)
        self.assertTrue(schedule.is_waiting(100, 5), "left to the store, and remembered")


def filled(*entries):
    """A schedule at 0 that holds these and knows that the store has no more."""
    schedule = Schedule(0, nearest=10)
    schedule.wanted()
    schedule.arrived(list(entries), 10)
    return schedule
