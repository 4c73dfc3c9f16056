"""What becomes a WebSocket connection, and what the rest is answered."""

from ipaddress import ip_network

from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.wire import (
    ACCEPTED,
    CONSUMER,
    KEY,
    PRODUCER,
    PROMPT,
    RIGHT,
    MemoryNode,
    MemoryTransport,
    frame,
    request,
)


class UpgradeTests(SynchronousTestCase):
    """One request each."""

    def setUp(self):
        self.node = MemoryNode()

    def ask(self, data, node=None):
        """What some bytes are answered: status, headers, the rest."""
        transport = MemoryTransport(IPv4Address("TCP", "10.0.0.9", 4711))
        channel = (node or self.node).site.buildProtocol(transport.getPeer())
        transport.protocol = channel
        channel.makeConnection(transport)
        channel.dataReceived(data)
        for call in self.node.clock.getDelayedCalls():
            call.cancel()
        head, _, body = transport.value().partition(b"\r\n\r\n")
        status, *headers = head.decode().split("\r\n")
        return int(status.split()[1]), headers, body

    def status(self, data, node=None):
        """Only the status."""
        return self.ask(data, node)[0]

    def test_both_paths(self):
        for path in (PRODUCER, CONSUMER, PRODUCER + "?x=/y", "/Producers/Conn/%E4%B8%AD/a%20b"):
            self.assertEqual(self.status(request(path)), 101, path)

    def test_the_names_are_decoded(self):
        self.node.enter("/Consumers/Conn/%E4%B8%AD/a%20b+c")
        (client,) = self.node.connections.consumers()
        self.assertEqual((client.topic, client.id), ("中", "a b+c"))
        self.assertEqual(self.node.engine.members[0].topic, "中")

    def test_extensions_and_subprotocols_are_passed_over(self):
        offers = {
            "Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits",
            "Sec_WebSocket_Protocol": "chat, chat",
            "Origin": "https://page.example",
        }
        client = self.node.connect(**offers)
        self.assertEqual(client.answer + b"\r\n\r\n", ACCEPTED)
        self.assertEqual(client.take(), [PROMPT])

    def test_headers_may_be_spelt_as_people_do(self):
        data = request(without=("Connection",), Upgrade="WebSocket").replace(b"Upgrade:", b"uPGRADE:")
        data = data.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\nConnection: UPGRADE\r\n\r\n")
        self.assertEqual(self.status(data), 101)

    def test_a_body_is_passed_over(self):
        data = request(PRODUCER, "Content-Length: 3") + b"abc" + frame(KEY)
        self.assertEqual(self.ask(data)[2], b"\x81\x1bPlease enter the secret key\x81\x1dSecret key matching succeeded")

    def test_a_request_in_pieces(self):
        transport = MemoryTransport(IPv4Address("TCP", "10.0.0.9", 4711))
        transport.protocol = channel = self.node.site.buildProtocol(transport.getPeer())
        channel.makeConnection(transport)
        for byte in request() + frame(KEY):
            transport.protocol.dataReceived(bytes((byte,)))
        self.assertTrue(transport.value().endswith(b"succeeded"))
        transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_plain_requests(self):
        for data in (
            request(without=("Upgrade",)),
            request(without=("Connection",)),
            request(without=("Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key")),
            request(Upgrade="h2c"),
            request(Connection="keep-alive"),
        ):
            status, headers, body = self.ask(data)
            self.assertEqual((status, body), (400, b"Bad Request\n"))
            self.assertIn("sec-websocket-version: 13", [header.lower() for header in headers])
            self.assertIn("Access-Control-Allow-Origin: *", headers)

    def test_other_versions(self):
        for data in (
            request(Sec_WebSocket_Version="8"),
            request(Sec_WebSocket_Version="14"),
            request(Sec_WebSocket_Version="x"),
            request(PRODUCER, "Sec-WebSocket-Version: 13"),
            request(without=("Sec-WebSocket-Version",)),
        ):
            status, headers, _ = self.ask(data)
            self.assertEqual(status, 426)
            lower = [header.lower() for header in headers]
            self.assertIn("sec-websocket-version: 13", lower)
            self.assertIn("upgrade: websocket", lower)

    def test_keys(self):
        for data, reason in (
            (request(without=("Sec-WebSocket-Key",)), b"is needed once"),
            (request(PRODUCER, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), b"is needed once"),
            (request(Sec_WebSocket_Key="short"), b"is not 16 bytes in base64"),
            (request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZR=="), b"is not 16 bytes in base64"),
            (request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZ!=="), b"is not 16 bytes in base64"),
        ):
            status, _, body = self.ask(data)
            self.assertEqual((status, body), (400, b"Sec-WebSocket-Key: " + reason + b"\n"))

    def test_host_and_http_version(self):
        self.assertEqual(self.ask(request(without=("Host",)))[::2], (400, b"Host: is needed once\n"))
        self.assertEqual(self.ask(request(PRODUCER, "Host: b"))[::2], (400, b"Host: is needed once\n"))
        self.assertEqual(self.ask(request(version="HTTP/1.0"))[::2], (400, b"WebSocket needs HTTP/1.1\n"))

    def test_other_methods_and_paths_are_not_there(self):
        for data in (
            request(method="POST"),
            request(method="PUT"),
            request("/Producers/Conn/t"),
            request("/Producers/Conn/t/p/x"),
            request("/Producers/Conn/t/p/"),
            request("/Producers/Conn/"),
            request("/Producers/conn/t/p"),
            request("/producers/Conn/t/p"),
            request("/Sync/Conn/t/p"),
            request("//Producers/Conn/t/p"),
            request("/Producers/Conn/t%2Fu/p"),
            request("/Producers/Conn/t/p%2fx"),
        ):
            status, headers, body = self.ask(data)
            self.assertEqual((status, body), (404, b"404 page not found"), data[:40])
            self.assertIn("Content-Type: text/plain", headers)

    def test_names_that_are_none(self):
        for path, reason in (
            ("/Producers/Conn//p", "topic: is empty"),
            ("/Producers/Conn/t/", "producerId: is empty"),
            ("/Consumers/Conn/t/", "consumerId: is empty"),
            ("/Producers/Conn/" + "x" * 256 + "/p", "topic: is longer than 255 characters"),
            ("/Producers/Conn/t/a%00b", "producerId: has a control character at 1"),
            ("/Producers/Conn/a%0D%0A/p", "topic: has a control character at 1"),
            ("/Producers/Conn/%FF/p", "topic: is not UTF-8"),
            ("/Producers/Conn/%ED%A0%80/p", "topic: is not UTF-8"),
            ("/Producers/Conn/%zz/p", "topic: is not percent-encoded"),
            ("/Producers/Conn/t/p%2", "producerId: is not percent-encoded"),
        ):
            self.assertEqual(self.ask(request(path))[::2], (400, reason.encode() + b"\n"), path)

    def test_the_longest_names(self):
        name = "%E4%B8%AD" * 255
        self.assertEqual(self.status(request(f"/Producers/Conn/{name}/{name}")), 101)

    def test_foreign_pages_are_refused_while_the_key_is_the_default(self):
        node = MemoryNode(key="test", own_hosts=["mq.example"])
        for data, status in (
            (request(), 101),
            (request(Origin="http://localhost:3000"), 101),
            (request(Host="mq.example:8011", Origin="http://mq.example:8011"), 101),
            (request(Origin="https://evil.example"), 403),
            (request(Origin="null"), 403),
            (request(Host="evil.example:8011", Origin="http://evil.example:8011"), 403),
            (request(PRODUCER, "Origin: http://evil.example", Origin="http://localhost"), 403),
            (request(Origin="http://\xff"), 403),
            (request(Host="\xff", Origin="http://mq.example:8011"), 403),
        ):
            answered, headers, _ = self.ask(data, node)
            self.assertEqual(answered, status, data)
            if status == 403:
                self.assertNotIn("Access-Control-Allow-Origin: *", headers)

    def test_any_page_may_ask_once_the_key_is_another(self):
        self.assertEqual(self.status(request(Origin="https://page.example")), 101)

    def test_connections_are_bounded_logged_in_or_not(self):
        node = MemoryNode(max_connections=2)
        first = node.connect()
        node.enter()
        status, headers, body = self.ask(request(), node)
        self.assertEqual((status, body), (503, b"this node has 2 connections, which is as many as it takes\n"))
        self.assertIn("Retry-After: 5", headers)
        first.transport.lose()
        self.assertEqual(self.status(request(), node), 101)

    def test_a_refused_request_keeps_the_connection(self):
        data = request("/Producers/Conn//p") + request() + frame(KEY)
        _, _, rest = self.ask(data)
        self.assertTrue(rest.startswith(b"topic: is empty\nHTTP/1.1 101 "))
        self.assertTrue(rest.endswith(b"succeeded"))

    def test_the_client_address_is_the_nearest_that_is_not_trusted(self):
        node = MemoryNode(trusted=[ip_network("10.0.0.0/8")])
        node.enter(ip="10.0.0.1", X_Forwarded_For="6.6.6.6, 7.7.7.7, 10.0.0.2")
        node.enter(ip="9.9.9.9", X_Forwarded_For="6.6.6.6")
        self.assertEqual([client.ip for client in node.connections.producers()], ["7.7.7.7", "9.9.9.9"])

    def test_a_forwarded_address_that_is_no_text(self):
        node = MemoryNode(trusted=[ip_network("10.0.0.0/8")])
        for ip in ("10.0.0.1", "9.9.9.9"):
            node.enter(ip=ip, X_Forwarded_For="\xff")
        self.assertEqual([client.ip for client in node.connections.producers()], ["10.0.0.1", "9.9.9.9"])

    def test_many_bytes_behind_the_request(self):
        client = self.node.connect(early=frame(KEY) + frame('{"MessageData":"x"}') * 2000)
        self.assertEqual(client.take(), [PROMPT, RIGHT])
        self.assertEqual(len(self.node.engine.data), 2000)
        self.assertEqual(client.transport.producerState, "producing")
