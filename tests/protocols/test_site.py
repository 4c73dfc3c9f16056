"""Routing, headers and origins: whole answers, byte for byte (spec, 2.2 and 2.3)."""

import re

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.protocols.http_fakes import KEY, FakeNode, parse, post, receipt

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
        for path in ("/Console/Ping", "/nowhere"):
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

    def test_v2_goes_to_the_websocket(self):
        self.assertEqual(self.node.get("/v2").body, b"websocket /v2")
        reply = self.node.get("/v2/?a=b")
        self.assertEqual((reply.status, reply.headers["Location"]), (301, "/v2?a=b"))
        self.assertEqual(self.node.post("/v2").status, 404)
        self.assertEqual(self.node.get("/v2/x").status, 404)

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
        self.node.engine.held.callback(receipt())
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
