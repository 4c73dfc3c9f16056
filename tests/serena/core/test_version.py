"""Both packages come together."""

from twisted.trial.unittest import SynchronousTestCase

import kapokmq
from serena.core.version import VERSION


class VersionTests(SynchronousTestCase):
    def test_it_is_kapokmq_s(self):
        self.assertEqual(VERSION, kapokmq.__version__)
