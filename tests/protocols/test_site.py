"""Routing, headers and bounds: whole answers, byte for byte (spec, 2.2 and 2.3)."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from kapokmq.protocols.classic_http import body_bound
from kapokmq.protocols.site import SPARE
from tests.protocols.http_fakes import KEY, FakeNode, parse, post

CORS = (
    b"Access-Control-Allow-Credentials: true\r\n"
    b"Access-Control-Allow-Headers: Content-Type,AccessToken,X-CSRF-Token, Authorization, Token, secretKey\r\n"
    b"Access-Control-Allow-Methods: POST, GET, OPTIONS\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Expose-Headers: Content-Length, Access-Control-Allow-Origin, "
    b"Access-Control-Allow-Headers, Content-Type\r\n"
)
PONG = (
    b"HTTP/1.1 200 OK\r\n" + CORS + b"Content-Type: application/json; charset=utf-8\r\n"
    b"Date: then\r\nContent-Length: 10\r\n\r\n" + b'{"code":0}'
)
NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\n" + CORS + b"Content-Type: text/plain\r\n"
    b"Date: then\r\nContent-Length: 18\r\n\r\n" + b"404 page not found"
)
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n" + CORS + b"Date: then\r\n\r\n"
PING = post("/Console/Ping")


def timeless(raw: bytes) -> bytes:
    """Take the dates out."""
    return re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", b"Date: then\r\n", raw)


class AnswerTests(SynchronousTestCase):
    """What comes back on one connection."""

    def setUp(self):
        self.node = FakeNode()

    def ask(self, raw):
        return timeless(self.node.ask(raw))

    def test_an_answer_is_the_original_s_to_the_byte(self):
        self.assertEqual(self.ask(PING), PONG)

    def test_the_key_s_header_has_any_case(self):
        self.assertEqual(self.ask(PING.replace(b"secretKey", b"SECRETKEY")), PONG)

    def test_wrong_key(self):
        for key in (None, "", "S3cret", KEY + " x"):
            reply = self.node.post("/Console/Ping", key=key)
            self.assertEqual((reply.status, reply.body), (200, b'{"code":-1,"msg":"Secret key matching error"}'))
            self.assertEqual(reply.headers["Content-Type"], "application/json; charset=utf-8")

    def test_not_found(self):
        for line in (
            "GET /Console/Ping", "DELETE /Console/Ping", "PUT /Console/Ping", "GET /nowhere", "POST /console/ping",
            "POST //Console/Ping", "POST /Console//Ping", "POST /Console%2FPing", "POST /Console/Ping//", "POST /",
            "POST /Console", "POST /Console/", "GET /Producers/Conn", "POST /Producers/Conn/t/p", "GET /..",
            "GET /healthz%00", "GET /%ff", "POST /Console/../Console/Ping", "GET /Console/Ping/",
        ):  # fmt: skip
            self.assertEqual(self.ask(f"{line} HTTP/1.1\r\nHost: own\r\n\r\n".encode()), NOT_FOUND, line)

    def test_head_has_no_body(self):
        for path in ("/Console/Ping", "/", "/nowhere"):
            raw = self.ask(f"HEAD {path} HTTP/1.1\r\nHost: own\r\n\r\n".encode())
            self.assertEqual(raw, NOT_FOUND.removesuffix(b"404 page not found"), path)

    def test_options_of_anything(self):
        for path in ("/", "/Console/Ping", "/nowhere", "/Producers/Conn/t/p", "/healthz", "*"):
            self.assertEqual(self.ask(f"OPTIONS {path} HTTP/1.1\r\nHost: own\r\n\r\n".encode()), NO_CONTENT, path)

    def test_a_slash_too_many(self):
        self.assertEqual(
            self.ask(post("/Console/Ping/?a=b")),
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /Console/Ping?a=b\r\n"
            b"Date: then\r\nContent-Length: 0\r\n\r\n",
        )
        for path in ("/healthz", "/Producers/Conn/t"):
            reply = self.node.get(path + "/")
            self.assertEqual((reply.status, reply.headers["Location"]), (301, path))

    def test_the_query_is_no_form(self):
        self.assertIn(b'"msg":"messageCode: empty"', self.ask(post("/Console/GetMessage?messageCode=x")))

    def test_websocket_paths_go_to_the_websocket(self):
        for path in ("/Producers/Conn/t/p", "/Consumers/Conn//c", "/Producers/Conn/a%2Fb/c"):
            self.assertEqual(self.node.get(path).body, b"websocket " + path.encode())

    def test_keep_alive_and_pipelining(self):
        wire = self.node.connect()
        wire.send(PING * 3 + b"OPTIONS / HTTP/1.1\r\nHost: own\r\n\r\n")
        wire.send(PING)
        self.assertEqual(timeless(wire.received()), PONG * 3 + NO_CONTENT + PONG)
        self.assertFalse(wire.closed)

    def test_any_chunking(self):
        wire = self.node.connect()
        for place in range(len(PING)):
            wire.send(PING[place : place + 1])
        self.assertEqual(timeless(wire.received()), PONG)

    def test_http_1_0(self):
        wire = self.node.connect()
        wire.send(PING.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertEqual(timeless(wire.received()), PONG.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertTrue(wire.closed)

    def test_close_is_said_last(self):
        wire = self.node.connect()
        wire.send(post("/Console/Ping", Connection="close"))
        expected = PONG.replace(b"Content-Length: 10\r\n", b"Content-Length: 10\r\nConnection: close\r\n")
        self.assertEqual(timeless(wire.received()), expected)
        self.assertTrue(wire.closed)

    def test_a_form_without_boundary_is_answered(self):
        for body in (b"{}", b"", b"x" * 100):
            self.assertEqual(self.ask(post("/Console/Ping", body, "multipart/form-data")), PONG)

    def test_a_host_that_is_no_ascii(self):
        for method, path in (("POST", "/Console/Ping"), ("GET", "/"), ("GET", "/Producers/Conn/t/p"), ("GET", "/no")):
            reply = parse(self.node.ask(f"{method} {path} HTTP/1.1\r\nHost: \xff\r\n\r\n".encode("latin-1")))
            self.assertEqual((reply.status, reply.body), (400, b'{"error":"Host: not ASCII"}'), path)

    def test_any_other_host(self):
        for host in ("", "..", "a..b", "x" * 70, "%", "[", "[::1]:8011", "a:b", "xn--", "a b"):
            self.assertEqual(self.ask(PING.replace(b"Host: own", b"Host: " + host.encode())), PONG, host)

    def test_a_chunked_form(self):
        head = post("/Console/GetMessage").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        reply = parse(self.ask(head + b"8\r\nmessageC\r\n6\r\node=zz\r\n0\r\n\r\n"))
        self.assertEqual(reply.body, b'{"code":-1,"data":"error","msg":"messageCode: no such message"}')

    def test_a_bug_is_a_500_and_a_log_entry(self):
        self.node.engine.trouble = ZeroDivisionError("secret detail")
        reply = self.node.post("/Console/GetMessage", "messageCode=x")
        self.assertEqual(reply.status, 500)
        self.assertEqual(reply.body, b'{"code":-1,"error":"internal error","msg":"internal error"}')
        self.assertNotIn("Server", reply.headers)
        self.assertEqual([name for name in reply.headers if name.startswith("Access-Control")], [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_bug_in_the_websocket_as_well(self):
        site = self.node.site()
        site.resource._websocket.render = lambda _: 1 / 0
        wire = self.node.connect(site)
        wire.send(b"GET /Producers/Conn/t/p HTTP/1.1\r\nHost: own\r\n\r\n")
        self.assertEqual(parse(wire.received()).status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_who_leaves_while_waiting_is_forgotten(self):
        self.node.engine.held = Deferred()
        wire = self.node.connect()
        wire.send(post("/Producer/Send", "topic=t&messageData=x&delayTime=0"))
        wire.protocol.connectionLost(Failure(ConnectionDone()))
        self.node.engine.held.callback(["late"])
        self.assertEqual(wire.received(), b"")

    def test_no_http_2(self):
        self.assertEqual(self.node.site().acceptableProtocols(), [b"http/1.1"])


class OriginTests(SynchronousTestCase):
    """Pages of other origins."""

    def ask(self, *, default, origin, method="POST", path="/Console/Ping"):
        node = FakeNode()
        node.access.default_key = default
        raw = post(path, Origin=origin).replace(b"POST", method.encode())
        return parse(node.ask(raw))

    def test_a_changed_key_lets_all_ask(self):
        self.assertEqual(self.ask(default=False, origin="https://evil.example").body, b'{"code":0}')

    def test_the_default_key_lets_only_ours(self):
        for method, path in (
            ("POST", "/Console/Ping"),
            ("OPTIONS", "/Console/Ping"),
            ("GET", "/nowhere"),
            ("GET", "/"),
        ):
            reply = self.ask(default=True, origin="https://evil.example", method=method, path=path)
            self.assertEqual(reply.status, 403)
            self.assertEqual([name for name in reply.headers if name.startswith("Access-Control")], [])
        self.assertEqual(self.ask(default=True, origin="http://own").body, b'{"code":0}')

    def test_every_origin_counts(self):
        node = FakeNode()
        node.access.default_key = True
        for origins in (("http://own", "http://evil"), ("http://evil", "http://own"), ("\xff",)):
            lines = "".join(f"Origin: {origin}\r\n" for origin in origins)
            raw = b"GET / HTTP/1.1\r\nHost: own\r\n" + lines.encode("latin-1") + b"\r\n"
            self.assertEqual(parse(node.ask(raw)).status, 403, origins)


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
        self.node.engine.held.callback(["c0de"])
        self.assertEqual(parse(self.wire.received()).body, b'{"code":0,"msg":"c0de"}')

    @given(st.binary(max_size=300))
    @settings(deadline=None, max_examples=100)
    def test_junk_is_never_a_bug(self, junk):
        answer = self.node.ask(junk + b"\r\n\r\n") + self.node.ask(PING[:-2] + junk + b"\r\n\r\n")
        self.assertNotIn(b" 500 ", answer)


class PipelineTests(SynchronousTestCase):
    """Requests that come together."""

    def setUp(self):
        self.node = FakeNode()
        self.wire = self.node.connect()

    def answers(self):
        return self.wire.received().count(b"HTTP/1.1 ")

    def read(self, raw):
        """One read, and nothing of the turns after it."""
        self.wire.protocol.dataReceived(raw)

    def test_each_has_a_turn_of_its_own(self):
        turns = []
        self.wire.protocol.callLater = lambda seconds, call: (
            turns.append((seconds, call)) or self.node.clock.callLater(1000, call)
        )
        self.read(PING * 3)
        for number in (1, 2, 3):
            self.assertEqual(self.answers(), number)
            calls = [call for seconds, call in turns if seconds == 0]
            turns.clear()
            if number < 3:
                (turn,) = calls
                turn()
        self.assertEqual(calls, [])

    def test_none_is_looked_at_while_the_peer_does_not_read(self):
        self.wire.protocol.pauseProducing()
        self.read(PING * 3)
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 1)
        self.assertEqual(self.wire.transport.producerState, "paused")
        self.read(PING)  # TLS hands on what it had
        self.node.clock.advance(50)
        self.assertEqual(self.answers(), 1)
        self.wire.protocol.resumeProducing()
        self.node.clock.advance(0)
        self.assertEqual(timeless(self.wire.received()), PONG * 4)
        self.assertEqual(self.wire.transport.producerState, "producing")

    def test_a_peer_that_stops_reading_while_the_next_waits(self):
        self.read(PING * 3)
        self.wire.protocol.pauseProducing()
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 1)
        self.wire.protocol.resumeProducing()
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 3)

    def test_a_peer_that_never_reads_is_cut_off(self):
        self.wire.protocol.pauseProducing()
        self.read(PING * 3)
        self.node.clock.advance(599)
        self.assertFalse(self.wire.closed)
        self.node.clock.advance(2)
        self.assertTrue(self.wire.closed)

    def test_behind_a_body_and_behind_an_answer_that_takes_its_time(self):
        self.node.engine.held = Deferred()
        self.wire.send(post("/Producer/Send", "topic=t&messageData=x&delayTime=0") + PING + PING[:20])
        self.wire.send(PING[20:])
        self.assertEqual(self.answers(), 0)
        self.node.engine.held.callback(["c0de"])
        self.node.clock.advance(0)
        self.assertEqual(self.answers(), 3)

    def test_who_leaves_takes_its_turn_along(self):
        self.read(PING * 3)
        self.wire.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.node.clock.getDelayedCalls(), [])


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


class Collector(Protocol):
    """Takes whatever comes until the other side ends."""

    def __init__(self):
        self.taken = b""
        self.ended = Deferred()

    def dataReceived(self, data):
        self.taken += data

    def connectionLost(self, reason):
        self.ended.callback(self.taken)


class SocketTests(TestCase):
    """The same on a real socket."""

    async def serve(self):
        """Listen, and give the list of connections to come."""
        site = FakeNode(clock=reactor).site()
        made = []
        build = site.buildProtocol
        site.buildProtocol = lambda address: made.append(build(address)) or made[-1]
        self.port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        return made

    async def ask(self, raw):
        made = await self.serve()
        endpoint = HostnameEndpoint(reactor, b"127.0.0.1", self.port.getHost().port)
        collector = await connectProtocol(endpoint, Collector())
        collector.transport.write(raw)
        taken = await collector.ended
        while made[0].transport.connected:
            await deferLater(reactor, 0.01)
        return timeless(taken)

    async def test_pipelined_until_closed(self):
        last = post("/Console/Ping", b"{}", "multipart/form-data", Connection="close")
        raw = await self.ask(PING + last)
        self.assertEqual(raw, PONG + PONG.replace(b"10\r\n", b"10\r\nConnection: close\r\n"))

    async def test_pipelined_and_never_read(self):
        made = await self.serve()
        endpoint = HostnameEndpoint(reactor, b"127.0.0.1", self.port.getHost().port)
        rude = await connectProtocol(endpoint, Collector())
        rude.transport.pauseProducing()
        rude.transport.write(b"GET / HTTP/1.1\r\nHost: own\r\n\r\n" * 1_000)
        for _ in range(20):
            other = await connectProtocol(endpoint, Collector())
            other.transport.write(post("/Console/Ping", Connection="close"))
            began = reactor.seconds()
            self.assertIn(b'{"code":0}', await other.ended)
            self.assertLess(reactor.seconds() - began, 0.2)
        held = made[0].transport
        self.assertLess(len(held.dataBuffer) + held._tempDataLen, 200_000)
        self.assertLess(len(made[0]._buffer) + sum(map(len, made[0]._dataBuffer)), 200_000)
        rude.transport.resumeProducing()
        while rude.taken.count(b"HTTP/1.1 200") < 1_000:
            await deferLater(reactor, 0.01)
        rude.transport.abortConnection()
        await rude.ended

    async def test_http_1_0(self):
        raw = await self.ask(PING.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertEqual(raw, PONG.replace(b"HTTP/1.1", b"HTTP/1.0"))

    async def test_the_refusal_of_a_big_body_arrives(self):
        raw = await self.ask(post("/Console/Ping", b"x" * 20_000_000))
        self.assertEqual(parse(raw).status, 413)
