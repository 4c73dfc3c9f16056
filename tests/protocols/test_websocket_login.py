"""Log-in over a WebSocket, in memory."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.connections import Kind
from tests.protocols.wire import (
    ACCEPTED,
    BINARY,
    CONSUMER,
    KEY,
    OK,
    PRODUCER,
    PROMPT,
    RIGHT,
    WRONG,
    MemoryNode,
    close_frame,
    frame,
    message,
)


class LoginTests(SynchronousTestCase):
    """Keys, and what they cost."""

    def setUp(self):
        self.node = MemoryNode()

    def test_the_upgrade_has_three_headers_and_then_the_prompt(self):
        client = self.node.connect()
        self.assertEqual(client.answer + b"\r\n\r\n", ACCEPTED)
        self.assertEqual(client.take(), [PROMPT])

    def test_the_key_lets_in_as_text_and_as_binary(self):
        for opcode in (1, BINARY):
            client = self.node.connect()
            client.send(frame(KEY, opcode))
            self.assertEqual(client.take(), [PROMPT, RIGHT])

    def test_a_wrong_key_is_asked_again(self):
        client = self.node.connect()
        client.send(frame("qqq"))
        self.assertEqual(client.take(), [PROMPT, WRONG, PROMPT])
        self.assertEqual(len(self.node.engine.publishers), 0)
        client.send(frame(KEY))
        self.assertEqual(client.take(), [RIGHT])

    def test_the_fifth_wrong_key_closes(self):
        client = self.node.connect()
        client.send(frame("q") * 4, frame("q"), frame(KEY))
        again = [WRONG, PROMPT]
        self.assertEqual(client.take(), [PROMPT, *again * 4, WRONG, close_frame(1008, "5 wrong keys")])
        self.assertTrue(client.transport.half_closed)
        client.send(frame(KEY))
        self.assertEqual(client.take(), [])

    def test_a_long_key_closes_before_it_is_read(self):
        client = self.node.connect()
        client.send(frame("x" * 5000)[:20])
        self.assertEqual(client.take(), [PROMPT, close_frame(1009, "key: longer than 4096 bytes")])

    def test_a_long_key_in_fragments_closes_as_well(self):
        client = self.node.connect()
        client.send(frame("x" * 4000, fin=False), frame("x" * 97, 0))
        self.assertEqual(client.take(), [PROMPT, close_frame(1009, "key: longer than 4096 bytes")])

    def test_the_longest_key_is_merely_wrong(self):
        client = self.node.connect()
        client.send(frame("x" * 4096))
        self.assertEqual(client.take(), [PROMPT, WRONG, PROMPT])

    def test_no_key_in_time_closes(self):
        client = self.node.connect()
        self.node.clock.advance(9.9)
        self.assertEqual(client.take(), [PROMPT])
        self.node.clock.advance(0.2)
        self.assertEqual(client.take(), [close_frame(1008, "no key within 10 s")])

    def test_wrong_keys_buy_no_time(self):
        client = self.node.connect()
        self.node.clock.advance(9)
        client.send(frame("q"))
        client.take()
        self.node.clock.advance(1)
        self.assertEqual(client.take(), [close_frame(1008, "no key within 10 s")])

    def test_who_is_in_has_all_the_time(self):
        client = self.node.enter()
        self.node.clock.advance(29)
        self.assertEqual(client.take(), [])

    def test_the_key_behind_the_upgrade_and_messages_behind_the_key_are_seen(self):
        big = "x" * 10_000
        client = self.node.connect(early=frame(KEY) + message("a") + message(big))
        self.assertEqual(client.take(), [PROMPT, RIGHT])
        self.assertEqual(self.node.engine.data, ["a", big])
        self.assertEqual(len(self.node.engine.publishes), 1)
        self.node.engine.confirm()
        self.assertEqual(client.take(), [OK, OK])

    def test_half_a_frame_behind_the_upgrade_is_not_lost(self):
        whole = frame(KEY)
        client = self.node.connect(early=whole[:3])
        client.send(whole[3:])
        self.assertEqual(client.take(), [PROMPT, RIGHT])

    def test_a_client_is_listed_only_when_it_is_in(self):
        connections = self.node.connections
        client = self.node.connect(ip="10.1.1.1")
        self.assertEqual((len(connections), connections.producers()), (1, []))
        client.send(frame(KEY))
        self.assertEqual(connections.producers(), [(Kind.PRODUCER, "orders", "p1", "10.1.1.1", 1795219602)])
        self.assertEqual(connections.consumers(), [])
        self.node.enter(CONSUMER, ip="10.1.1.2")
        self.assertEqual(connections.consumers(), [(Kind.CONSUMER, "orders", "c1", "10.1.1.2", 1795219602)])
        client.transport.lose()
        self.assertEqual((len(connections), connections.producers()), (1, []))

    def test_no_timer_outlives_the_connection(self):
        for path in (PRODUCER, CONSUMER):
            for client in (self.node.connect(path), self.node.enter(path)):
                client.transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])


class SlowdownTests(SynchronousTestCase):
    """Past twenty wrong keys a minute each costs its address a second."""

    def setUp(self):
        self.node = MemoryNode()
        for _ in range(20):
            self.node.wrong_keys.delay("10.0.0.9")

    def test_a_wrong_key_waits_and_nothing_is_read_meanwhile(self):
        client = self.node.connect()
        client.send(frame("q"))
        self.assertEqual(client.take(), [PROMPT])
        self.assertEqual(client.transport.producerState, "paused")
        self.node.clock.advance(1)
        self.assertEqual(client.take(), [WRONG, PROMPT])
        self.assertEqual(client.transport.producerState, "producing")

    def test_the_right_key_passes_at_once(self):
        self.node.enter()

    def test_others_are_not_slowed_down(self):
        client = self.node.connect(ip="10.0.0.8")
        client.send(frame("q"))
        self.assertEqual(client.take(), [PROMPT, WRONG, PROMPT])

    def test_keys_behind_a_wrong_one_wait_their_turn(self):
        client = self.node.connect(early=frame("q") + frame("r") + frame(KEY) + message("a"))
        self.assertEqual(client.take(), [PROMPT])
        self.node.clock.advance(1)
        self.assertEqual(client.take(), [WRONG, PROMPT])
        self.assertEqual(client.transport.producerState, "paused")
        self.node.clock.advance(1)
        self.assertEqual(client.take(), [WRONG, PROMPT, RIGHT])
        self.assertEqual(self.node.engine.data, ["a"])
        self.assertEqual(client.transport.producerState, "producing")

    def test_time_runs_out_while_a_key_waits(self):
        client = self.node.connect()
        self.node.clock.advance(9.5)
        client.send(frame("q"), frame(KEY))
        client.take()
        self.node.clock.advance(0.5)
        self.assertEqual(client.take(), [close_frame(1008, "no key within 10 s")])
        self.node.clock.advance(1)
        self.assertEqual(client.take(), [])

    def test_a_connection_may_go_while_a_key_waits(self):
        client = self.node.connect()
        client.send(frame("q"))
        client.transport.lose()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_the_fifth_wrong_key_closes_when_it_has_waited(self):
        client = self.node.connect(early=frame("q") * 5)
        for _ in range(5):
            self.node.clock.advance(1)
        self.assertEqual(client.take()[-2:], [WRONG, close_frame(1008, "5 wrong keys")])
