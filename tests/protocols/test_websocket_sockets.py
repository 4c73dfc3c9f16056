"""The classic wire on real sockets: what the peer sees, byte by byte, and that every connection ends."""

import random
import socket

from twisted.internet import reactor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface import directlyProvides

from kapokmq.protocols import ending
from tests.protocols.sockets import SocketNode
from tests.protocols.test_websocket_ending import PROTOCOL_ERRORS
from tests.protocols.wire import (
    ACCEPTED,
    BINARY,
    CLOSE,
    CONSUMER,
    KEY,
    OK,
    PRODUCER,
    PROMPT,
    RIGHT,
    WRONG,
    close_frame,
    closing,
    frame,
    message,
    request,
)

MORE = message("x" * 1000) * 1000  # a megabyte that nobody reads: a careless close would reset


class SocketTests(TestCase):
    """One node, raw sockets."""

    timeout = 30

    def setUp(self):
        self.node = SocketNode(self)
        self.engine = self.node.engine

    async def wait(self, seconds=0.0):
        """Let the reactor run."""
        await deferLater(reactor, seconds, lambda: None)

    async def sees(self, client, *expected):
        """The peer reads exactly this, then the end of the stream, and no reset."""
        await client.closed()
        self.assertEqual(client.take(), list(expected))
        self.assertEqual(client.stream, b"")
        self.assertIs(client.reason.type, ConnectionDone)

    async def test_a_message_there_and_its_ok_back(self):
        client = await self.node.enter()
        client.send(message("hello"))
        while not self.engine.unconfirmed:
            await self.wait()
        self.engine.confirm()
        await client.reads(1)
        self.assertEqual(client.take(), [OK])

    async def test_all_at_once(self):
        client = await self.node.connect(request() + frame(KEY) + message("a") * 500)
        await client.reads(2)
        self.assertEqual(client.answer + b"\r\n\r\n", ACCEPTED)
        while len(self.engine.data) < 500:
            await self.wait()
        self.engine.confirm()
        await client.reads(502)
        self.assertEqual(client.take(), [PROMPT, RIGHT] + [OK] * 500)

    async def test_refusals_of_messages_are_seen(self):
        for data, code, reason in (
            (frame("oops"), 1007, "not JSON at character 0"),
            (frame("[]", BINARY), 1007, "not a JSON object"),
            (frame(b"{\xff}", BINARY), 1007, "not UTF-8 at byte 1"),
            (frame('{"DelayTime":99999999999}'), 1008, "DelayTime: more than 3162240000 seconds"),
            (message("x" * 1_048_577), 1009, "MessageData: 1048577 bytes, the limit is 1048576"),
        ):
            client = await self.node.enter()
            client.send(message("a"), data, MORE)
            while not self.engine.unconfirmed:
                await self.wait()
            self.engine.confirm()
            await self.sees(client, OK, close_frame(code, reason))

    async def test_invalid_utf8_in_text_is_seen(self):
        client = await self.node.enter()
        client.send(frame(b'{"MessageData":"\xff"}'), MORE)
        await client.closed()
        self.assertEqual(client.take(), [close_frame(1007, "not UTF-8 at byte 16")])

    async def test_protocol_errors_are_seen(self):
        for name, data in PROTOCOL_ERRORS.items():
            for path in (PRODUCER, CONSUMER):
                client = await self.node.enter(path)
                client.send(data, MORE)
                await client.closed()
                ((opcode, payload),) = client.take()
                self.assertEqual((opcode, payload[:2]), (CLOSE, (1002).to_bytes(2, "big")), name)
                self.assertIs(client.reason.type, ConnectionDone, name)

    async def test_refusals_of_keys_are_seen(self):
        client = await self.node.connect(request() + frame("q") * 5 + MORE)
        await self.sees(client, PROMPT, *[WRONG, PROMPT] * 4, WRONG, close_frame(1008, "5 wrong keys"))
        client = await self.node.connect(request() + frame("q" * 5000) + MORE)
        await client.closed()
        self.assertEqual(client.take()[-1], close_frame(1009, "key: longer than 4096 bytes"))

    async def test_goodbyes_are_answered(self):
        for path in (PRODUCER, CONSUMER):
            client = await self.node.enter(path)
            client.send(closing(1001, b"bye"))
            await self.sees(client, close_frame(1001))

    async def test_a_node_that_stops_says_so_to_everybody(self):
        clients = [await self.node.enter(path) for path in (PRODUCER, CONSUMER) for _ in range(3)]
        stranger = await self.node.connect(request())
        await stranger.reads(1)
        await self.node.connections.close_all(reactor)
        for client in clients:
            await self.sees(client, close_frame(1001, "this node stops"))
        await self.sees(stranger, PROMPT, close_frame(1001, "this node stops"))

    async def test_who_never_closes_is_cut_off(self):
        self.patch(ending, "LINGER", 0.2)
        client = await self.node.enter()
        client.readConnectionLost = client.writeConnectionLost = lambda: None
        directlyProvides(client, IHalfCloseableProtocol)
        client.send(frame("oops"))
        await client.reads(1)
        self.assertEqual(len(self.node.connections), 1)
        await self.wait(0.4)
        self.assertEqual(len(self.node.connections), 0)

    async def test_who_never_reads_is_cut_off(self):
        self.patch(ending, "LINGER", 0.2)
        client = await self.node.enter(CONSUMER)
        client.transport.pauseProducing()
        for _ in range(20):
            self.engine.deliver("orders", "x" * 1_000_000)
        await self.node.connections.close_all(reactor)
        self.assertEqual(len(self.node.connections), 0)

    async def test_a_producer_that_never_reads_costs_no_memory_and_gets_its_oks_in_the_end(self):
        count = 100_000
        client = await self.node.enter()
        (publisher,) = self.engine.publishers
        wire = publisher._wire
        client.transport.pauseProducing()
        client.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.send(frame("{}") * count)
        taken = 0
        while taken < count:
            taken += sum(len(call.drafts) for call in self.engine.unconfirmed)
            self.engine.confirm()
            await self.wait()
        self.assertTrue(wire.stalled)
        transport = wire.transport
        self.assertLess(len(transport.dataBuffer) + transport._tempDataLen, 256 * 1024)
        client.transport.resumeProducing()
        await client.until(lambda: len(client.stream) >= 4 * count)
        self.assertEqual(client.stream, b"\x81\x02ok" * count)

    async def test_a_consumer_that_does_not_read_is_stalled_and_goes_on_later(self):
        client = await self.node.enter(CONSUMER)
        client.transport.pauseProducing()
        (member,) = self.engine.members
        sent = 0
        while not member.stalls:
            self.engine.deliver("orders", "x" * 100_000)
            sent += 1
            await self.wait()
        client.transport.resumeProducing()
        await client.reads(sent)
        self.assertEqual(len(client.take()), sent)
        while len(member.stalls) < 2:
            await self.wait()
        self.assertEqual(member.stalls, [True, False])

    async def test_a_full_broker_stops_reading_the_socket(self):
        client = await self.node.enter()
        (publisher,) = self.engine.publishers
        publisher.pause()
        client.send(message("x" * 100_000) * 200)
        await self.wait(0.1)
        self.assertLess(len(self.engine.data), 5)
        publisher.resume()
        while len(self.engine.data) < 200:
            await self.wait()

    async def test_rubbish_disturbs_nobody_else(self):
        chance = random.Random(7)  # noqa: S311 -- a test's dice
        steady, reader = await self.node.enter(), await self.node.enter(CONSUMER)
        pieces = [*PROTOCOL_ERRORS.values(), message("m"), frame(KEY), closing(), frame("{", fin=False), b"\r\n\r\n"]
        for _ in range(60):
            junk = [chance.choice(pieces) if chance.random() < 0.5 else chance.randbytes(chance.randrange(300))]
            junk += [chance.choice(pieces) for _ in range(chance.randrange(4))]
            head = chance.choice((request() + frame(KEY), request(CONSUMER) + frame(KEY), request(), b""))
            rude = await self.node.connect(head + b"".join(junk))
            await self.wait()
            steady.send(message("steady"))
            while not any(call.drafts[0].data == "steady" for call in self.engine.unconfirmed):
                await self.wait()
            self.engine.confirm()
            await steady.reads(1)
            self.assertEqual(steady.take(), [OK])
            self.engine.deliver("orders", "still here")
            await reader.reads(1)
            ((opcode, payload),) = reader.take()
            self.assertEqual((opcode, b"still here" in payload), (1, True))
            rude.transport.abortConnection()

    async def test_clients_that_vanish_leave_nothing(self):
        for path in (PRODUCER, CONSUMER):
            client = await self.node.enter(path)
            client.transport.abortConnection()
        while len(self.node.connections):
            await self.wait()
        self.assertEqual((len(self.engine.detached), self.engine.members), (1, []))
