"""When delayed messages fall due, with little of them in memory."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.schedule import Schedule

STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("add"), st.integers(-5, 30), st.booleans()),
    st.tuples(st.just("save")),
    st.tuples(st.just("cancel"), st.integers(0, 200)),
    st.tuples(st.just("commit")),
    st.tuples(st.just("ask")),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("pass"), st.integers(-10, 10), st.integers(1, 4)),
)


class World:
    """A schedule, the store behind it, and a plain set of what is still to fall due."""

    def __init__(self, nearest, stored=()):
        self.now = self.latest = 100
        self.schedule = Schedule(self.now, nearest)
        self.count = 0
        self.stored = {}  # id -> due, what the store has
        self.unsaved = {}
        self.cancelled = set()  # not committed yet
        self.waiting = {}
        self.fallen = []
        self.asked = None
        for due in stored:
            self.stored[self._next()] = due
        self.waiting.update(self.stored)

    def _next(self):
        self.count += 1
        return self.count

    def step(self, what, *arguments):
        getattr(self, f"do_{what}")(*arguments)
        dues = {**self.stored, **self.unsaved}
        for message_id, due in dues.items():
            if message_id not in self.cancelled:
                expected = message_id in self.waiting
                assert self.schedule.is_waiting(message_id, due) == expected, (what, message_id, expected)

    def do_add(self, delay, stored):
        message_id, due = self._next(), self.now + delay
        (self.stored if stored else self.unsaved)[message_id] = due
        self.waiting[message_id] = due
        self.schedule.add(due, message_id, stored=stored)

    def do_save(self):
        self.stored.update(self.unsaved)
        self.schedule.saved(list(self.unsaved))
        self.unsaved = {}

    def do_cancel(self, number):
        waiting = [message_id for message_id in self.waiting if message_id in self.stored]
        if waiting:
            message_id = waiting[number % len(waiting)]
            del self.waiting[message_id]
            self.cancelled.add(message_id)
            self.schedule.cancel(message_id)

    def do_commit(self):
        for message_id in self.cancelled:
            del self.stored[message_id]
        self.cancelled = set()
        self.schedule.removed()

    def do_ask(self):
        wanted = self.schedule.wanted()
        if wanted is not None:
            after, limit = wanted
            rows = sorted((due, message_id) for message_id, due in self.stored.items() if (due, message_id) > after)
            self.asked = rows[:limit], limit

    def do_answer(self, failed):
        if self.asked is not None:
            (rows, limit), self.asked = self.asked, None
            if failed:
                self.schedule.failed()
            else:
                self.schedule.arrived(rows, limit)

    def do_pass(self, seconds, limit):
        self.now += seconds
        self.latest = max(self.latest, self.now)
        fallen = self.schedule.fall(self.now, limit)
        assert len(fallen) <= limit
        dues = [self.waiting.pop(message_id) for message_id in fallen]  # KeyError: fell twice, or was cancelled
        assert dues == sorted(dues), "not in due order"
        assert all(due <= self.now for due in dues), "before it was due"
        self.fallen += fallen

    def come_to_an_end(self):
        """Time passes until nothing is left."""
        self.do_save()
        self.do_answer(failed=False)
        for _ in range(3 * self.count + 3):
            self.do_ask()
            more = self.asked is not None
            self.do_answer(failed=False)
            due = self.schedule.next()
            if due is not None:
                self.step("pass", max(0, due - self.now), 5)
            elif not more:
                return
        raise AssertionError("it never ends")


class ScheduleTests(SynchronousTestCase):
    """Nothing falls due early, twice or never, however little is kept in memory."""

    @given(st.integers(1, 5), st.lists(st.integers(101, 140), max_size=12), st.lists(STEPS, min_size=20, max_size=60))
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
