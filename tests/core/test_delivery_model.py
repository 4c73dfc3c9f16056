"""Whatever happens in whatever order, every promise about deliveries is kept: groups, leases, schedule, keys, sessions.

The machine is told by chance what to do; the `World` says what must come of it, and checks everything that comes.
"""

import sys
from functools import partial

from hypothesis import settings
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import broker as broker_module
from kapokmq.core import dealer, emptying, queue, retention, sessions
from kapokmq.core.overview import group_info
from kapokmq.core.schedule import Schedule
from tests.core.delivery.books import DEFAULT
from tests.core.delivery.consumers import Consumers
from tests.core.delivery.machine import REMEMBERED
from tests.core.delivery.operators import Operators
from tests.core.delivery.publishers import Publishers


class DeliveryModel(Publishers, Consumers, Operators):
    """All of it together."""

    def teardown(self):
        """In the end everybody has got what was promised, and nothing is left behind."""
        if not hasattr(self, "rig") or sys.exc_info()[0] is not None:
            return
        rig, world = self.rig, self.world
        self.reads("well")
        self.most_readers = 100
        for reader in list(world.readers):
            world.leave(reader)
            rig.disconnect(reader.consumer)
        self._after()
        self._commit_all()
        self._moved(wall=2000.0, steady=2000.0)
        for _ in range(2):
            self.sweep()
            self._commit_all()
        assert not world.books.deleting, "a topic is never deleted"
        for (topic, name), share in sorted(world.books.shares.items()):
            share.paused = False
            rig.pause(topic, name, paused=False)
        for topic in sorted(world.books.topics):
            if not world.books.of(topic):
                self.connect(topic, 100)
        for topic, name in sorted(world.books.shares):
            if name == DEFAULT:
                self.connect(topic, 100)
            else:
                self.join(topic, name, 100, True, True, "all")
        for _ in range(10):
            self._moved(wall=61.0, steady=61.0)
            for reader in world.readers:
                self._ack(reader, sorted(reader.leases))
            self._commit_all()
        self.all_is_as_promised()
        for (topic, name), share in world.books.shares.items():
            self._check_share(topic, name, share)
        rig.sweep()
        self._after()
        self._commit_all()
        self._check_rest()

    def _check_share(self, topic, name, share):
        world = self.world
        for text in world.stored - world.books.gone:
            if world.seen(text, topic) and text not in share.skipped | world.stale:
                if share.broadcast:
                    assert text in share.done or (topic, name, text) in world.ever_acked, f"never delivered: {text}"
                else:
                    assert text in share.done or text in share.dead, f"never delivered: {text} to {name}"
        info = group_info(*self.rig.group(topic, name), world.rules, self.rig.delayed(topic))
        assert info.lag == 0, info
        assert share.broadcast or info.dead == len(share.dead - world.books.gone), info

    def _check_rest(self):
        rig, world = self.rig, self.world
        figures = rig.broker.figures()
        assert (figures.memory, figures.in_flight, figures.delayed) == (0, 0, 0), figures
        if not (world.forgetful or any(share.dead - world.books.gone for share in world.books.shares.values())):
            assert figures.waiting == 0, figures
        assert not [message for message in rig.store.messages.values() if message.expire], "expired, and still there"
        assert rig.broker.next_wait(rig.now) is None


class DeliveryModelTests(SynchronousTestCase):
    def test_every_promise_is_kept(self):
        self.patch(broker_module, "Schedule", partial(Schedule, nearest=4))
        self.patch(dealer, "FETCH", 2)
        self.patch(queue, "BATCH", 2)
        self.patch(emptying, "SLICE", 2)
        self.patch(retention, "SLICE", 2)
        self.patch(sessions, "REMEMBERED", REMEMBERED)
        case = DeliveryModel.TestCase("runTest")
        case.settings = settings(
            parent=settings.default, stateful_step_count=100, max_examples=2 * settings.default.max_examples
        )
        case.runTest()
