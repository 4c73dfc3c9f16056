"""What a member holds: what ends in the order dealt, what ends otherwise, and both after each other."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.held import Batch, Held
from kapokmq.core.message import Message, make_id

PREFIX = "5" * 24


def code_of(offset, prefix=PREFIX):
    return f"{prefix}{make_id(1, offset):016x}"


def codes_of(offsets):
    return [code_of(offset) for offset in offsets]


def a_message(offset):
    return Message(make_id(1, offset), 1, 0, 0, None, None, None, None, f"m{offset}")


class HeldCase(SynchronousTestCase):
    def setUp(self):
        self.held = Held()

    def deal(self, offsets):
        """As `Group._hand` does it."""
        offsets = list(offsets)
        batch = Batch([None], codes_of(offsets), None)
        gapless = offsets == list(range(offsets[0], offsets[0] + len(offsets)))
        self.held.add(batch, [a_message(offset) for offset in offsets], gapless=gapless)
        return batch

    def left(self):
        return [message.offset for _, (message, _) in self.held.items()]

    def end(self, *offsets):
        """Their messages' offsets, and the odd ones."""
        ended, odd, _ = self.held.end(codes_of(offsets))
        return [message.offset for message in ended], [int(code[24:], 16) & 0xFFFFFF for code in odd]


class HeldTests(HeldCase):
    """Codes are numbers here, of offsets."""

    def test_a_lot_ends_as_it_came(self):
        batch = self.deal(range(300))
        ended, odd, counts = self.held.end(codes_of(range(300)))
        self.assertEqual(([one.offset for one in ended], odd, counts), (list(range(300)), [], {batch: 300}))
        self.assertEqual((len(self.held), self.left()), (0, []))
        self.assertEqual((self.held._lots, self.held._blocks, self.held._loose), ({}, {}, {}))

    def test_one_end_may_be_of_several_lots_and_stop_within_one(self):
        one, other = self.deal(range(20)), self.deal(range(20, 60))
        self.assertEqual(self.held.end(codes_of(range(30)))[2], {one: 20, other: 10})
        self.assertEqual((len(self.held), self.left()), (30, list(range(30, 60))))

    def test_one_by_one_from_the_front(self):
        self.deal(range(100))
        for number in range(100):
            self.assertEqual(self.end(number), ([number], []))
            self.assertEqual(self.left(), list(range(number + 1, 100)))

    def test_one_by_one_from_the_back(self):
        self.deal(range(100))
        for number in reversed(range(100)):
            self.assertEqual(self.end(number), ([number], []))
            self.assertEqual(self.left(), list(range(number)))

    def test_what_has_ended_is_let_go_at_once(self):
        for offsets in (range(100), [*range(200, 300), 400]):
            self.deal(offsets)
            lot = next(reversed(self.held._lots.values()))
            self.end(*list(offsets)[:60], list(offsets)[80])
            self.assertEqual(sum(message is not None for message in lot.messages), len(offsets) - 61)

    def test_from_within(self):
        batch = self.deal(range(50))
        ended, odd, counts = self.held.end([code_of(20), code_of(20), "junk", code_of(90), code_of(3, "6" * 24)])
        self.assertEqual(([one.offset for one in ended], len(odd), counts), ([20], 4, {batch: 1}))
        self.assertEqual(self.end(1, 0, 21), ([1, 0, 21], []))
        self.assertEqual(self.left(), [*range(2, 20), *range(22, 50)])

    def test_codes_that_are_none_of_ours(self):
        self.deal(range(300))
        for code in ("", "junk", code_of(7)[:-1] + "g", code_of(7)[:-2] + "_7", code_of(7).upper() + " ", code_of(300)):
            self.assertEqual((self.held.get(code), self.held.end([code])[1]), (None, [code]), code)
        self.assertEqual(len(self.held), 300)

    def test_a_run_that_is_left_before_its_end_and_taken_up_again(self):
        self.deal(range(300))
        self.assertEqual(self.end(*range(37), 200, *range(37, 80)), ([*range(37), 200, *range(37, 80)], []))
        self.assertEqual(self.end(*range(80, 300)), ([*range(80, 200), *range(201, 300)], [200]))

    def test_a_look_takes_nothing_and_changes_nothing(self):
        batch = self.deal(range(50))
        message, found = self.held.get(code_of(30))
        self.assertEqual((message.offset, found is batch, self.held.get(code_of(50))), (30, True, None))
        self.assertEqual((len(self.held), len(self.held._loose), self.left()), (50, 0, list(range(50))))

    def test_a_whole_lot_that_has_become_thin_is_made_shorter_or_loose(self):
        self.deal(range(1000))
        self.end(*range(800))
        (lot,) = self.held._lots.values()
        self.assertEqual((len(lot.codes), lot.loose, len(self.held._blocks)), (200, False, 1))
        self.end(*range(900, 960))
        self.end(*range(800, 895))
        self.assertEqual((lot.loose, len(self.held._loose), self.held._blocks), (True, 45, {}))
        self.assertEqual(self.end(*range(895, 1000))[0], [*range(895, 900), *range(960, 1000)])

    def test_the_last_are_those_dealt_last(self):
        self.deal(range(50, 80))
        self.deal(range(3))
        self.end(1)
        self.assertEqual(self.held.last(1), codes_of([2]))
        self.assertEqual(self.held.last(3), codes_of([0, 2, 79]))
        self.assertEqual(self.held.last(None), codes_of([0, 2, *range(50, 80)]))

    def test_one_that_moves_to_another_batch_keeps_its_place(self):
        first = self.deal(range(40))
        other = Batch([None], codes_of([1, 30]), None)
        for offset in (1, 30, 77):
            self.held.move(code_of(offset), other)
        self.assertEqual(self.left(), list(range(40)))
        self.assertEqual(self.held.of(first), codes_of([0, *range(2, 30), *range(31, 40)]))
        self.assertEqual(self.held.of(other), codes_of([1, 30]))
        self.assertEqual(self.held.end(codes_of(range(32)))[2], {first: 30, other: 2})

    def test_what_was_dealt_again_is_found_beside_what_is_left_of_before(self):
        self.deal(range(100))
        self.end(*range(10, 40))
        again = self.deal(range(10, 40))
        self.assertIs(self.held.get(code_of(20))[1], again)
        self.assertEqual(self.end(*range(100))[1], [])

    def test_few_whole_lots_share_a_block_whatever_is_dealt_again(self):
        for last in range(1000, 900, -1):
            self.deal(range(last))
            self.end(*range(last - 1))
        self.assertEqual((len(self.held), self.held._blocks), (100, {}))


class ModelTests(HeldCase):
    """Whatever is done in whatever order, it is as with a dict."""

    STEPS: ClassVar = st.lists(
        st.tuples(
            st.sampled_from(["deal", "deal", "scattered", "again", "run", "some", "back", "look", "move"]),
            st.integers(0, 300),
            st.integers(1, 60),
        ),
        max_size=30,
    )

    @given(STEPS)
    def test_as_a_dict(self, steps):
        self.held, model, dealt = Held(), {}, 240  # soon another block begins
        for what, start, count in steps:
            one = code_of(240 + start)
            if what in {"deal", "scattered", "again"}:
                step = 3 if what == "scattered" else 1
                offsets = list(range(dealt, dealt + count * step, step))
                if what == "again":
                    offsets = [
                        o for o in range(240 + start, 240 + start + count) if o < dealt and code_of(o) not in model
                    ]
                if not offsets:
                    continue
                batch = self.deal(offsets)
                dealt = max(dealt, offsets[-1] + 1)
                model.update((code_of(offset), (a_message(offset), batch)) for offset in offsets)
            elif what == "look":
                self.assertEqual(self.held.get(one), model.get(one))
            elif what == "move":
                batch = Batch([None], [one], None)
                self.held.move(one, batch)
                if one in model:
                    model[one] = (model[one][0], batch)
                self.assertEqual(self.held.of(batch), [one] if one in model else [])
            else:
                held, numbered = list(model), codes_of(range(240 + start, 240 + start + count))
                codes = {
                    "run": held[start : start + count],
                    "some": numbered[:: 1 + start % 3],
                    "back": held[: -count - 1 : -1],
                }
                self._end(codes[what], model)
            self.assertEqual((len(self.held), list(self.held.items())), (len(model), list(model.items())))
            self.assertEqual(sorted(self.held.last(5)), sorted(list(model)[-5:]))
            for batch in {batch for _, batch in model.values()}:
                self.assertEqual(self.held.of(batch), [code for code, lease in model.items() if lease[1] is batch])

    def _end(self, codes, model):
        found = [model.pop(code, None) for code in codes]
        counts = {}
        for lease in filter(None, found):
            counts[lease[1]] = counts.get(lease[1], 0) + 1
        odd = [code for code, lease in zip(codes, found, strict=True) if lease is None]
        self.assertEqual(self.held.end(codes), ([lease[0] for lease in filter(None, found)], odd, counts))
