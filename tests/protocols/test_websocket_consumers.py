"""Consumers over a WebSocket, in memory."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadName, Full, Gone, StoreUnavailable
from tests.protocols.wire import (
    BINARY,
    CONSUMER,
    KEY,
    PRODUCER,
    PROMPT,
    RIGHT,
    MemoryNode,
    close_frame,
    closing,
    frame,
)


class ConsumerTests(SynchronousTestCase):
    """Messages out, codes in."""

    def setUp(self):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.client = self.node.enter(CONSUMER)
        (self.member,) = self.engine.members

    def test_a_consumer_joins_with_the_credit_of_the_settings(self):
        self.assertEqual((self.member.topic, self.member.credit), ("orders", 50))
        node = MemoryNode(require_ack=False)
        node.enter(CONSUMER)
        self.assertIsNone(node.engine.members[0].credit)

    def test_a_batch_is_one_write_of_a_frame_each(self):
        self.engine.deliver("orders", "a", "b")
        self.assertEqual(len(self.client.transport.writes), 1)
        pushed = [json.loads(payload) for _, payload in self.client.take()]
        self.assertEqual([one["MessageData"] for one in pushed], ["a", "b"])
        self.assertEqual(pushed[0]["Topic"], "orders")

    def test_the_engine_knows_who_it_is(self):
        self.assertEqual(self.member.receiver.label, "c1 10.0.0.9")
        (listed,) = self.node.connections.listed()
        self.assertEqual((self.member.receiver.address, self.member.receiver.number), ("10.0.0.9", listed.number))
        self.assertIsNone(listed.published)

    def test_a_group_that_is_deleted_closes(self):
        self.member.receiver.dismissed(Gone("topic: was deleted"))
        self.assertEqual(self.client.take(), [close_frame(1001, "topic: was deleted")])
        self.assertFalse(self.member.gone)  # the engine knows

    def test_acks_of_a_read_are_one_call(self):
        self.client.send(frame("a" * 40), frame("b" * 40, BINARY))
        self.client.send(frame("c" * 40))
        self.assertEqual(self.member.acked, [["a" * 40, "b" * 40], ["c" * 40]])

    def test_junk_is_handed_on_to_be_counted(self):
        self.client.send(frame("junk"), frame('{"MessageCode":"x"}'), frame(b"\xff", BINARY), frame(""))
        self.assertEqual(self.member.acked, [["junk", '{"MessageCode":"x"}', "ÿ", ""]])
        self.assertEqual(self.client.take(), [])

    def test_a_transport_that_takes_no_more_stalls_the_member(self):
        self.client.wire.pauseProducing()
        self.client.wire.pauseProducing()
        self.client.wire.resumeProducing()
        self.assertEqual(self.member.stalls, [True, False])

    def test_a_transport_that_is_full_before_the_log_in(self):
        client = self.node.connect(CONSUMER)
        client.wire.pauseProducing()
        client.send(frame(KEY))
        self.assertEqual(self.engine.members[1].stalls, [True])

    def test_a_transport_that_drains_before_the_log_in(self):
        client = self.node.connect(CONSUMER)
        client.wire.pauseProducing()
        client.wire.resumeProducing()
        client.send(frame(KEY))
        self.assertEqual(self.engine.members[1].stalls, [])

    def test_a_consumer_that_goes_leaves_its_group(self):
        self.client.transport.lose()
        self.assertTrue(self.member.gone)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_a_consumer_that_is_closed_leaves_its_group_at_once(self):
        self.client.wire.close(1001, "bye")
        self.assertTrue(self.member.gone)
        self.assertEqual(self.client.take(), [close_frame(1001, "bye")])

    def test_nothing_reaches_the_engine_once_it_is_over(self):
        self.client.transport.lose()
        self.client.wire.pauseProducing()
        self.client.wire.resumeProducing()
        self.client.wire._conversation.received([b"a" * 40])
        self.client.wire.abort()
        self.assertEqual((self.member.stalls, self.member.acked), ([], []))

    def test_nothing_is_delivered_behind_a_goodbye(self):
        self.client.send(closing(1001))
        self.member.gone = False
        self.engine.deliver("orders", "a")
        self.assertEqual(self.client.take(), [close_frame(1001)])

    def test_a_code_that_is_far_too_long_closes(self):
        self.client.send(frame("x" * 512))
        self.assertEqual(len(self.member.acked), 1)
        self.client.send(frame("a" * 40), frame("x" * 513)[:10])
        self.assertEqual(self.member.acked[1:], [["a" * 40]])
        self.assertEqual(self.client.take(), [close_frame(1009, "MessageCode: longer than 512 bytes")])

    def test_acks_before_a_goodbye_count(self):
        self.client.send(frame("a" * 40), closing(), frame("b" * 40))
        self.assertEqual(self.member.acked, [["a" * 40]])

    def test_a_group_that_cannot_be_joined_closes(self):
        for error, code in (
            (BadName("topic: too many"), 1008),
            (StoreUnavailable("no disk"), 1013),
            (Full("full"), 1013),
        ):
            self.engine.subscribe_error = error
            client = self.node.connect(CONSUMER, early=frame(KEY) + frame("a" * 40))
            self.assertEqual(client.take(), [PROMPT, RIGHT, close_frame(code, str(error))])

    def test_the_oldest_of_too_many_with_one_id_is_closed(self):
        node = MemoryNode(same_id_limit=2)
        clients = [node.enter(CONSUMER) for _ in range(3)]
        node.enter(PRODUCER.replace("p1", "c1"))
        self.assertEqual(clients[0].take(), [close_frame(1008, "more than 2 connections with this id")])
        self.assertEqual([client.take() for client in clients[1:]], [[], []])
        self.assertEqual([len(node.engine.members), len(node.connections.consumers())], [2, 2])
