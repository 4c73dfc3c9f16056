"""How late the reactor is."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.services.loop_delay import BUSY_EVERY, IDLE_EVERY, LoopDelay


class LoopDelayTests(SynchronousTestCase):
    """Each look is compared with when it was due, and the next comes sooner where there is work."""

    def setUp(self):
        self.clock, self.told, self.cpu = Clock(), [], 0.0
        self.delay = LoopDelay(self.clock, lambda: self.cpu, self.told.append)
        self.delay.start()

    def after(self, seconds, cpu=0.0):
        """Let time pass. Gives how long the next look waits."""
        self.cpu += cpu
        self.clock.advance(seconds)
        (timer,) = self.clock.getDelayedCalls()
        return round(timer.getTime() - self.clock.seconds(), 6)

    def test_each_look_tells_by_how_much_it_was_late(self):
        for late in (0, 0.05, 0):
            self.after(BUSY_EVERY + late, cpu=1)
        self.assertEqual([round(one, 6) for one in self.told], [0, 0.05, 0])

    def test_it_looks_more_often_while_there_is_work(self):
        self.assertEqual(self.after(BUSY_EVERY, cpu=0.05 * BUSY_EVERY), BUSY_EVERY)
        self.assertEqual(self.after(BUSY_EVERY, cpu=0.04 * BUSY_EVERY), IDLE_EVERY)
        self.assertEqual(self.after(IDLE_EVERY), IDLE_EVERY)
        self.assertEqual(self.after(IDLE_EVERY + 0.9, cpu=0.06), BUSY_EVERY)
        self.assertEqual(round(self.told[-1], 6), 0.9)

    def test_it_ends(self):
        self.delay.stop()
        self.delay.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
