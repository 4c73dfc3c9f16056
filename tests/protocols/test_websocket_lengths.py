"""How long a producer's message may be, in how many fragments it may come, and how long that may take."""

from twisted.trial.unittest import SynchronousTestCase

from tests.protocols.wire import (
    OK,
    PING,
    PONG,
    MemoryNode,
    close_frame,
    frame,
    message,
)


class LengthTests(SynchronousTestCase):
    """Messages that are too long, or never end."""

    def setUp(self):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.client = self.node.enter()

    def test_text_beyond_the_limit_is_too_big(self):
        node = MemoryNode(max_message_bytes=1000)
        client = node.enter()
        client.send(message("x" * 1000), message("x" * 1001))
        node.engine.confirm()
        self.assertEqual(client.take(), [OK, close_frame(1009, "MessageData: 1001 bytes, the limit is 1000")])

    def test_a_frame_beyond_the_limit_is_refused_at_its_header(self):
        node = MemoryNode(max_message_bytes=1000)
        client = node.enter()
        client.send(message("a"), message("x" * 6300)[:10])
        node.engine.confirm()
        reason = "MessageData: JSON of more than 6256 bytes, the limit is 1000 of text"
        self.assertEqual(client.take(), [OK, close_frame(1009, reason)])

    def test_text_within_the_limit_may_be_escaped(self):
        node = MemoryNode(max_message_bytes=1000)
        client = node.enter()
        for text in ("\u0001" * 1000, "\u00e9" * 500, "\U0001f600" * 250, "\ud800" * 333):
            client.send(message(text))
            self.assertEqual(node.engine.data[-1], text.replace("\ud800", "\ufffd"))
        client.send(message("\u00e9" * 501))
        node.engine.confirm()
        self.assertEqual(client.take()[-1], close_frame(1009, "MessageData: 1002 bytes, the limit is 1000"))

    def test_a_message_in_ever_more_fragments_is_too_big(self):
        for length in ("", "x"):
            client = self.node.enter()
            client.send(frame("", fin=False), frame(length, 0, fin=False) * 1023)
            self.assertEqual(client.take(), [])
            client.send(frame("", 0))
            self.assertEqual(client.take(), [close_frame(1009, "a message of more than 1024 fragments")])

    def test_a_message_of_many_fragments_is_taken(self):
        for number in range(3):
            end = f'{number}"}}'
            self.client.send(frame('{"MessageData":"', fin=False), frame("", 0, fin=False) * 1022, frame(end, 0))
        self.assertEqual(self.engine.data, ["0", "1", "2"])

    def test_a_message_that_does_not_end_closes(self):
        for begun in (message("x")[:1], message("x")[:-1], frame("{", fin=False), frame("", PING)[:3]):
            client = self.node.enter()
            client.send(message("a"), begun)
            self.engine.confirm()
            self.node.clock.advance(59)
            client.send(frame("", PONG) if len(begun) == 7 else b"")  # what comes in between gives no more time
            self.assertEqual([seen for seen in client.take() if seen[0] != PING], [OK])
            self.node.clock.advance(1.5)
            self.assertEqual(client.take()[-1], close_frame(1008, "a message that does not end within 60 s"), begun)

    def test_each_message_has_its_own_time(self):
        whole = message("x")
        self.client.send(whole[:5])
        for _ in range(10):
            self.node.clock.advance(25)
            self.client.send(whole[5:], whole[:5])
        self.assertEqual(len(self.engine.data), 10)
        self.client.send(whole[5:])
        for _ in range(10):
            self.node.clock.advance(25)
            self.client.send(frame("", PONG))
        self.client.send(frame("", PONG)[:3])
        for _ in range(10):
            self.node.clock.advance(25)
            self.client.send(frame("", PONG)[3:], frame("", PONG)[:3])
        self.assertFalse(self.client.transport.half_closed)

    def test_the_time_of_a_message_stands_still_while_nothing_is_read(self):
        self.client.send(message("x")[:5])
        self.node.clock.advance(40)
        self.client.wire.stop_reading()
        self.node.clock.advance(1000)
        self.client.wire.go_on_reading()
        self.node.clock.advance(19)
        self.assertFalse(self.client.transport.half_closed)
        self.node.clock.advance(2)
        self.assertTrue(self.client.transport.half_closed)

    def test_a_message_that_begins_while_nothing_is_read(self):
        self.client.wire.stop_reading()
        self.client.send(message("x")[:5])  # TLS hands on what it had
        self.node.clock.advance(1000)
        self.client.wire.go_on_reading()
        self.node.clock.advance(59)
        self.assertFalse(self.client.transport.half_closed)
        self.node.clock.advance(2)
        self.assertTrue(self.client.transport.half_closed)
