"""What a member holds: what ends in the order dealt, what ends otherwise, and both after each other."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.held import Batch, Held


def codes_of(first, count):
    return [f"{number:05d}" for number in range(first, first + count)]


class HeldTests(SynchronousTestCase):
    """Messages stand for themselves here: each is its code, with an m in front."""

    def setUp(self):
        self.held = Held()

    def deal(self, codes):
        batch = Batch([None], codes, None)
        self.held.add(batch, [f"m{code}" for code in codes])
        return batch

    def left(self):
        return [code for code, _ in self.held.items()]

    def test_a_lot_ends_as_it_came(self):
        batch = self.deal(codes_of(0, 3))
        self.assertEqual(self.held.end(codes_of(0, 3)), (["m00000", "m00001", "m00002"], [], {batch: 3}))
        self.assertEqual((len(self.held), self.left()), (0, []))

    def test_one_end_may_be_of_several_lots_and_stop_within_one(self):
        one, other = self.deal(codes_of(0, 3)), self.deal(codes_of(3, 3))
        ended, odd, counts = self.held.end(codes_of(0, 4))
        self.assertEqual((ended, odd, counts), ([f"m{code}" for code in codes_of(0, 4)], [], {one: 3, other: 1}))
        self.assertEqual((len(self.held), self.left()), (2, codes_of(4, 2)))

    def test_one_by_one_from_the_front(self):
        self.deal(codes_of(0, 10))
        for number in range(10):
            self.assertEqual(self.held.end(codes_of(number, 1))[0], [f"m{number:05d}"])
            self.assertEqual(self.left(), codes_of(number + 1, 9 - number))

    def test_what_has_ended_is_not_kept_in_memory(self):
        self.deal(codes_of(0, 1000))
        self.held.end(codes_of(0, 900))
        (lot,) = self.held._lots
        self.assertLessEqual(len(lot.messages), 200)

    def test_from_within(self):
        batch = self.deal(codes_of(0, 5))
        self.assertEqual(self.held.end(["00002", "00002", "junk"]), (["m00002"], ["00002", "junk"], {batch: 1}))
        self.assertEqual(self.left(), ["00000", "00001", "00003", "00004"])
        self.assertEqual(self.held.end(["00001", "00000"])[0], ["m00001", "m00000"])

    def test_a_look_takes_nothing(self):
        batch = self.deal(codes_of(0, 5))
        self.assertEqual((self.held.get("00003"), self.held.get("junk")), (("m00003", batch), None))
        self.assertEqual((len(self.held), self.left()), (5, codes_of(0, 5)))

    def test_the_last_come_first(self):
        self.deal(codes_of(5, 3))
        self.deal(codes_of(0, 3))
        self.held.end(["00001"])
        self.assertEqual(self.held.last(3), ["00002", "00000", "00007"])
        self.assertEqual(self.held.last(None), ["00002", "00000", "00007", "00006", "00005"])

    def test_one_that_moves_to_another_batch_keeps_its_place(self):
        first = self.deal(codes_of(0, 3))
        self.held.get("00001")
        other = Batch([None], ["00001"], None)
        self.held.move("00001", other)
        self.assertEqual(self.left(), codes_of(0, 3))
        self.assertEqual((self.held.of(first), self.held.of(other)), (["00000", "00002"], ["00001"]))

    def test_who_names_codes_that_it_does_not_hold_has_few_lots_looked_through(self):
        for number in range(100):
            self.deal(codes_of(2 * number, 2))
        self.assertEqual(self.held.end(["junk"])[1], ["junk"])
        self.assertEqual(len(self.held._fronts), 8)
        self.assertEqual(self.held.end(codes_of(0, 200))[1], [])


class ModelTests(SynchronousTestCase):
    """Whatever is done in whatever order, it is as with a dict."""

    STEPS: ClassVar = st.lists(
        st.tuples(st.sampled_from(["deal", "run", "some", "look", "move"]), st.integers(0, 40), st.integers(1, 12)),
        max_size=40,
    )

    @given(STEPS)
    def test_as_a_dict(self, steps):
        held, model, dealt = Held(), {}, 0
        for what, start, count in steps:
            if what == "deal":
                codes = codes_of(dealt, count)
                dealt += count
                batch = Batch([None], codes, None)
                held.add(batch, [f"m{code}" for code in codes])
                model.update((code, (f"m{code}", batch)) for code in codes)
            elif what == "look":
                code = f"{start:05d}"
                self.assertEqual(held.get(code), model.get(code))
            elif what == "move":
                code = f"{start:05d}"
                batch = Batch([None], [code], None)
                if held.get(code) is not None:
                    held.move(code, batch)
                    model[code] = (model[code][0], batch)
            else:
                codes = (
                    list(model)[start : start + count] if what == "run" else codes_of(start, count)[:: 1 + start % 3]
                )
                found = [model.pop(code, None) for code in codes]
                counts = {}
                for lease in filter(None, found):
                    counts[lease[1]] = counts.get(lease[1], 0) + 1
                odd = [code for code, lease in zip(codes, found, strict=True) if lease is None]
                self.assertEqual(held.end(codes), ([lease[0] for lease in filter(None, found)], odd, counts))
            self.assertEqual((len(held), list(held.items())), (len(model), list(model.items())))
            self.assertEqual(held.last(5), list(reversed(model))[:5])
