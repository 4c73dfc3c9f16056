"""Which node gets the next publish."""

from collections import Counter
from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.cluster.choice import STRATEGIES, strategy


@dataclass
class Some:
    name: str
    messages: int = 0
    used: int = 0


class ChoiceTests(SynchronousTestCase):
    def chosen(self, name, nodes, times, chance=lambda: 0.0):
        choice, names = strategy(name, chance), []
        for turn in range(times):
            node = choice.choose(nodes)
            node.used = turn + 1
            names.append(node.name)
        return names

    def test_random(self):
        given = iter([0.0, 0.4, 0.99, 0.6])
        nodes = [Some("a"), Some("b"), Some("c")]
        self.assertEqual(self.chosen("random", nodes, 4, lambda: next(given)), ["a", "b", "c", "b"])

    def test_round_robin_whoever_comes_and_goes(self):
        choice = strategy("round robin", lambda: 0.0)
        a, b, c = (Some(name) for name in "abc")
        for turn, nodes, wanted in ((1, [a, b], a), (2, [a, b], b), (3, [a, b, c], c), (4, [b, c], b), (5, [a, c], a)):
            self.assertIs(choice.choose(nodes), wanted)
            wanted.used = turn

    def test_least_in_flight(self):
        nodes = [Some("a", 5), Some("b", 2), Some("c", 2)]
        self.assertEqual(self.chosen("least in flight", nodes, 3), ["b", "c", "b"])

    def test_each_is_fair_where_nodes_are_alike(self):
        chances = iter([index / 30 for index in range(30)])
        for name in STRATEGIES:
            nodes = [Some(each) for each in "abc"]
            self.assertEqual(Counter(self.chosen(name, nodes, 30, lambda: next(chances))), dict.fromkeys("abc", 10))

    def test_another(self):
        with self.assertRaisesRegex(ValueError, "'fair' is none of random, round robin"):
            strategy("fair", lambda: 0.0)
