"""Streams that we open."""

from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Ack, Address, Err, Ping
from serena.core.swim.outbox import OpenStream, Purpose
from serena.core.swim.wire import crypto
from serena.transports.admission import Admission, Bounds
from serena.transports.asking import Asking
from serena.transports.stream import INLINE, MANY, Crowded
from tests.serena.transports.fakes import KEY, PEER, Elsewhere, Wire, anybody, lose, push_pull, stream_codec


class AskingTests(SynchronousTestCase):
    def setUp(self):
        self.begin(stream_codec())

    def begin(self, codec, **bounds):
        self.codec = codec
        self.reactor = MemoryReactorClock()
        self.admission = Admission(anybody, self.reactor.seconds, Bounds(**bounds))
        self.outcomes = []
        self.elsewhere = Elsewhere()
        self.asking = Asking(
            codec,
            self.admission,
            reactor=self.reactor,
            elsewhere=self.elsewhere,
            answered=lambda stream, answer: self.outcomes.append(answer),
            failed=lambda stream, reason: self.outcomes.append(reason),
        )

    def open(self, request=None, deadline=10.0):
        self.asking.connect(OpenStream(PEER, request or push_pull(), deadline, Purpose.JOIN))

    def connected(self):
        """The last one has reached the other side."""
        host, port, factory, *_ = self.reactor.tcpClients[-1]
        self.assertEqual((host, port), ("10.0.0.7", 7946))
        protocol = factory.buildProtocol(None)
        wire = Wire()
        protocol.makeConnection(wire)
        return protocol, wire

    def done(self, *outcomes):
        self.assertEqual(self.outcomes, list(outcomes))
        self.assertEqual((self.asking.open, self.reactor.getDelayedCalls()), (set(), []))

    def test_a_request_and_its_answer(self):
        self.open()
        protocol, wire = self.connected()
        self.assertEqual(self.codec.reader(reply=False).feed(wire.value()), push_pull())
        for byte in self.codec.write(push_pull(5), reply=True):
            protocol.dataReceived(bytes((byte,)))
        self.assertTrue(wire.disconnecting)
        self.assertFalse(wire.aborted)
        lose(protocol)
        self.done(push_pull(5))

    def test_it_comes_from_the_address_that_is_bound(self):
        for source, bind in [("", None), ("10.0.0.9", ("10.0.0.9", 0)), ("::1", None)]:
            self.asking.source = source
            self.open()
            self.assertEqual(self.reactor.tcpClients[-1][4], bind)

    def test_also_to_a_peer_that_announced_ipv4_in_16_bytes(self):
        self.asking.source = "10.0.0.9"
        mapped = Address(bytes(10) + b"\xff\xff" + PEER.host, PEER.port)
        self.asking.connect(OpenStream(mapped, push_pull(), 10.0, Purpose.JOIN))
        host, *_, bind = self.reactor.tcpClients[-1]
        self.assertEqual((host, bind), ("10.0.0.7", ("10.0.0.9", 0)))

    def test_nobody_there(self):
        self.open()
        self.reactor.tcpClients[-1][2].clientConnectionFailed(None, Failure(Refused()))
        self.assertIn("refused", self.outcomes[0])
        self.done(self.outcomes[0])

    def test_closed_without_an_answer(self):
        self.open()
        protocol, _ = self.connected()
        protocol.dataReceived(b"\x06")
        lose(protocol)
        self.done("closed without an answer")

    def test_too_late_while_connecting_or_dribbling(self):
        self.open()
        self.reactor.advance(10)
        self.done("no answer in time")
        self.assertIsNone(self.reactor.tcpClients[-1][2].buildProtocol(None))
        self.open(deadline=20.0)
        protocol, wire = self.connected()
        answer = self.codec.write(push_pull(50), reply=True)
        for second in range(10):
            protocol.dataReceived(answer[second : second + 1])
            self.reactor.advance(1)
        self.assertTrue(wire.aborted)
        lose(protocol)
        self.done("no answer in time", "no answer in time")
        self.assertEqual(self.admission.dropped, {"timeout": 1})

    def test_an_answer_that_cannot_be_read(self):
        self.open()
        protocol, wire = self.connected()
        protocol.dataReceived(b"HTTP/1.1 400 Bad Request\r\n")
        self.assertTrue(wire.aborted)
        lose(protocol)
        self.assertIn("can't be read", self.outcomes[0])
        self.done(self.outcomes[0])
        self.assertEqual(sum(self.admission.dropped.values()), 1)

    def test_an_err_is_an_answer(self):
        self.open()
        protocol, _ = self.connected()
        protocol.dataReceived(self.codec.write(Err("no"), reply=True))
        lose(protocol)
        self.done(Err("no"))

    def test_a_ping(self):
        self.open(Ping(5, b"n"))
        protocol, wire = self.connected()
        self.assertEqual(self.codec.reader(reply=False).feed(wire.value()), Ping(5, b"n"))
        protocol.dataReceived(self.codec.write(Ack(5), reply=True))
        lose(protocol)
        self.done(Ack(5))

    def test_long_ones_are_worked_on_elsewhere_though_the_peer_has_closed(self):
        self.begin(stream_codec(KEY))
        self.elsewhere.hold()
        self.open(push_pull(MANY + 1))
        protocol, wire = self.connected()
        self.assertEqual(wire.value(), b"")
        self.elsewhere.release()
        self.assertEqual(self.codec.reader(reply=False).feed(wire.value()), push_pull(MANY + 1))
        self.elsewhere.hold()
        protocol.dataReceived(self.codec.write(push_pull(INLINE // 10), reply=True))
        lose(protocol)
        self.assertEqual(self.outcomes, [])
        self.elsewhere.release()
        self.done(push_pull(INLINE // 10))

    def test_bytes_of_answers_count_with_those_of_others(self):
        self.begin(stream_codec(), held_bytes=1000, ping_bytes=10)
        answer = self.codec.write(push_pull(20), reply=True)
        self.assertGreater(len(answer), 800)
        self.open()
        first, _ = self.connected()
        self.open()
        second, wire = self.connected()
        first.dataReceived(answer[:800])
        second.dataReceived(answer[:800])
        self.assertTrue(wire.aborted)
        lose(second)
        self.assertTrue(self.admission.takes_bytes(0, 200))
        self.assertFalse(self.admission.takes_bytes(200, 1))
        lose(first)
        self.assertEqual(self.outcomes, ["there is no room for the answer", "closed without an answer"])
        self.assertTrue(self.admission.takes_bytes(201, 799))
        self.assertEqual(self.admission.dropped, {"busy": 2})

    def test_they_count_until_they_are_unpacked(self):
        self.begin(stream_codec(KEY), push_pulls=1)
        self.elsewhere.hold()
        self.open()
        protocol, _ = self.connected()
        protocol.dataReceived(self.codec.write(push_pull(INLINE // 10), reply=True))
        lose(protocol)
        self.assertFalse(self.admission.takes_bytes(0, 2000))
        self.elsewhere.release()
        self.done(push_pull(INLINE // 10))
        self.admission.released(2000)
        self.assertTrue(self.admission.takes_bytes(0, 2000))

    def test_what_came_too_late_is_not_unpacked(self):
        self.begin(stream_codec(KEY))
        self.elsewhere.hold()
        self.open()
        protocol, _ = self.connected()
        protocol.dataReceived(self.codec.write(push_pull(INLINE // 10), reply=True))
        lose(protocol)
        self.reactor.advance(10)
        self.done("no answer in time")
        opened = []
        self.patch(crypto, "unseal", lambda *each, **more: opened.append(1))
        self.elsewhere.release()
        self.assertEqual(opened, [])

    def test_a_ping_is_not_answered_with_more_than_one_has(self):
        self.open(Ping(5, b"n"))
        protocol, wire = self.connected()
        protocol.dataReceived(self.codec.write(push_pull(200), reply=True)[:1025])
        self.assertTrue(wire.aborted)
        lose(protocol)
        self.assertEqual(self.admission.dropped, {"oversized": 1})
        self.done("the answer is too long")

    def test_where_too_much_work_waits_there_is_no_answer(self):
        self.begin(stream_codec(KEY))
        self.open()
        protocol, wire = self.connected()
        self.elsewhere.crowded = True
        protocol.dataReceived(self.codec.write(push_pull(INLINE // 10), reply=True))
        self.assertTrue(wire.aborted)
        lose(protocol)
        self.assertEqual(self.admission.dropped, {"busy": 1})
        self.done(str(Crowded()))

    def test_too_many_and_too_late(self):
        self.begin(stream_codec(), streams_out=1)
        self.open()
        self.open()
        self.assertEqual(self.outcomes, ["too many streams are open"])
        self.open(deadline=0.0)
        self.assertEqual(self.outcomes[1:], ["no time is left"])

    def test_at_the_end_all_are_cut_and_nobody_is_told(self):
        self.open()
        self.open()
        protocol, wire = self.connected()
        self.asking.close()
        lose(protocol)
        self.assertTrue(wire.aborted)
        self.done()
