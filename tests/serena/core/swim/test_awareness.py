"""How well a node itself does."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.awareness import Awareness
from tests.serena.core.swim.lone import FORMULAS


class AwarenessTests(SynchronousTestCase):
    def test_the_score_moves_as_memberlists_does(self):
        vector = FORMULAS["awareness_upstream_test"]
        awareness = Awareness(vector["max"])
        scores = []
        for delta in vector["deltas"]:
            awareness.add(delta)
            scores.append(awareness.score)
            self.assertEqual(awareness.scale(0.5), 0.5 * (awareness.score + 1))
        self.assertEqual(scores, vector["scores"])
