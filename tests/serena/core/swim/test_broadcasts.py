"""What is still to be told."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.broadcasts import Broadcasts


def take(queue, room=10_000, *, overhead=2, limit=4, most=127):
    return queue.take(room, overhead=overhead, limit=limit, most=most)


class BroadcastsTests(SynchronousTestCase):
    def test_news_of_a_name_replace_older_ones(self):
        queue = Broadcasts()
        queue.put(b"old", b"a")
        queue.put(b"other", b"b")
        queue.put(b"new", b"a")
        self.assertEqual(len(queue), 2)
        self.assertEqual(sorted(take(queue)), [b"new", b"other"])
        queue.put(b"newest", b"a")  # also where the old one was sent already
        self.assertEqual(take(queue), [b"newest", b"other"])

    def test_a_name_is_forgotten_wherever_it_stands(self):
        queue = Broadcasts()
        for name in (b"a", b"b", b"c"):
            queue.put(b"of " + name, name)
        take(queue, 12)
        for name in (b"a", b"c", b"nobody"):
            queue.discard(name)
        self.assertEqual(len(queue), 1)
        self.assertFalse(queue.tells_of(b"a"))
        self.assertEqual(take(queue), [b"of b"])

    def test_as_many_as_fit(self):
        for overhead, count in ((2, 4), (3, 3)):
            queue = Broadcasts()
            for number in range(4):
                queue.put(b"1. this is a test"[:17] + b"%d" % number)
            self.assertEqual(len(take(queue, 80, overhead=overhead)), count)

    def test_each_goes_out_so_often_and_then_no_more(self):
        queue = Broadcasts()
        for number in range(4):
            queue.put(b"1. this is a test." + b"%d" % number, b"%d" % number)
        self.assertTrue(queue.tells_of(b"0"))
        counts = [len(take(queue, 80, overhead=3, limit=2)) for _ in range(4)]
        self.assertEqual(counts, [3, 3, 2, 0])
        self.assertEqual(len(queue), 0)
        self.assertFalse(queue.tells_of(b"0"))

    def test_a_limit_of_nothing_still_sends_once(self):
        queue = Broadcasts()
        queue.put(b"x")
        self.assertEqual([take(queue, limit=0), take(queue, limit=0)], [[b"x"], []])

    def test_rarest_first_then_longest_then_newest(self):
        queue = Broadcasts()
        queue.put(b"sent")
        take(queue)
        for data in (b"one", b"two", b"longer"):
            queue.put(data)
        self.assertEqual(take(queue), [b"longer", b"two", b"one", b"sent"])

    def test_what_is_too_long_waits_and_shorter_ones_go(self):
        queue = Broadcasts()
        queue.put(bytes(50))
        queue.put(b"short")
        self.assertEqual(take(queue, 20), [b"short"])
        self.assertEqual(take(queue, 2), [])
        self.assertEqual(take(queue, 52), [bytes(50)])

    def test_a_datagram_has_so_many_parts(self):
        queue = Broadcasts()
        for number in range(200):
            queue.put(b"%d" % number)
        self.assertEqual(len(take(queue, most=127)), 127)
        self.assertEqual(len(take(queue, most=127)), 127)
        self.assertEqual(take(queue, most=0), [])

    def test_pruning_keeps_what_was_told_least(self):
        queue = Broadcasts()
        queue.put(b"told", b"a")
        take(queue)
        for number in range(3):
            queue.put(b"%d" % number, b"%d" % number)
        queue.put(b"plain")
        self.assertEqual(queue.prune(5), 0)
        self.assertEqual(queue.prune(2), 3)
        self.assertEqual(take(queue), [b"plain", b"2"])
        self.assertFalse(queue.tells_of(b"a"))
        self.assertEqual(queue.prune(1), 1)
        self.assertEqual(len(queue), 1)
        self.assertEqual(queue.prune(0), 1)

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.binary(min_size=1, max_size=20), st.sampled_from([None, b"a", b"b", b"c"])),
                st.integers(0, 60),
            ),
            max_size=60,
        )
    )
    def test_it_does_what_a_plain_list_would(self, steps):
        queue, model = Broadcasts(), []
        for serial, step in enumerate(steps):
            if isinstance(step, tuple):
                data, name = step
                queue.put(data, name)
                model = [each for each in model if name is None or each[3] != name]
                model.append([0, -len(data), -serial, name, data])
            else:
                taken, room = [], step
                for each in sorted(model, key=lambda each: each[:3]):
                    if len(each[4]) <= room - 2 and len(taken) < 5:
                        taken.append(each)
                        room -= 2 + len(each[4])
                for each in taken:
                    each[0] += 1
                model = [each for each in model if each[0] < 3]
                self.assertEqual(take(queue, step, limit=3, most=5), [each[4] for each in taken])
            self.assertEqual(len(queue), len(model))
