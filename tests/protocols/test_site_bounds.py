"""How much and how slowly anybody may send to the site, and how many at once."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.classic_http import body_bound
from kapokmq.protocols.site import SPARE
from tests.protocols.http_fakes import CODE, FakeNode, parse, post, receipt
from tests.protocols.test_site import PING, PONG, timeless


class BoundTests(SynchronousTestCase):
    """What is too much."""

    def setUp(self):
        self.node = FakeNode()
        self.wire = self.node.connect()
        self.bound = body_bound(self.node.access.max_message_bytes)

    def assert_bad(self):
        self.assertEqual(self.wire.received(), b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.assertTrue(self.wire.closed)

    def test_a_body_of_the_bound_fits(self):
        self.wire.send(post("/Console/Ping", b"x" * self.bound))
        self.assertEqual(parse(self.wire.received()).status, 200)

    def test_a_body_that_says_it_is_too_long(self):
        self.wire.send(post("/Console/Ping", b"").replace(b"Length: 0", b"Length: %d" % (self.bound + 1)))
        reply = parse(self.wire.received())
        self.assertEqual(reply.status, 413)
        self.assertEqual(reply.headers["Connection"], "close")
        self.assertEqual(reply.body, b'{"code":-1,"msg":"body: more than %d bytes"}' % self.bound)
        self.assertTrue(self.wire.closed)
        self.wire.send(PING)
        self.assertEqual(parse(self.wire.received()), reply)

    def test_a_body_that_does_not_say(self):
        self.wire.send(post("/Console/Ping").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        for _ in range(self.bound // 1024):
            self.wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        self.assertEqual(self.wire.received(), b"")
        self.wire.send(b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n" + PING)
        self.assertEqual(parse(self.wire.received()).status, 413)
        self.assertEqual(self.wire.received().count(b"HTTP/1.1"), 1)

    def test_without_the_key_nothing_is_kept(self):
        self.wire.send(post("/Console/Ping", b"x" * self.bound, key="wrong")[:-1])
        self.assertEqual(self.wire.protocol.requests[0].content.getvalue(), b"")
        self.wire.send(b"x")
        self.assertEqual(parse(self.wire.received()).body, b'{"code":-1,"msg":"Secret key matching error"}')

    def test_headers(self):
        self.wire.send(PING[:-2] + b"".join(b"X-%d: y\r\n" % number for number in range(101)))
        self.assert_bad()

    def test_long_headers(self):
        self.wire.send(PING[:-2] + b"".join(b"X: %s\r\n" % (b"y" * 2000) for _ in range(9)))
        self.assert_bad()

    def test_a_long_line(self):
        self.wire.send(b"GET /" + b"x" * 20_000)
        self.assert_bad()

    def test_a_connection_that_says_nothing(self):
        self.node.clock.advance(9)
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(2)
        self.assertTrue(self.wire.closed)
        self.assertEqual(self.wire.received(), b"")

    def test_slow_headers(self):
        for byte in range(9):
            self.node.clock.advance(1)
            self.wire.send(PING[byte : byte + 1])
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(9.5)
        self.assert_too_late()

    def assert_too_late(self):
        self.assertEqual(parse(self.wire.received())[:2], (408, {"Content-Length": "0", "Connection": "close"}))
        self.assertTrue(self.wire.closed)
        self.wire.send(PING * 2)
        self.assertEqual(self.wire.received().count(b"HTTP/1.1"), 1)

    def test_a_slow_body(self):
        self.wire.send(post("/Console/Ping").replace(b"Length: 0", b"Length: 1000"))
        for _ in range(59):
            self.node.clock.advance(1)
            self.wire.send(b"x")
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(1.5)
        self.assert_too_late()

    def test_an_idle_connection(self):
        self.node.clock.advance(9)
        self.wire.send(PING)
        self.node.clock.advance(59)
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(1.5)
        self.assertTrue(self.wire.closed)
        self.assertEqual(timeless(self.wire.received()), PONG)

    def test_each_request_has_its_own_time(self):
        self.wire.send(PING)
        for _ in range(4):
            self.node.clock.advance(50)
            self.wire.send(PING[:10])
            self.node.clock.advance(9)
            self.wire.send(PING[10:])
        self.assertEqual(timeless(self.wire.received()), PONG * 5)

    def test_an_answer_may_take_its_time(self):
        self.node.engine.held = Deferred()
        self.wire.send(post("/Producer/Send", "topic=t&messageData=x&delayTime=0"))
        self.node.clock.advance(600)
        self.assertFalse(self.wire.closed)
        self.node.engine.held.callback(receipt())
        self.assertEqual(parse(self.wire.received()).body, b'{"code":0,"msg":"%b"}' % CODE.encode())

    @given(st.binary(max_size=300))
    @settings(deadline=None, max_examples=100)
    def test_junk_is_never_a_bug(self, junk):
        answer = self.node.ask(junk + b"\r\n\r\n") + self.node.ask(PING[:-2] + junk + b"\r\n\r\n")
        self.assertNotIn(b" 500 ", answer)


class RoomTests(SynchronousTestCase):
    """How many connections there may be."""

    def setUp(self):
        self.node = FakeNode()
        self.node.access.max_connections = 2
        self.site = self.node.site()

    def full(self):
        wire = self.node.connect(self.site)
        wire.send(PING)
        return b" 503 " in wire.received() and wire.closed

    def test_http_and_websockets_count_together(self):
        wires = [self.node.connect(self.site) for _ in range(SPARE + 2)]
        self.assertTrue(self.full())
        wires.pop().protocol.connectionLost(Failure(ConnectionDone()))
        self.node.connections.made.append(None)
        self.assertTrue(self.full())
        wires.pop().protocol.connectionLost(Failure(ConnectionDone()))
        self.assertFalse(self.full())

    def test_websockets_alone_leave_room_for_questions(self):
        self.node.connections.made += [None] * 2
        self.assertFalse(self.full())
