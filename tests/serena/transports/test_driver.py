"""Feed, drain, re-arm."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.events import Contacted
from serena.core.swim.messages import Ack, Address, Err, Nack, Ping, UserMessage
from serena.core.swim.outbox import Datagram, OpenStream, Purpose
from serena.core.swim.wire import crypto
from serena.core.swim.wire.bodies import encode
from serena.core.swim.wire.datagrams import MOST_VALUES
from serena.core.swim.wire.packing import pack
from serena.transports.admission import Admission, Bounds
from serena.transports.driver import Driver
from tests.serena.transports.fakes import KEY, PEER, FakeMachine, anybody, datagram_codec, push_pull

PART = encode(Nack(1))


class DriverTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(100)
        self.machine = FakeMachine()
        self.sent, self.opened, self.events, self.settled = [], [], [], []
        self.codec = datagram_codec(KEY)
        self.admission = Admission(anybody, self.clock.seconds, Bounds())
        self.driver = Driver(
            self.machine,
            self.codec,
            self.admission,
            clock=self.clock,
            send=lambda data, to: self.sent.append((self.codec.open(data).messages, to)),
            connect=self.opened.append,
            heard=self.heard,
            settled=lambda: self.settled.append(1),
        )
        self.on_event = lambda event: None

    def heard(self, event):
        self.events.append(event)
        self.on_event(event)

    def timers(self):
        return [call.getTime() for call in self.clock.getDelayedCalls()]

    def test_a_datagram_is_fed_and_what_follows_is_done(self):
        stream = OpenStream(PEER, Ping(1, b""), 5.0, Purpose.PROBE)
        event = Contacted(PEER, ok=True)
        self.machine.datagrams = [Datagram(PEER, (PART, PART), crc=True)]
        self.machine.opening, self.machine.happened, self.machine.deadline = [stream], [event], 107.5
        self.driver.take(self.codec.seal([PART], crc=False), PEER)
        self.assertEqual(self.machine.calls, [("receive", [Nack(1)], PEER, 100.0)])
        self.assertEqual(self.sent, [([Nack(1), Nack(1)], PEER)])
        self.assertEqual((self.opened, self.events, self.timers()), ([stream], [event], [107.5]))
        self.assertEqual(self.settled, [1])

    def test_what_datagrams_unpack_to_is_bounded(self):
        data = datagram_codec(KEY, compress=True).seal([b"\x08" + bytes(16_000)], crc=False)
        self.assertLess(len(data), 1000)
        for _ in range(400):
            self.driver.take(data, PEER)
        taken = len(self.machine.calls)
        self.assertEqual(taken * 16_000 // Bounds().datagram_byte_burst, 1)
        self.assertEqual(self.admission.dropped, {"rate": 400 - taken})
        self.driver.take(data, Address(bytes((10, 0, 0, 8)), 7946))
        self.assertEqual(len(self.machine.calls), taken + 1)

    def test_one_that_would_unpack_to_more_than_is_allowed_counts_as_if_it_had(self):
        bomb = datagram_codec(KEY, compress=True).seal([b"\x08" + bytes(60_000)], crc=False)
        bombs = Bounds().datagram_byte_burst // self.codec.unpacked_limit
        for _ in range(400):
            if self.admission.takes_datagram(PEER.host, len(bomb)):
                self.driver.take(bomb, PEER)
        self.assertTrue(bombs // 2 < self.admission.dropped["bomb"] <= bombs)
        self.assertEqual(self.machine.calls, [])

    def test_one_that_unpacks_to_more_values_than_members_send(self):
        nack = b"\x0b\xdc\x00\x3f" + bytes(63)
        parts = bytes((7, 240)) + len(nack).to_bytes(2, "big") * 240 + nack * 240
        data = crypto.seal(KEY, pack(parts[: 1 << 14]), nonce=bytes(12), extra=b"", padded=False)
        self.driver.take(data, PEER)
        ((_, messages, *_),) = self.machine.calls
        self.assertLessEqual(len(messages) * 64, MOST_VALUES)
        self.assertEqual(set(self.admission.dropped), {"oversized", "tooMany", "truncated"})

    def test_garbage_is_counted_and_nothing_else(self):
        for junk in (b"", b"x", b"\xff" * 100, datagram_codec().seal([PART], crc=False)):
            self.driver.take(junk, PEER)
        self.assertEqual(self.machine.calls, [])
        self.assertEqual(sum(self.admission.dropped.values()), 4)
        self.assertLessEqual({"empty", "plaintext"}, set(self.admission.dropped))

    def test_a_bad_part_is_counted_and_the_others_count(self):
        data = self.codec.seal([PART, bytes((2,)) + b"\xc1"], crc=False)
        self.driver.take(data, PEER)
        self.assertEqual(self.machine.calls[0][1], [Nack(1)])
        self.assertEqual(sum(self.admission.dropped.values()), 1)

    def test_the_timer_calls_when_it_is_due(self):
        self.machine.deadline = 103.0
        self.driver.do(lambda now: None)
        self.machine.deadline = 110.0
        self.clock.advance(3)
        self.assertEqual((self.machine.calls, self.timers()), ([("advance", 103.0)], [110.0]))

    def test_one_timer_that_is_moved_only_to_be_sooner(self):
        for deadline, timer in [(110.0, 110.0), (120.0, 110.0), (105.0, 105.0), (None, 105.0), (50.0, 100.0)]:
            self.machine.deadline = deadline
            self.driver.do(lambda now: None)
            self.assertEqual(self.timers(), [timer])

    def test_a_bug_is_logged_and_the_node_goes_on(self):
        self.machine.trouble = ZeroDivisionError()
        self.driver.take(self.codec.seal([PART], crc=False), PEER)
        self.assertIsNone(self.driver.serve(Ping(1, b""), PEER))
        self.machine.trouble = None
        self.machine.happened = [Contacted(PEER, ok=True)]
        self.on_event = lambda event: 1 / 0
        self.machine.datagrams = [Datagram(PEER, (b"",), crc=False), Datagram(PEER, (PART,), crc=False)]
        self.driver.do(lambda now: None)
        self.assertEqual((len(self.sent), self.admission.dropped["bug"]), (1, 4))
        self.assertEqual(len(self.flushLoggedErrors()), 4)

    def test_a_listener_may_have_more_done(self):
        def again(event):
            self.on_event = lambda event: None
            self.machine.datagrams = [Datagram(PEER, (PART,), crc=False)]
            self.driver.do(lambda now: self.machine.happened.append(Contacted(PEER, ok=False)))

        self.on_event = again
        self.machine.happened = [Contacted(PEER, ok=True)]
        self.driver.do(lambda now: None)
        self.assertEqual((len(self.events), len(self.sent), self.settled), (2, 1, [1]))

    def test_one_that_never_ends_is_stopped(self):
        self.on_event = lambda event: self.machine.happened.extend([event])
        self.machine.happened = [Contacted(PEER, ok=True)]
        self.driver.do(lambda now: None)
        self.assertEqual(len(self.events), 100)

    def test_streams(self):
        self.machine.answer = Ack(3)
        self.assertEqual(self.driver.serve(Ping(3, b""), PEER), Ack(3))
        self.assertEqual(self.driver.serve(push_pull(), PEER), Ack(3))
        self.assertEqual(self.driver.serve(UserMessage(b"x"), PEER), Ack(3))
        self.assertIsNone(self.driver.serve(Err("no"), PEER))
        self.driver.answered("stream", Ack(1))
        self.driver.failed("stream", "why")
        self.assertEqual(
            self.machine.calls[3:], [("done", "stream", Ack(1), 100.0), ("failed", "stream", "why", 100.0)]
        )
        self.assertEqual(self.admission.dropped, {"unknownType": 1})

    def test_after_the_end_nothing_is_done(self):
        self.machine.deadline = 105.0
        self.driver.do(lambda now: None)
        self.driver.stop()
        self.driver.stop()
        self.driver.take(self.codec.seal([PART], crc=False), PEER)
        self.assertEqual((self.machine.calls, self.timers(), self.driver.serve(Ping(1, b""), PEER)), ([], [], None))
