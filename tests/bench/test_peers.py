"""What the load on other brokers is made of. They themselves are run by `make bench-peers`, not here."""

import re
import socket
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench import peers, peers_beanstalkd, peers_mosquitto, peers_nats, peers_rabbitmq, peers_redis
from bench.peers_process import PeerProcess
from bench.peers_pump import Answers, Pump, chunk_size, drive, percentiles, round_up

cuts = st.lists(st.integers(0, 2_000), max_size=8)


def cut(data, places):
    """The same bytes in pieces."""
    edges = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[start:end] for start, end in pairwise(edges)]


class PumpTests(SynchronousTestCase):
    def pump(self, each, total, window, answers):
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            self.addCleanup(sock.close)
        theirs.settimeout(5)
        return Pump(ours, [b"ab" * each, b"cd" * each], each, total, window, answers), theirs

    def test_no_more_than_the_window_is_unanswered(self):
        pump, server = self.pump(5, 20, 10, Answers(b"\n"))
        self.assertTrue(pump.fill())
        self.assertEqual(server.recv(100), b"ababababab" + b"cdcdcdcdcd")
        server.sendall(b"1\n2\n3\n4\n")
        pump.read()
        self.assertTrue(pump.fill())
        self.assertEqual((pump.sent, pump.answered, pump.latencies), (10, 4, []))
        server.sendall(b"5\n")
        pump.read()
        pump.fill()
        self.assertEqual((pump.sent, pump.answered, len(pump.latencies)), (15, 5, 1))

    def test_it_is_done_when_everything_is_answered(self):
        pump, server = self.pump(5, 10, 10, Answers(3))
        pump.fill()
        server.sendall(b"ok " * 10)
        drive([pump])
        self.assertTrue(pump.done())
        self.assertEqual(len(pump.latencies), 2)

    def test_a_server_that_closes_is_told_of(self):
        pump, server = self.pump(5, 10, 10, Answers(3))
        server.close()
        self.assertRaises(ConnectionError, drive, [pump])

    @given(st.integers(1, 7), st.integers(0, 50), cuts)
    def test_answers_are_counted_however_they_are_cut(self, size, number, places):
        answers = Answers(size)
        self.assertEqual(sum(answers.count(piece) for piece in cut(b"x" * size * number, places)), number)

    def test_a_refusal_is_no_answer(self):
        answers = Answers(b"$", b"\n-")
        self.assertEqual(answers.count(b"$15\r\n1700000000000-0\r\n"), 1)
        self.assertRaises(ConnectionError, answers.count, b"$15\r\n1700000000000-1\r\n-MISCONF\r\n")

    def test_chunks_fill_whole_messages_and_leave_room_for_two(self):
        for window in range(1, 3_000):
            size = chunk_size(window)
            self.assertEqual(500 % size, 0)
            self.assertTrue(size == 1 or size * 2 <= window)
        self.assertEqual(chunk_size(20_000, 100), 100)
        self.assertEqual([round_up(total, 4_000) for total in (1, 4_000, 4_001)], [4_000, 4_000, 8_000])

    def test_percentiles_are_milliseconds(self):
        found = percentiles(number / 1_000 for number in range(1_001))
        self.assertEqual(found, {"p50": 500.0, "p99": 990.0, "p999": 999.0})
        self.assertEqual(percentiles([]), {})


class RedisTests(SynchronousTestCase):
    def reading(self, size):
        return peers_redis.Reading(None, 0, size)

    def answer(self, ids, size):
        entries = b"".join(
            b"*2\r\n$%d\r\n%s\r\n*2\r\n$1\r\nd\r\n$%d\r\n%s\r\n" % (len(one), one, size, b"x" * size) for one in ids
        )
        return b"*1\r\n*2\r\n$6\r\nstream\r\n*%d\r\n" % len(ids) + entries

    def test_a_command_is_an_array_of_counted_strings(self):
        self.assertEqual(peers_redis.resp("XADD", b"s", 1), b"*3\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n1\r\n")

    @given(st.integers(0, 30), st.integers(1, 6), cuts)
    def test_each_answer_is_acknowledged_whole_however_it_is_cut(self, size, number, places):
        reading = self.reading(size)
        ids = [b"1700000000000-%d" % one for one in range(number)]
        for piece in cut(self.answer(ids, size), places)[:-1]:
            self.assertIsNone(reading.feed(piece))
        [*_, last] = cut(self.answer(ids, size), places)
        sent = reading.feed(last)
        acks = peers_redis.resp("XACK", "stream", "group", *ids)
        self.assertTrue(sent.startswith(acks))
        self.assertIn(b"XREADGROUP", sent[len(acks) :])

    def test_acknowledgements_are_counted_and_empty_reads_repeated(self):
        reading = self.reading(3)
        self.assertIsNone(reading.feed(b":50"))
        self.assertIsNone(reading.feed(b"0\r\n"))
        self.assertEqual(reading.acked, 500)
        self.assertIn(b"XREADGROUP", reading.feed(b"*-1\r\n"))
        self.assertIn(b"1-1", reading.feed(self.answer([b"1-1"], 3)))

    def test_an_error_is_told_of(self):
        self.assertRaises(ConnectionError, self.reading(3).feed, b"-NOGROUP no such key\r\n")


class NatsTests(SynchronousTestCase):
    def test_a_publish_names_its_reply_if_it_wants_one(self):
        self.assertEqual(peers_nats.pub(b"s", b"inbox.1", b"xyz"), b"PUB s inbox.1 3\r\nxyz\r\n")
        self.assertEqual(peers_nats.pub(b"s", b"", b""), b"PUB s 0\r\n\r\n")

    @given(st.integers(0, 40), cuts)
    def test_each_message_is_acknowledged_by_itself_however_they_are_cut(self, size, places):
        replies = [b"$JS.ACK.bench.one.1.%d.%d.1700.0" % (one, one) for one in range(5)]
        data = b"".join(b"MSG bench 1 %s %d\r\n%s\r\n" % (reply, size, b"x" * size) for reply in replies)
        rest, sent, number = b"", b"", 0
        for piece in cut(data, places):
            acks, count, rest = peers_nats.acknowledge(rest + piece)
            sent, number = sent + acks, number + count
        self.assertEqual(sent, b"".join(b"PUB %s 4\r\n+ACK\r\n" % reply for reply in replies))
        self.assertEqual((number, rest), (5, b""))


class BeanstalkdTests(SynchronousTestCase):
    def test_a_put_says_how_long_its_body_is(self):
        self.assertEqual(peers_beanstalkd.put(b"xyz"), b"put 0 0 600 3\r\nxyz\r\n")

    @given(st.integers(0, 40), cuts)
    def test_as_many_are_asked_for_and_deleted_as_there_are(self, size, places):
        total = 300
        reading = peers_beanstalkd.Reading(total)
        asked = reading.begin().count(b"reserve\r\n")
        self.assertLess(asked, total)
        jobs = b"".join(b"RESERVED %d %d\r\n%s\r\n" % (one, size, b"x" * size) for one in range(total))
        sent = b"".join(reading.feed(piece) for piece in cut(jobs + b"DELETED\r\n" * total, places))
        self.assertEqual(asked + sent.count(b"reserve\r\n"), total)
        self.assertEqual(re.findall(rb"delete (\d+)\r\n", sent), [b"%d" % one for one in range(total)])
        self.assertEqual(reading.deleted, total)


class MosquittoTests(SynchronousTestCase):
    def test_lengths_are_written_in_sevens_of_bits(self):
        for size, length in ((0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (16_384, b"\x80\x80\x01")):
            self.assertEqual(peers_mosquitto.packet(0x30, b"x" * size)[1 : -size or None], length)

    @given(st.integers(0, 300), cuts)
    def test_each_identifier_is_acknowledged(self, size, places):
        def one(number):
            return peers_mosquitto.packet(0x32, peers_mosquitto.text(b"bench"), number.to_bytes(2), b"x" * size)

        rest, sent = b"", b""
        for piece in cut(b"".join(one(number) for number in (1, 2, 65_535)), places):
            acks, rest = peers_mosquitto.acknowledge(rest + piece, len(one(1)), len(one(1)) - size - 2)
            sent += acks
        self.assertEqual(sent, b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff")
        self.assertEqual(rest, b"")


class RabbitTests(SynchronousTestCase):
    def ack(self, tag, *, is_multiple):
        return peers_rabbitmq.method(1, (60, 80), tag.to_bytes(8) + bytes((is_multiple,)))

    def test_a_message_is_three_frames(self):
        start = peers_rabbitmq.method(
            1, (60, 40), b"\0\0" + peers_rabbitmq.short(b"") + peers_rabbitmq.short(b"q") + b"\0"
        )
        self.assertEqual(start, b"\x01\0\x01\0\0\0\x0a\0\x3c\0\x28\0\0\0\x01q\0\xce")
        body = b"\x03\0\x01\0\0\0\x03xyz\xce"
        head = b"\x02\0\x01\0\0\0\x0f\0\x3c\0\0" + (3).to_bytes(8) + b"\x10\0\x02\xce"
        self.assertEqual(peers_rabbitmq.message(start, b"xyz"), start + head + body)

    @given(cuts)
    def test_confirms_are_counted_without_gaps_however_they_are_cut(self, places):
        acks = [self.ack(tag, is_multiple=False) for tag in (2, 3, 1, 9)] + [self.ack(7, is_multiple=True)]
        confirms = peers_rabbitmq.Confirms()
        self.assertEqual(sum(confirms.count(piece) for piece in cut(b"".join(acks), places)), 7)
        self.assertEqual(confirms.count(self.ack(8, is_multiple=False)), 2)
        self.assertEqual(confirms.count(self.ack(12, is_multiple=True)), 3)

    def test_a_refusal_is_told_of(self):
        refused = peers_rabbitmq.method(1, (60, 120), bytes(9))
        self.assertRaises(ConnectionError, peers_rabbitmq.Confirms().count, refused)


class ProcessTests(SynchronousTestCase):
    def test_one_that_ends_at_once_is_told_of_with_what_it_printed(self):
        one = PeerProcess(lambda _port, _folder: ["sh", "-c", "echo no such setting >&2; exit 3"])
        error = self.assertRaises(RuntimeError, one.__enter__)
        self.assertIn("no such setting", str(error))
        self.assertFalse(one.folder.exists())

    def test_every_peer_is_what_a_peer_has_to_be(self):
        for peer in peers.PEERS.values():
            for name in ("name", "wire", "program", "connections"):
                self.assertTrue(getattr(peer, name))
            for name in ("version", "levels", "command", "prepare", "publish", "consume"):
                self.assertTrue(callable(getattr(peer, name)))
