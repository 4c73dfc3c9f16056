"""Streams that others open: good ones, and what is thrown at a port."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.messages import Ack, Err, Ping, UserMessage
from serena.core.swim.wire import streams
from serena.transports.stream import INLINE, MANY
from tests.serena.transports.fakes import KEY, PEER, Served, lose, push_pull, stream_codec


def asked(codec, exchange):
    """The bytes of a request."""
    return codec.write(exchange, reply=False)


def answer_in(codec, wire):
    """What a wire has answered."""
    return codec.reader(reply=True).feed(wire.value())


class GoodTests(SynchronousTestCase):
    def test_a_request_is_answered_in_any_pieces(self):
        for codec in (stream_codec(), stream_codec(KEY), stream_codec(compress=True), stream_codec(KEY, label=b"pool")):
            for size in (1, 7, 10_000):
                served = Served(codec, answer=lambda request: request)
                data = asked(codec, push_pull(3))
                protocol, wire = served.connect()
                for start in range(0, len(data), size):
                    protocol.dataReceived(data[start : start + size])
                self.assertEqual(answer_in(codec, wire), push_pull(3))
                self.assertTrue(wire.disconnecting)
                lose(protocol)
                self.assertEqual((served.dropped, served.admission.streams_open), ({}, 0))
                self.assertEqual(served.clock.getDelayedCalls(), [])

    def test_who_asked_is_told_to_the_machine(self):
        served = Served()
        served.ask(asked(served.codec, Ping(5, b"n")))
        exchange, source = served.asked[0]
        self.assertEqual((exchange, source.host), (Ping(5, b"n"), PEER.host))

    def test_what_needs_no_answer_is_closed(self):
        served = Served(answer=lambda request: None)
        wire = served.ask(asked(served.codec, UserMessage(b"x")))
        self.assertEqual((wire.value(), wire.disconnecting, len(served.asked)), (b"", True, 1))

    def test_bytes_after_the_request_are_ignored(self):
        served = Served()
        protocol, wire = served.connect()
        protocol.dataReceived(asked(served.codec, Ping(5, b"n")) * 3)
        protocol.dataReceived(b"more")
        self.assertEqual((len(served.asked), served.dropped), (1, {}))
        self.assertEqual(answer_in(served.codec, wire), Ack(7))

    def test_what_takes_long_is_done_elsewhere(self):
        many = INLINE // 10
        for codec, exchange in [
            (stream_codec(KEY), push_pull(many)),
            (stream_codec(compress=True), push_pull(many)),
            (stream_codec(KEY), UserMessage(bytes(INLINE + 1))),
        ]:
            served = Served(codec)
            served.elsewhere.hold()
            protocol, wire = served.connect()
            protocol.dataReceived(asked(codec, exchange))
            protocol.dataReceived(b"more")
            self.assertEqual(served.asked, [])
            served.elsewhere.release()
            self.assertEqual(served.asked[0][0], exchange)
            self.assertEqual(answer_in(codec, wire), Ack(7))

    def test_so_is_a_long_answer(self):
        served = Served(answer=lambda request: push_pull(MANY + 1))
        wire = served.ask(asked(served.codec, push_pull()))
        self.assertEqual((served.elsewhere.works, answer_in(served.codec, wire)), (1, push_pull(MANY + 1)))

    def test_one_that_goes_meanwhile_is_forgotten(self):
        codec = stream_codec(KEY)
        served = Served(codec)
        served.elsewhere.hold()
        protocol, _ = served.connect()
        protocol.dataReceived(asked(codec, push_pull(INLINE // 10)))
        lose(protocol)
        served.elsewhere.release()
        self.assertEqual((served.asked, served.door.open), ([], set()))


class BadTests(SynchronousTestCase):
    """What is thrown at a port."""

    def test_garbage_is_counted_and_closed(self):
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\x02", b"\x06\xc1", bytes(2000)):
            served = Served()
            wire = served.ask(junk)
            self.assertTrue(wire.disconnecting, junk)
            self.assertEqual((served.asked, sum(served.dropped.values())), ([], 1), junk)

    @given(st.binary(max_size=300), st.sampled_from([(), (KEY,)]))
    def test_whatever_comes_raises_nothing(self, junk, keys):
        served = Served(stream_codec(*keys))
        for start in (b"", b"\x06", b"\x0a\x00\x00\x00\x20", b"\x09", b"\x00"):
            protocol, _ = served.connect()
            protocol.dataReceived(start + junk[:100])
            protocol.dataReceived(junk[100:])
            lose(protocol)
        self.assertEqual((served.admission.streams_open, served.clock.getDelayedCalls()), (0, []))
        self.assertNotIn("bug", served.dropped)

    def test_what_cannot_be_unwrapped_is_told(self):
        with_key, without = stream_codec(KEY), stream_codec()
        served = Served(without)
        wire = served.ask(asked(with_key, Ping(1, b"n")))
        self.assertIn("encryption is not configured", answer_in(without, wire).text)
        served = Served(with_key)
        wire = served.ask(asked(without, Ping(1, b"n")))
        self.assertIsInstance(answer_in(with_key, wire), Err)
        self.assertEqual((served.dropped, served.asked), ({"plaintext": 1}, []))
        self.assertTrue(wire.disconnecting)

    def test_so_is_a_fault_that_was_found_elsewhere(self):
        codec = stream_codec(KEY)
        served = Served(codec)
        data = bytearray(asked(codec, push_pull(INLINE // 10)))
        data[-1] ^= 1
        wire = served.ask(bytes(data))
        self.assertIsInstance(answer_in(codec, wire), Err)
        self.assertEqual(served.dropped, {"decrypt": 1})

    def test_who_dribbles_is_cut(self):
        served = Served()
        protocol, wire = served.connect()
        data = asked(served.codec, push_pull(100))
        for second in range(10):
            self.assertFalse(wire.aborted)
            protocol.dataReceived(data[second : second + 1])
            served.clock.advance(1)
        self.assertEqual((wire.aborted, served.dropped), (True, {"timeout": 1}))
        protocol.dataReceived(data[10:])
        self.assertEqual(served.asked, [])

    def test_who_does_not_read_the_answer_is_cut_too(self):
        served = Served()
        protocol, wire = served.connect()
        served.clock.advance(9)
        protocol.dataReceived(asked(served.codec, Ping(1, b"n")))
        served.clock.advance(9)
        self.assertFalse(wire.aborted)
        served.clock.advance(1)
        self.assertTrue(wire.aborted)

    def test_a_flood_of_streams_is_bounded(self):
        served = Served(streams_of_one=5)
        wires = [served.connect()[1] for _ in range(50)]
        self.assertEqual([wire.aborted for wire in wires], [False] * 5 + [True] * 45)
        self.assertEqual((served.dropped, len(served.door.open)), ({"tooManyStreams": 45}, 5))
        served.door.close()
        self.assertTrue(all(wire.aborted for wire in wires))

    def test_from_elsewhere(self):
        served = Served(allowed=lambda host: host == PEER.host)
        data = asked(served.codec, Ping(1, b"n"))
        self.assertTrue(served.ask(data, "10.0.0.8").aborted)
        self.assertFalse(served.ask(data).aborted)
        self.assertEqual(served.dropped, {"notAllowed": 1})

    def test_more_than_all_together_may_hold(self):
        served = Served(held_bytes=1000)
        head = b"\x0a" + (20 << 20).to_bytes(4, "big")
        served = Served(stream_codec(KEY), held_bytes=1000)
        first, second = served.connect(), served.connect()
        first[0].dataReceived(head + bytes(600))
        second[0].dataReceived(head + bytes(600))
        self.assertEqual((first[1].aborted, second[1].aborted, served.dropped), (False, True, {"busy": 1}))
        lose(second[0])
        first[0].dataReceived(bytes(300))
        self.assertFalse(first[1].aborted)

    def test_who_leaves_work_behind_and_goes(self):
        """It is not done; until that is noticed it counts, and so does what it holds."""
        codec = stream_codec(compress=True)
        data = asked(codec, push_pull(INLINE // 10))
        served = Served(codec, streams_of_one=20, held_bytes=30 * len(data), ping_bytes=10)
        served.elsewhere.hold()
        for _ in range(20):
            protocol, _ = served.connect()
            protocol.dataReceived(data)
            lose(protocol)
        admission = served.admission
        self.assertEqual((admission.streams_open, len(served.door.open)), (20, 0))
        self.assertTrue(served.connect()[1].aborted)
        self.assertFalse(admission.takes_bytes(0, 11 * len(data)))
        unpacked = []
        self.patch(streams, "unpack", lambda *each: unpacked.append(each))
        served.elsewhere.release()
        self.assertEqual((unpacked, served.asked, admission.streams_open), ([], [], 0))
        self.assertTrue(admission.takes_bytes(0, 10 * len(data)))
        self.assertEqual(served.dropped, {"tooManyStreams": 1, "busy": 1})

    def test_who_goes_while_its_answer_is_written_counts_too(self):
        served = Served(answer=lambda request: push_pull(MANY + 1))
        served.elsewhere.hold()
        protocol, wire = served.connect()
        protocol.dataReceived(asked(served.codec, push_pull()))
        lose(protocol)
        self.assertEqual(served.admission.streams_open, 1)
        served.elsewhere.release()
        self.assertEqual((served.admission.streams_open, wire.value(), served.dropped), (0, b"", {}))

    def test_where_too_much_work_waits_the_stream_is_cut(self):
        for codec, exchange in [(stream_codec(KEY), push_pull(INLINE // 10)), (stream_codec(), push_pull())]:
            served = Served(codec, answer=lambda request: push_pull(MANY + 1))
            served.elsewhere.crowded = True
            protocol, wire = served.connect()
            protocol.dataReceived(asked(codec, exchange))
            self.assertEqual((wire.aborted, served.dropped), (True, {"busy": 1}))
            lose(protocol)
            self.assertEqual(served.admission.streams_open, 0)

    def test_a_bug_elsewhere_cuts_the_stream_and_is_logged(self):
        served = Served(stream_codec(KEY))
        served.elsewhere.hold()
        protocol, wire = served.connect()
        protocol.dataReceived(asked(served.codec, push_pull(INLINE // 10)))
        served.elsewhere.held[0] = (lambda: 1 / 0, served.elsewhere.held[0][1])
        served.elsewhere.release()
        self.assertEqual((wire.aborted, served.dropped), (True, {"bug": 1}))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
