"""How v2 connections begin: the upgrade, hello, the key."""

from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.wire import ACCEPTED, KEY, V2, MemoryNode, frame, op

WRONG = {"op": "error", "code": "unauthorized", "message": "key: wrong or missing"}
PROTOCOL = {"Sec_WebSocket_Protocol": "kapokmq.v2"}


class UpgradeTests(SynchronousTestCase):
    """One request each."""

    def setUp(self):
        self.node = MemoryNode()

    def test_the_subprotocol_is_taken_where_it_is_on_offer(self):
        answer = ACCEPTED[:-2] + b"Sec-WebSocket-Protocol: kapokmq.v2\r\n\r\n"
        for offer in ("kapokmq.v2", "mqtt, kapokmq.v2"):
            client = self.node.connect(V2, Sec_WebSocket_Protocol=offer)
            self.assertEqual(client.answer + b"\r\n\r\n", answer)
        for path in (V2, V2 + "?key=x"):
            self.assertEqual(self.node.connect(path).answer + b"\r\n\r\n", ACCEPTED)
        self.assertEqual(self.node.connect(V2, Sec_WebSocket_Protocol="").answer + b"\r\n\r\n", ACCEPTED)

    def test_other_subprotocols_alone_are_refused(self):
        for offer in ("mqtt", "kapokmq.v3", "KAPOKMQ.V2"):
            client = self.node.connect(V2, Sec_WebSocket_Protocol=offer)
            self.assertTrue(client.answer.startswith(b"HTTP/1.1 400"), client.answer)
            self.assertEqual(client.stream, b"Sec-WebSocket-Protocol: kapokmq.v2 is what is spoken here\n")

    def test_other_paths_are_none(self):
        for path in ("/v2/", "/v2/x", "/V2", "/v3"):
            self.assertTrue(self.node.connect(path).answer.startswith(b"HTTP/1.1 404"))

    def test_a_request_that_is_no_upgrade(self):
        client = self.node.connect(V2, Upgrade="h2c")
        self.assertTrue(client.answer.startswith(b"HTTP/1.1 400"))

    def test_a_page_of_a_foreign_origin_has_no_business_while_the_key_is_the_default(self):
        node = MemoryNode(key="test")
        self.assertTrue(node.connect(V2, Origin="https://page.example").answer.startswith(b"HTTP/1.1 403"))
        self.assertTrue(node.connect(V2, Origin="http://localhost:8011").answer.startswith(b"HTTP/1.1 101"))

    def test_as_many_connections_as_there_may_be(self):
        node = MemoryNode(max_connections=1)
        node.connect(V2)
        self.assertTrue(node.connect(V2).answer.startswith(b"HTTP/1.1 503"))


class HelloTests(SynchronousTestCase):
    """The first op."""

    def setUp(self):
        self.node = MemoryNode()

    def connect(self, *ops, **headers):
        client = self.node.connect(V2, **headers)
        client.send(*ops)
        return client

    def test_the_welcome_says_what_the_node_takes(self):
        told = self.connect(op("hello", id=1, key=KEY, session="s", name="n"), **PROTOCOL).hears()
        limits = told.pop("limits")
        self.assertEqual(
            told,
            {"op": "welcome", "id": 1, "server": "kapokmq", "version": "9.9", "node": "mq:test:1", "session": "s"},
        )
        self.assertEqual(
            limits,
            {
                "messageBytes": 1 << 20,
                "batch": 5000,
                "frameBytes": 8 << 20,
                "credit": 100_000,
                "headers": 64,
                "headerBytes": 16384,
                "subscriptions": 1000,
                "unconfirmed": 1000,
                "ackCodes": 10_000,
                "nackCodes": 1000,
            },
        )

    def test_nothing_is_said_before_hello(self):
        self.assertEqual(self.connect().heard(), [])

    def test_a_token_and_a_header_are_keys_too(self):
        for fields, headers in (
            ({"token": KEY}, {}),
            ({}, {"secretKey": KEY}),
            ({"key": "", "token": KEY}, {}),
            ({"key": KEY}, {"secretKey": "wrong"}),
        ):
            self.assertEqual(self.connect(op("hello", **fields), **headers).hears()["op"], "welcome", fields)

    def test_wrong_keys(self):
        for fields, headers in (
            ({}, {}),
            ({"key": "wrong"}, {}),
            ({"key": "wrong"}, {"secretKey": KEY}),
            ({"token": "wrong"}, {}),
            ({}, {"secretKey": "wrong"}),
        ):
            client = self.connect(op("hello", **fields), **headers)
            self.assertEqual(client.hears(), WRONG, fields)
            client.ask("hello", id=2, key=KEY)
            self.assertEqual(client.hears()["op"], "welcome")

    def test_the_fifth_wrong_key_closes(self):
        client = self.connect(*[op("hello", key="q", id=n) for n in range(6)])
        told = client.heard()
        self.assertEqual(told, [WRONG | {"id": n} for n in range(5)] + [(1008, "5 wrong keys")])
        self.assertEqual(self.node.connections.listed(), [])

    def test_wrong_keys_of_an_address_wait_past_twenty(self):
        for _ in range(20):
            self.node.wrong_keys.delay("10.0.0.9")
        client = self.connect(op("hello", key="q"), op("hello", key=KEY))
        self.assertEqual(client.heard(), [])
        self.assertEqual(client.transport.producerState, "paused")
        self.node.clock.advance(1)
        self.assertEqual([told["op"] for told in client.heard()], ["error", "welcome"])
        self.assertEqual(client.transport.producerState, "producing")
        client = self.connect(op("hello", key="q"))
        client.transport.lose()
        client = self.connect(op("hello", key="q"))
        self.node.clock.advance(0.5)
        self.assertEqual(client.heard(), [])

    def test_no_hello_in_time_closes(self):
        client = self.connect(op("hello", key="q"))
        client.take()
        self.node.clock.advance(10)
        self.assertEqual(client.hears(), (1008, "no key within 10 s"))

    def test_who_is_in_has_all_the_time(self):
        client = self.node.greet()
        self.node.clock.advance(29)
        self.assertEqual(client.heard(), [])

    def test_anything_before_hello_is_too_early(self):
        client = self.connect(
            op("publish", id=1, topic="t", messages=[{"data": "x"}]),
            op("ack", sub=2, codes=["c"]),
            op("hello", key=KEY),
        )
        first, second, third = client.heard()
        self.assertEqual(first, {"op": "error", "id": 1, "code": "helloFirst", "message": "hello: comes first"})
        self.assertEqual((second["sub"], second["code"], third["op"]), (2, "helloFirst", "welcome"))
        self.assertEqual(self.node.engine.publishes, [])

    def test_a_faulty_frame_before_hello_is_answered(self):
        client = self.connect(frame("junk"), op("hello", kee=KEY), op("hello", key=KEY))
        self.assertEqual([told.get("code") for told in client.heard()], ["badRequest", "badRequest", None])

    def test_a_frame_that_is_no_text_closes(self):
        self.assertEqual(self.connect(frame(b"\xff", 2)).hears(), (1007, "not UTF-8 at byte 0"))

    def test_a_hello_is_short(self):
        client = self.connect(op("hello", key="x" * 16384))
        self.assertEqual(client.hears(), (1009, "hello: longer than 16384 bytes"))

    def test_what_comes_behind_hello_may_be_long(self):
        client = self.connect()
        client.send(op("hello", key=KEY) + op("publish", id=1, topic="t", messages=[{"data": "x" * 100_000}]))
        self.assertEqual(client.hears()["op"], "welcome")
        self.assertEqual(len(self.node.engine.data[0]), 100_000)

    def test_a_transport_that_is_full_before_hello(self):
        client = self.connect()
        client.wire.pauseProducing()
        client.wire.resumeProducing()
        client.ask("hello", key=KEY)
        self.assertEqual(client.hears()["op"], "welcome")

    def test_who_does_not_read_is_not_read_before_hello_either(self):
        client = self.connect()
        client.wire.pauseProducing()
        client.send(*[frame("junk")] * 5, op("hello", key=KEY, id=1))
        self.assertEqual((client.transport.writes, client.transport.producerState), ([], "paused"))
        client.wire.resumeProducing()
        self.assertEqual([told["op"] for told in client.heard()], ["error"] * 5 + ["welcome"])
        self.assertEqual(client.transport.producerState, "producing")

    def test_a_key_that_waits_and_a_client_that_does_not_read(self):
        for _ in range(20):
            self.node.wrong_keys.delay("10.0.0.9")
        client = self.connect(op("hello", key="q"), op("hello", key=KEY))
        client.wire.pauseProducing()
        client.wire.resumeProducing()
        self.assertEqual((client.heard(), client.transport.producerState), ([], "paused"))
        client.wire.pauseProducing()
        self.node.clock.advance(1)
        self.assertEqual([told["op"] for told in client.heard()], ["error"])
        self.assertEqual(client.transport.producerState, "paused")
        client.wire.resumeProducing()
        self.assertEqual(client.hears()["op"], "welcome")

    def test_twenty_frames_that_are_no_hello_close(self):
        client = self.connect(*[frame("junk")] * 10, *[op("ack", sub=1, codes=["c"])] * 9)
        client.take()
        client.ask("hello", key="q")
        self.assertEqual(client.hears(), WRONG)
        client.send(frame("junk"), frame("junk"))
        told = client.heard()
        self.assertEqual((told[0]["code"], told[1]), ("badRequest", (1008, "no hello in 20 frames")))
        self.assertEqual(len(told), 2)

    def test_no_timer_outlives_the_connection(self):
        for client in (self.connect(), self.node.greet()):
            client.transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])
