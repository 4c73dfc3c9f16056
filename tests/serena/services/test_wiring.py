"""What gossip is made with."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from serena.core.node_settings import GossipSettings
from serena.core.swim.messages import Address, Entry, PushPull
from serena.core.swim.wire.faults import Dropped
from serena.services import wiring
from serena.services.wiring import AT_ONCE, WAITING, codecs_of, threads
from serena.transports.stream import Crowded

VERSIONS = bytes((1, 5, 2, 0, 0, 0))
ADDRESS = Address(bytes((10, 0, 0, 7)), 7946)


class FakeReactor:
    """Has threads that nothing is done in."""

    def getThreadPool(self):
        return None


class ThreadsTests(SynchronousTestCase):
    def setUp(self):
        self.begun = []
        self.patch(wiring, "deferToThreadPool", self.begin)
        self.elsewhere = threads(FakeReactor())

    def begin(self, reactor, pool, work):
        self.begun.append(Deferred())
        return self.begun[-1]

    def test_few_at_a_time(self):
        done = [self.elsewhere(lambda: 1) for _ in range(AT_ONCE + 1)]
        self.assertEqual(len(self.begun), AT_ONCE)
        self.begun[0].callback("done")
        self.assertEqual((self.successResultOf(done[0]), len(self.begun)), ("done", AT_ONCE + 1))

    def test_what_may_wait_is_bounded(self):
        for _ in range(AT_ONCE + WAITING):
            self.assertNoResult(self.elsewhere(lambda: 1))
        self.failureResultOf(self.elsewhere(lambda: 1), Crowded)
        self.begun[0].callback(None)
        self.assertNoResult(self.elsewhere(lambda: 1))


class CodecsTests(SynchronousTestCase):
    def test_a_push_pull_of_twice_the_members_is_read_and_no_more(self):
        streams = codecs_of(GossipSettings(max_members=2), bytes).streams
        for count in (4, 5):
            entries = [Entry(b"n%d" % number, 1, ADDRESS, 0, None, VERSIONS) for number in range(count)]
            data = streams.write(PushPull(True, entries), reply=False)
            if count == 4:
                self.assertEqual(len(streams.reader(reply=False).feed(data).entries), 4)
            else:
                self.assertRaises(Dropped, streams.reader(reply=False).feed, data)
