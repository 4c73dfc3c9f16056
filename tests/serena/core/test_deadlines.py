"""One timer for many deadlines, beside a plain dict."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.deadlines import Deadlines

KEYS = st.sampled_from("abcdef")
TIMES = st.integers(0, 20)
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, TIMES),
    st.tuples(st.just("sooner"), KEYS, TIMES),
    st.tuples(st.just("discard"), KEYS),
    st.tuples(st.just("pop"), TIMES),
)


class DeadlinesTests(SynchronousTestCase):
    """A key has one deadline, and comes up once."""

    @given(st.lists(STEPS, max_size=60))
    def test_it_does_what_a_dict_of_deadlines_would(self, steps):
        deadlines, model = Deadlines(), {}
        for what, *arguments in steps:
            if what == "set":
                deadlines.set(*arguments)
                model.__setitem__(*arguments)
            elif what == "sooner":
                deadlines.sooner(*arguments)
                key, when = arguments
                model[key] = min(when, model.get(key, when))
            elif what == "discard":
                deadlines.discard(*arguments)
                model.pop(arguments[0], None)
            else:
                due = {key for key, when in model.items() if when <= arguments[0]}
                popped = deadlines.pop(arguments[0])
                self.assertEqual(sorted(popped), sorted(due))
                self.assertEqual([model[key] for key in popped], sorted(model[key] for key in due))
                model = {key: when for key, when in model.items() if key not in due}
            self.assertEqual(deadlines.next(), min(model.values(), default=None))
            self.assertEqual(len(deadlines), len(model))

    def test_what_is_due_together_comes_in_the_order_it_was_set(self):
        deadlines = Deadlines()
        keys = [object(), object(), object()]  # never compared with each other
        for key in keys:
            deadlines.set(key, 5.0)
        self.assertEqual(deadlines.pop(4.9), [])
        self.assertEqual(deadlines.pop(5.0), keys)

    def test_moving_a_deadline_for_ever_takes_no_more_room(self):
        deadlines = Deadlines()
        for when in range(10_000):
            deadlines.set("a", when)
        self.assertLess(len(deadlines._heap), 100)
        self.assertEqual(deadlines.pop(9_998), [])
        self.assertEqual(deadlines.pop(9_999), ["a"])

    def test_a_key_set_again_to_the_same_time_is_no_work(self):
        deadlines = Deadlines()
        for _ in range(10):
            deadlines.set("a", 1.0)
        self.assertEqual(len(deadlines._heap), 1)
