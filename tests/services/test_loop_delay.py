"""How late the reactor is."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.services.loop_delay import EVERY, LoopDelay


class LoopDelayTests(SynchronousTestCase):
    """Each look is compared with when it was due."""

    def test_each_look_tells_by_how_much_it_was_late(self):
        clock, told = Clock(), []
        delay = LoopDelay(clock, told.append)
        for wait in (0.3, EVERY, EVERY + 0.05, EVERY / 2):
            clock.advance(wait)
            delay.look()
        self.assertEqual([round(one, 6) for one in told], [0, 0.05, 0])
