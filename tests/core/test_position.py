"""How far a group has come, beside a plain dict of where each message is."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.memory import Memory
from kapokmq.core.message import OVERHEAD, Message, make_id
from kapokmq.core.position import Position
from kapokmq.core.rules import PAGE_BYTES, WRITE_BYTES
from kapokmq.core.schedule import Schedule

STEPS = st.one_of(
    st.tuples(st.just("feed"), st.lists(st.booleans(), min_size=1, max_size=6)),
    st.tuples(st.just("feed"), st.lists(st.booleans(), min_size=1, max_size=6)),
    st.tuples(st.just("take"), st.integers(0, 4)),
    st.tuples(st.just("give_back"), st.integers(0, 40)),
    st.tuples(st.just("postpone"), st.integers(0, 40), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.integers(0, 40), st.integers(0, 3)),
    st.tuples(st.just("resume"), st.integers(0, 5)),
)


def a_message(offset, data="x", due=None):
    return Message(make_id(1, offset), 1, 0, 0, due, None, None, None, data)


def offsets(messages):
    return [message.offset for message in messages]


def a_position(mark=0, runs=(), budget=1 << 20):
    memory = Memory(budget)
    return Position(memory, mark, runs), memory


def feed(position, messages, stop, schedule=None):
    if schedule is None:
        schedule = Schedule(0)
    return position.feed(messages, stop, schedule, sum(message.size for message in messages))


class World:
    """A position, and the same in plain sets: done, queued in order, held, postponed until."""

    def __init__(self):
        self.position, self.memory = a_position()
        self.done, self.queue, self.held, self.later = set(), [], {}, {}
        self.now = 0

    def step(self, what, *arguments):
        getattr(self, f"do_{what}")(*arguments)
        position = self.position
        assert {offset for offset in range(position.end) if position.is_done(offset)} >= self.done & set(
            range(position.end)
        )
        assert all(position.is_done(offset) == (offset in self.done) for offset in range(60))
        # What is done with leaves memory when it comes up, no later.
        assert self.memory.held % (1 + OVERHEAD) == 0
        alive = [offset for offset in self.queue if offset not in self.done]
        assert self.memory.held >= (len(alive) + len(self.held) + len(self.later)) * (1 + OVERHEAD)
        assert position.next_resume() == min((until for until, _ in self.later.values()), default=None)

    def do_feed(self, there):
        start = self.position.end
        found = [start + index for index, is_there in enumerate(there) if is_there]
        holes = {start + index for index, is_there in enumerate(there) if not is_there}
        fresh = feed(self.position, [a_message(offset) for offset in found], start + len(there))
        assert {offset for first, last in fresh for offset in range(first, last + 1)} == holes - self.done
        self.done |= holes
        self.queue += [offset for offset in found if offset not in self.done]

    def do_take(self, count):
        alive = [offset for offset in self.queue if offset not in self.done]
        taken = self.position.take(count)
        assert offsets(taken) == alive[:count]
        self.queue = alive[count:]
        self.held.update((message.offset, message) for message in taken)

    def _pick(self, number):
        held = sorted(self.held)
        return self.held.pop(held[number % len(held)]) if held else None

    def do_give_back(self, number):
        message = self._pick(number)
        if message is not None:
            self.position.give_back([message])
            self.queue.insert(0, message.offset)

    def do_postpone(self, number, seconds):
        message = self._pick(number)
        if message is not None:
            self.position.postpone(message.offset, message, self.now + seconds)
            self.later[message.offset] = (self.now + seconds, message.offset)

    def do_settle(self, first, more):
        run = set(range(first, first + more + 1))
        fresh = self.position.settle(first, first + more)
        assert {offset for low, high in fresh for offset in range(low, high + 1)} == run - self.done
        self.done |= run

    def do_resume(self, seconds):
        self.now += seconds
        back = sorted(entry for entry in self.later.values() if entry[0] <= self.now)
        assert self.position.resume(self.now) == len(back)
        for _, offset in back:
            del self.later[offset]
        # Out of order comes before in order, after what came back earlier.
        at = len(self.position.ready) - len(back)
        ready = [message.offset for message in self.position.ready]
        assert ready[at:] == [offset for _, offset in back]
        self.queue = ready + offsets(self.position.ahead)

    def come_to_an_end(self):
        self.do_resume(100)
        self.do_take(1000)
        self.position.forget(list(self.held.values()))
        assert self.memory.held == 0
        assert not self.position.queued


class PositionModelTests(SynchronousTestCase):
    """Whatever comes, each message below the end is in one place, and memory is counted right."""

    @given(st.lists(STEPS, min_size=5, max_size=40))
    def test_what_is_not_done_with_is_dealt_again_and_what_is_done_never(self, steps):
        world = World()
        for step in steps:
            world.step(*step)
        world.come_to_an_end()


class PositionTests(SynchronousTestCase):
    """One promise each."""

    def test_a_mark_moves_over_acknowledged_runs_and_never_back(self):
        position, _ = a_position(mark=2, runs=[(5, 6)])
        self.assertEqual(position.settle(3, 4), [(3, 4)])
        self.assertEqual(position.mark, 2)
        self.assertEqual(position.settle(0, 2), [(2, 2)])
        self.assertEqual((position.mark, list(position.done)), (7, []))
        self.assertEqual(position.settle(0, 6), [])

    def test_it_tells_which_part_of_a_run_is_done(self):
        position, _ = a_position(mark=2, runs=[(4, 5), (8, 9)])
        self.assertEqual(position.done_within(0, 8), [(0, 1), (4, 5), (8, 8)])
        self.assertEqual(position.done_within(0, 0), [(0, 0)])
        self.assertEqual(position.done_within(6, 7), [])
        self.assertEqual(position.settle_all([3, 2, 7]), [(2, 3), (7, 7)])

    def test_holes_at_the_front_in_the_middle_and_at_the_end_are_done_with(self):
        position, _ = a_position()
        self.assertEqual(feed(position, [a_message(1), a_message(4)], 6), [(0, 0), (2, 3), (5, 5)])
        self.assertEqual(position.mark, 1)
        self.assertEqual(offsets(position.take(9)), [1, 4])
        self.assertEqual(feed(position, [], 8), [(6, 7)])

    def test_a_delayed_message_waits_beside_the_log_until_it_falls_due(self):
        position, memory = a_position()
        schedule = Schedule(0)
        schedule.add(50, make_id(1, 0), stored=True)
        feed(position, [a_message(0, due=50), a_message(1)], 2, schedule)
        self.assertEqual(memory.held, 1 + OVERHEAD)
        self.assertEqual(offsets(position.take(9)), [1])
        self.assertTrue(position.fall_due(0))
        self.assertEqual(list(position.wanted), [0])
        self.assertFalse(position.fall_due(2), "beyond the end it is met in its page")

    def test_what_fell_due_before_its_page_came_is_dealt_in_its_place(self):
        position, _ = a_position()
        schedule = Schedule(60)
        feed(position, [a_message(0, due=50), a_message(1)], 2, schedule)
        self.assertEqual(offsets(position.take(9)), [0, 1])

    def test_what_is_done_with_is_not_wanted_when_it_falls_due(self):
        position, _ = a_position(mark=5)
        self.assertTrue(position.fall_due(3))
        self.assertFalse(position.wanted)

    def test_fetched_messages_come_in_the_order_asked_and_missing_ones_are_done_with(self):
        position, memory = a_position(mark=0)
        position.end = 10
        position.fetching = True
        position.settle(5, 5)
        fresh = position.fetched([a_message(2), a_message(5), a_message(7)], [7, 5, 2, 3], Schedule(0))
        self.assertEqual(fresh, [(3, 3)])
        self.assertFalse(position.fetching)
        self.assertEqual(offsets(position.ready), [7, 2])
        self.assertEqual(memory.held, 2 * (1 + OVERHEAD))

    def test_a_fetched_message_that_is_to_fall_due_again_waits_for_that(self):
        position, memory = a_position()
        position.end = 1
        self.assertEqual(position.fetched([a_message(0, due=50)], [0], Schedule(0)), [])
        self.assertEqual((position.queued, memory.held), (False, 0))
        position.fall_due(0)
        position.fetched([a_message(0, due=50)], [0], Schedule(60))
        self.assertEqual(offsets(position.take(9)), [0])

    def test_take_stops_at_a_megabyte_but_gives_one_message_at_least(self):
        position, _ = a_position()
        half = "x" * (WRITE_BYTES // 2)
        big = "x" * (2 * WRITE_BYTES)
        feed(position, [a_message(0, half), a_message(1, half), a_message(2, half), a_message(3, big)], 4)
        self.assertEqual(offsets(position.take(9)), [0, 1])
        self.assertEqual(offsets(position.take(9)), [2])
        self.assertEqual(offsets(position.take(9)), [3])
        self.assertEqual(position.taken, 4)

    def test_what_comes_out_of_order_fills_the_megabyte_before_what_is_in_order(self):
        position, _ = a_position()
        feed(position, [a_message(0, "x" * WRITE_BYTES), a_message(1)], 2)
        position.give_back(position.take(1))
        self.assertEqual(offsets(position.take(9)), [0])

    def test_what_is_done_meanwhile_leaves_memory_when_it_comes_up(self):
        position, memory = a_position()
        feed(position, [a_message(offset) for offset in range(4)], 4)
        position.settle(0, 0)
        position.settle(2, 2)
        self.assertEqual(offsets(position.take(9)), [1, 3])
        self.assertEqual(memory.held, 2 * (1 + OVERHEAD))

    def test_a_retry_found_at_the_start_waits_although_its_page_comes_first(self):
        position, memory = a_position()
        position.postpone(1, None, 60.0)
        feed(position, [a_message(0), a_message(1), a_message(2)], 3)
        self.assertEqual(offsets(position.take(9)), [0, 2])
        self.assertEqual(memory.held, 3 * (1 + OVERHEAD))
        self.assertEqual(position.resume(59.9), 0)
        self.assertEqual(position.resume(60.0), 1)
        self.assertEqual(offsets(position.take(9)), [1])

    def test_a_retry_found_at_the_start_is_read_when_its_time_comes_before_its_page(self):
        position, _ = a_position()
        position.postpone(1, None, 60.0)
        self.assertEqual(position.next_resume(), 60.0)
        position.resume(60.0)
        self.assertFalse(position.wanted, "its page is still to come")
        position.postpone(1, None, 70.0)
        position.end = 2
        position.fall_due(1)
        self.assertFalse(position.wanted, "due it is, but its retry is later")
        position.resume(70.0)
        self.assertEqual(list(position.wanted), [1])
        self.assertIsNone(position.next_resume())

    def test_reading_on_pauses_while_memory_is_overdrawn_and_something_is_left(self):
        position, memory = a_position(budget=1000)
        self.assertTrue(position.runs_dry(position.ahead, 2, 0))
        feed(position, [a_message(0)], 1)
        memory.held = 1000 + PAGE_BYTES - 1
        self.assertTrue(position.runs_dry(position.ahead, 2, 5))
        self.assertFalse(position.runs_dry(position.ahead, 1, 0))
        memory.held = 1000 + PAGE_BYTES
        self.assertFalse(position.runs_dry(position.ahead, 2, 0))
        self.assertFalse(position.runs_dry(position.ready, 2, 1), "what is leased is in memory as well")
        self.assertTrue(position.runs_dry(position.ready, 2, 0), "who has nothing reads on all the same")

    def test_what_is_on_its_way_is_not_asked_for_again(self):
        position, _ = a_position()
        position.end = 2
        position.fall_due(1)
        position.fall_due(1)
        self.assertEqual(list(position.wanted), [1])
        position.wanted.clear()
        position.fetching = True
        position.fall_due(1)
        self.assertFalse(position.wanted)
        position.fetched([a_message(1)], [1], Schedule(0))
        self.assertEqual(len(position.ready), 1)

    def test_what_lies_ahead_is_left_to_the_store_when_nobody_is_there(self):
        position, memory = a_position()
        feed(position, [a_message(0), a_message(1)], 2)
        position.take(1)
        position.let_go()
        self.assertEqual((position.end, list(position.ahead), memory.held), (1, [], a_message(0).size))
        position.let_go()
        self.assertEqual(position.end, 1)

    def test_it_is_kept_where_it_would_be_met_twice(self):
        for hold in ("ready", "wanted", "postponed", "reading", "fetching"):
            position, _ = a_position()
            feed(position, [a_message(0), a_message(1)], 2)
            if hold == "ready":
                position.ready.append(a_message(1))
            elif hold == "wanted":
                position.wanted.append(1)
            elif hold == "postponed":
                position.postpone(1, None, 9.0)
            else:
                setattr(position, hold, True)
            position.let_go()
            self.assertEqual((position.end, len(position.ahead)), (2, 2), hold)
