"""Members that failed, and where to look for them."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.lost import Lost
from tests.serena.core.swim.lone import at


class LostTests(SynchronousTestCase):
    def test_the_fewer_are_lost_the_rarer_each_node_looks(self):
        lost = Lost(1000.0, Random(1))  # noqa: S311 -- a script
        lost.add(b"a", at(1), 0.0)
        found = [lost.draw(9, 1.0) for _ in range(1000)]
        self.assertTrue(70 < found.count(at(1)) < 130, found.count(at(1)))
        self.assertEqual({lost.draw(0, 1.0) for _ in range(100)}, {at(1)})

    def test_all_are_looked_for(self):
        lost = Lost(1000.0, Random(1))  # noqa: S311 -- a script
        for number in range(5):
            lost.add(b"%d" % number, at(number), 0.0)
        self.assertEqual({lost.draw(1, 1.0) for _ in range(200)}, {at(number) for number in range(5)})

    def test_who_is_found_or_lost_for_too_long_is_looked_for_no_more(self):
        lost = Lost(100.0, Random(1))  # noqa: S311 -- a script
        lost.add(b"a", at(1), 0.0)
        lost.add(b"b", at(2), 1.0)
        lost.add(b"a", at(3), 2.0)  # it has lived, elsewhere, and failed again
        lost.discard(b"b")
        lost.discard(b"nobody")
        self.assertEqual(len(lost), 1)
        self.assertEqual(lost.draw(0, 101.9), at(3))
        self.assertIsNone(lost.draw(0, 102.0))
        self.assertEqual(len(lost), 0)

    def test_there_is_a_limit(self):
        lost = Lost(100.0, Random(1))  # noqa: S311 -- a script
        for number in range(1030):
            lost.add(b"%d" % number, at(1), 0.0)
        self.assertEqual(len(lost), 1024)
