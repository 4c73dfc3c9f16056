"""Producers over a WebSocket, in memory."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import BadName, Deleting, Draining, Paused, StoreUnavailable, TopicFull
from kapokmq.core.message import Draft, Text
from kapokmq.protocols.classic import OKS_AT_ONCE
from tests.protocols.wire import (
    BINARY,
    KEY,
    OK,
    PING,
    PONG,
    PROMPT,
    RIGHT,
    MemoryNode,
    close_frame,
    closing,
    frame,
    message,
)

BAD = frame("[]")
BAD_CLOSE = close_frame(1007, "not a JSON object")


class RefusalTests(SynchronousTestCase):
    """What the engine will not have."""

    def test_each_closes_with_its_code(self):
        for fault, code in (
            (Draining("this node stops"), 1012),
            (Paused("topic: is paused"), 1013),
            (TopicFull("topic: is full"), 1013),
            (Deleting("topic: is being deleted"), 1013),
        ):
            node = MemoryNode()
            client = node.enter()
            node.engine.publish_error = fault
            client.send(message("a"))
            self.assertEqual(client.take(), [close_frame(code, str(fault))])


class ProducerTests(SynchronousTestCase):
    """Messages in, `ok`s out."""

    def setUp(self):
        self.node = MemoryNode()
        self.engine = self.node.engine
        self.client = self.node.enter()

    def test_a_read_is_one_publish_and_its_oks_are_one_write(self):
        self.client.send(message("a"), frame('{"MessageData":"b","DelayTime":2}', BINARY), frame("{}"))
        (published,) = self.engine.publishes
        self.assertEqual(published.topic, "orders")
        self.assertEqual(published.drafts, [Text("a"), Draft("b", 2, 2000), Text("")])
        self.assertTrue(published.publisher.positional)
        self.assertEqual(self.node.connections.listed()[0].published, 0)
        self.assertEqual(self.client.take(), [])
        self.engine.confirm()
        self.assertEqual(self.client.transport.writes, [b"\x81\x02ok" * 3])
        self.assertEqual(self.node.connections.listed()[0].published, 3)

    def test_confirmations_of_one_turn_are_one_write(self):
        for text in "abc":
            self.client.send(message(text))
        self.engine.confirm(2)
        self.assertEqual(self.client.transport.writes, [b"\x81\x02ok" * 2])
        self.engine.confirm()
        self.assertEqual(self.client.take(), [OK] * 3)

    def test_fragments_and_pings_between_them_are_put_together(self):
        whole = b'{"MessageData":"hello"}'
        self.client.send(frame(whole[:5], fin=False), frame("hi", PING), frame(whole[5:9], 0, fin=False))
        self.client.send(frame(whole[9:], 0))
        self.assertEqual(self.client.take(), [(PONG, b"hi")])
        self.assertEqual(self.engine.data, ["hello"])

    def test_a_bad_frame_closes_after_the_oks_before_it(self):
        self.client.send(message("a"), message("b"), BAD, message("c"))
        self.assertEqual(self.engine.data, ["a", "b"])
        self.assertEqual(self.client.take(), [])
        self.client.send(message("d"))
        self.engine.confirm()
        self.assertEqual(self.client.take(), [OK, OK, BAD_CLOSE])
        self.assertTrue(self.client.transport.half_closed)
        self.assertEqual(self.engine.data, ["a", "b"])
        self.assertEqual(len(self.engine.detached), 1)

    def test_a_bad_frame_alone_closes_at_once(self):
        self.client.send(BAD)
        self.assertEqual(self.client.take(), [BAD_CLOSE])
        self.assertEqual(self.engine.publishes, [])

    def test_earlier_reads_are_waited_for_as_well(self):
        self.client.send(message("a"))
        self.client.send(BAD)
        self.engine.confirm()
        self.assertEqual(self.client.take(), [OK, BAD_CLOSE])

    def test_a_store_that_never_answers_does_not_keep_the_connection(self):
        self.client.send(message("a"), BAD)
        self.node.clock.advance(40)
        self.assertEqual(self.client.take(), [BAD_CLOSE])
        self.engine.confirm()
        self.node.clock.advance(5)
        self.assertTrue(self.client.transport.aborted)
        self.assertEqual(self.client.take(), [])

    def test_refusals_name_the_fault(self):
        for data, code, reason in (
            ("oops", 1007, "not JSON at character 0"),
            ('{"MessageData":5}', 1007, "MessageData: not a string"),
            ('{"DelayTime":1.5}', 1007, "DelayTime: not an integer"),
            ('{"DelayTime":99999999999}', 1008, "DelayTime: more than 3162240000 seconds"),
        ):
            client = self.node.enter()
            client.send(frame(data))
            self.assertEqual(client.take(), [close_frame(code, reason)])

    def test_invalid_utf8_in_text_and_binary(self):
        for opcode in (1, BINARY):
            client = self.node.enter()
            client.send(message("a"), frame(b'{"MessageData":"\xff"}', opcode), message("b"))
            self.engine.confirm()
            self.assertEqual(client.take(), [OK, close_frame(1007, "not UTF-8 at byte 16")])

    def test_oks_are_a_number_while_the_transport_takes_none(self):
        count = OKS_AT_ONCE + 10
        self.client.wire.pauseProducing()
        sent = message("x")
        for _ in range(2):
            self.client.send(sent * (count // 2))
        self.engine.confirm()
        self.assertEqual(self.client.transport.writes, [])
        self.client.wire.resumeProducing()
        self.assertEqual([len(data) for data in self.client.transport.writes], [4 * OKS_AT_ONCE, 40])

    def test_oks_stop_again_when_the_transport_does(self):
        wire, transport = self.client.wire, self.client.transport
        wire.pauseProducing()
        self.client.send(message("x") * (OKS_AT_ONCE + 1))
        self.engine.confirm()
        write = transport.write

        def full(data):
            write(data)
            wire.pauseProducing()

        transport.write = full
        wire.resumeProducing()
        self.assertEqual([len(data) for data in transport.writes], [4 * OKS_AT_ONCE])
        wire.resumeProducing()
        self.assertEqual([len(data) for data in transport.writes], [4 * OKS_AT_ONCE, 4])

    def test_a_fault_waits_for_oks_that_the_transport_does_not_take(self):
        self.client.wire.pauseProducing()
        self.client.send(message("a"), BAD)
        self.engine.confirm()
        self.assertEqual(self.client.take(), [])
        self.client.wire.resumeProducing()
        self.assertEqual(self.client.take(), [OK, BAD_CLOSE])

    def test_a_full_broker_stops_reading_and_the_idle_clock(self):
        (publisher,) = self.engine.publishers
        publisher.pause()
        self.assertEqual(self.client.transport.producerState, "paused")
        self.node.clock.advance(1000)
        self.assertEqual(self.client.take(), [])
        publisher.resume()
        publisher.resume()
        self.assertEqual(self.client.transport.producerState, "producing")
        self.node.clock.advance(30)
        self.assertEqual(self.client.take(), [(PING, b"")])

    def test_a_broker_that_is_full_already(self):
        self.engine.full = True
        client = self.node.connect(early=frame(KEY) + message("a"))
        self.assertEqual(client.take(), [PROMPT, RIGHT])
        self.assertEqual(client.transport.producerState, "paused")
        self.assertEqual(self.engine.data, ["a"])

    def test_a_paused_producer_can_be_closed(self):
        (publisher,) = self.engine.publishers
        publisher.pause()
        self.client.wire.close(1001, "bye")
        self.assertEqual(self.client.take(), [close_frame(1001, "bye")])
        self.assertEqual(self.client.transport.producerState, "producing")
        publisher.pause()
        publisher.resume()

    def test_an_engine_that_gives_up_closes(self):
        self.client.send(message("a"))
        self.client.send(message("b"), message("c"))
        self.engine.confirm(1)
        self.engine.refuse(StoreUnavailable("the disk is full"))
        self.assertEqual(self.client.take(), [OK, close_frame(1013, "the disk is full")])

    def test_a_reason_that_is_a_bug_is_not_told(self):
        self.client.send(message("a"))
        self.engine.refuse(ValueError("private"))
        self.assertEqual(self.client.take(), [close_frame(1011, "internal error")])

    def test_an_engine_that_will_not_have_it_closes_after_the_oks(self):
        self.client.send(message("a"))
        self.engine.publish_error = BadName("topic: too many")
        self.client.send(message("b"))
        self.engine.confirm()
        self.assertEqual(self.client.take(), [OK, close_frame(1008, "topic: too many")])

    def test_a_bug_closes_with_1011_and_leaves_a_traceback(self):
        self.engine.publish_error = ValueError("private")
        self.client.send(message("b"))
        self.node.clock.advance(40)
        self.assertEqual(self.client.take(), [close_frame(1011, "internal error")])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_a_goodbye_waits_for_the_oks(self):
        # Who sends and says goodbye learns whether it was stored, as with the original.
        self.client.send(message("a"), closing(1000, b"done"), message("b"))
        self.assertEqual(self.engine.data, ["a"])
        self.assertEqual(self.client.take(), [])
        self.engine.confirm()
        self.assertEqual(self.client.take(), [OK, close_frame(1000)])

    def test_what_was_published_stays_when_the_producer_goes(self):
        self.client.send(message("a"))
        self.client.transport.lose()
        self.assertEqual(len(self.engine.detached), 1)
        self.engine.confirm()
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    @given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 2000), max_size=8), st.booleans())
    def test_however_the_bytes_are_cut_the_same_is_published_and_answered(self, kinds, cuts, closes):
        fragments = frame('{"Mess', fin=False) + frame('ageData":"é"}', 0)
        pieces = (message("a"), frame("{}", BINARY), fragments, BAD)
        stream = b"".join(pieces[kind] for kind in kinds) + (closing() if closes else b"")
        outcomes = []
        for edges in ([], sorted(cut % (len(stream) + 1) for cut in cuts)):
            node = MemoryNode()
            client = node.enter()
            for start, end in zip([0, *edges], [*edges, len(stream)], strict=True):
                client.send(stream[start:end])
            node.engine.confirm()
            outcomes.append((node.engine.data, client.take()))
        self.assertEqual(*outcomes)
        good = kinds.index(3) if 3 in kinds else len(kinds)
        ending = [BAD_CLOSE] if 3 in kinds else [close_frame(1000)] if closes else []
        self.assertEqual(outcomes[0][1], [OK] * good + ending)
