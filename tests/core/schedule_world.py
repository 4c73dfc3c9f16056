"""A schedule, the store behind it, and a plain dict to compare them with."""

from kapokmq.core.schedule import Schedule


class World:
    """A schedule, the store behind it, and a plain dict of what is still to fall due.

    A commit takes what was cancelled and moved to the store, and is reported later. Loads are answered later, too, with
    what the store had when it was asked.
    """

    def __init__(self, nearest, stored=()):
        self.now = self.latest = 100
        self.schedule = Schedule(self.now, nearest)
        self.count = 0
        self.stored = {}  # id -> due, what the store has
        self.unsaved = {}
        self.rows = []  # of the next commit: (id, new due time, or None where it was cancelled)
        self.committed = None  # rows that the store has, and the schedule has not heard of
        self.cancelled = set()  # not gone from the store yet, as far as the schedule knows
        self.dues = {}  # id -> every due time it ever had
        self.waiting = {}
        self.fallen = []
        self.asked = None
        for due in stored:
            message_id = self._next()
            self.stored[message_id] = due
            self.dues[message_id] = [due]
        self.waiting.update(self.stored)

    def _next(self):
        self.count += 1
        return self.count

    def step(self, what, *arguments):
        getattr(self, f"do_{what}")(*arguments)
        for message_id in (*self.stored, *self.unsaved):
            if message_id not in self.cancelled:
                expected = message_id in self.waiting
                for due in self.dues[message_id]:  # whichever a page has that was read a while ago
                    assert self.schedule.is_waiting(message_id, due) == expected, (what, message_id, due, expected)

    def do_add(self, delay, stored):
        message_id, due = self._next(), self.now + delay
        (self.stored if stored else self.unsaved)[message_id] = due
        self.dues[message_id] = [due]
        self.waiting[message_id] = due
        self.schedule.add(due, message_id, stored=stored)

    def do_save(self):
        self.stored.update(self.unsaved)
        self.schedule.saved(list(self.unsaved))
        self.unsaved = {}

    def _choose(self, number):
        waiting = [message_id for message_id in self.waiting if message_id in self.stored]
        return waiting[number % len(waiting)] if waiting else None

    def do_cancel(self, number):
        message_id = self._choose(number)
        if message_id is not None:
            del self.waiting[message_id]
            self.cancelled.add(message_id)
            self.rows.append((message_id, None))
            self.schedule.cancel(message_id)

    def do_move(self, number, delay):
        message_id = self._choose(number)
        if message_id is not None:
            due = self.waiting[message_id] = self.now + delay
            self.dues[message_id].append(due)
            self.rows.append((message_id, due))
            self.schedule.hold(message_id)

    def do_move_back(self, number):
        message_id = self._choose(number)
        if message_id is not None:
            self.do_move(number, self.dues[message_id][0] - self.now)

    def do_commit(self):
        if self.committed is None:
            self.committed, self.rows = self.rows, []
            for message_id, due in self.committed:
                self.stored.pop(message_id) if due is None else self.stored.update({message_id: due})

    def do_report(self):
        if self.committed is not None:
            committed, self.committed = self.committed, None
            for message_id, due in committed:
                if due is None:
                    self.cancelled.discard(message_id)
                else:
                    self.schedule.moved(message_id, due)
            if not self.cancelled:
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
        held = {message_id for message_id, due in (*self.rows, *(self.committed or ())) if due is not None}
        assert not held.intersection(fallen), "while its new due time was on its way"
        self.fallen += fallen

    def come_to_an_end(self):
        """Time passes until nothing is left."""
        self.do_save()
        self.do_answer(failed=False)
        self.do_report()
        self.do_commit()
        self.do_report()
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
