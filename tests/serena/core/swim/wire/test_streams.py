"""Streams as they go over the way, and come in: in pieces."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.messages import Ack, Address, Entry, Err, Ping, PushPull, UserMessage
from serena.core.swim.wire.crypto import seal
from serena.core.swim.wire.exchanges import write_exchange
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.msgpack import Scan, number, written
from serena.core.swim.wire.packing import pack
from serena.core.swim.wire.streams import LONGEST_ENVELOPE, LONGEST_PACKED, StreamCodec
from tests.serena.core.swim.wire.vectors import KEYS, numbers

KEY, OTHER = KEYS["k16"], KEYS["k32"]
PING = Ping(1, b"n")
ENTRIES = [Entry(b"n%d" % i, i, Address(b"\x7f\0\0\x01", i), i % 4, b"meta", bytes(6)) for i in range(50)]
SYNC = PushPull(join=True, entries=ENTRIES, user=b"the program's own state" * 9)
OPTIONS = (
    {},
    {"compress": True},
    {"label": b"blue"},
    {"keys": [KEY]},
    {"keys": [KEY], "padded": True, "compress": True},
    {"keys": [KEY, OTHER], "label": b"b" * 255, "compress": True},
)


def codec(*keys, **options):
    return StreamCodec(ring=Keyring(options.pop("keys", keys)), nonce=numbers(), **options)


def envelope(data, key=KEY, label=b""):
    """`data` encrypted, whatever it is."""
    start = b"\x0a" + (len(data) + 29).to_bytes(4, "big")
    return start + seal(key, data, nonce=bytes(12), extra=start + label)


class StreamCase(SynchronousTestCase):
    """What is dropped, by its reason, and who is told."""

    def dropped(self, reason, reader, data, *, answerable):
        fault = self.assertRaises(Dropped, reader.feed, data)
        self.assertEqual((fault.reason, fault.answerable, reader.answerable), (reason, answerable, answerable))
        self.assertIsNone(reader.feed(b"more"))


class WrappingTests(StreamCase):
    """What one writes the other reads, with every combination of wrappers."""

    def test_all_combinations(self):
        for options in OPTIONS:
            ours, theirs = codec(**options), codec(**options)
            for exchange, reply in (
                (PING, False),
                (SYNC, False),
                (UserMessage(b"hi"), False),
                (SYNC, True),
                (Ack(1), True),
                (Err("no"), True),
            ):
                data = ours.write(exchange, reply=reply)
                reader = theirs.reader(reply=reply)
                self.assertEqual(reader.feed(data + b"and more"), exchange)
                self.assertIsNone(reader.feed(b"and more"))
                self.assertEqual((reader.dropped, reader.work, reader.answerable), ([], None, False))

    def test_only_requests_have_a_label_header_but_answers_are_sealed_with_it(self):
        ours = codec(KEY, label=b"blue")
        self.assertTrue(ours.write(PING, reply=False).startswith(b"\xf4\x04blue\x0a"))
        answer = ours.write(Ack(1), reply=True)
        self.assertTrue(answer.startswith(b"\x0a"))
        self.dropped("decrypt", codec(KEY).reader(reply=True), answer, answerable=False)
        self.dropped("unknownType", codec(label=b"blue").reader(reply=True), b"\xf4\x04blue", answerable=False)

    def test_the_upgrade_from_plaintext(self):
        quiet = codec(KEY, verify_incoming=False, verify_outgoing=False)
        self.assertEqual(quiet.write(PING, reply=False), codec().write(PING, reply=False))
        self.assertEqual(quiet.reader(reply=False).feed(codec(KEY).write(PING, reply=False)), PING)
        self.assertEqual(quiet.reader(reply=False).feed(quiet.write(PING, reply=False)), PING)
        self.dropped("plaintext", codec(KEY).reader(reply=False), quiet.write(PING, reply=False), answerable=True)
        # Sealed with another key it is nobody's plaintext.
        self.dropped("decrypt", quiet.reader(reply=False), codec(OTHER).write(PING, reply=False), answerable=True)

    def test_what_is_too_long_is_not_sent(self):
        big = PushPull(join=False, entries=ENTRIES, user=bytes(LONGEST_ENVELOPE))
        self.assertRaises(MisuseError, codec(KEY).write, big, reply=False)
        self.assertRaises(MisuseError, codec, label=bytes(256))


class PieceTests(StreamCase):
    """It does not matter how a stream is cut."""

    @given(st.sampled_from(OPTIONS), st.lists(st.integers(0, 5000), max_size=30))
    def test_any_cut_gives_the_same(self, options, cuts):
        data = codec(**options).write(SYNC, reply=False)
        reader = codec(**options).reader(reply=False)
        places = sorted({min(cut, len(data) - 1) for cut in cuts})
        for start, end in zip([0, *places], places, strict=False):
            self.assertIsNone(reader.feed(data[start:end]))
        self.assertEqual(reader.feed(data[places[-1] if places else 0 :]), SYNC)

    def test_byte_by_byte(self):
        for options in OPTIONS:
            data = codec(**options).write(SYNC, reply=False)
            reader = codec(**options).reader(reply=False)
            for at in range(len(data) - 1):
                self.assertIsNone(reader.feed(data[at : at + 1]))
            self.assertEqual(reader.feed(data[-1:]), SYNC)

    def test_no_byte_is_looked_at_twice(self):
        steps = 0
        step = Scan._step

        def counted(scan, *args):
            nonlocal steps
            steps += 1
            step(scan, *args)

        data = write_exchange(SYNC, reply=False)
        self.patch(Scan, "_step", counted)
        codec().reader(reply=False).feed(data)
        at_once, steps = steps, 0
        reader = codec().reader(reply=False)
        for at in range(len(data)):
            reader.feed(data[at : at + 1])
        self.assertEqual(steps, at_once)

    def test_faults_come_out_the_same_too(self):
        good = write_exchange(SYNC, reply=False)
        for bad, options in (
            (b"\x63", {}),
            (b"\xf4\x03blu", {"label": b"blue"}),
            (b"\xf4\x04blu\x00", {"label": b"blue"}),
            (good[:200] + b"\xc1" * 300, {}),
            (pack(good)[:-9] + bytes(60), {}),
            (codec(KEY).write(SYNC, reply=False)[:-1] + b"\0", {"keys": [KEY]}),
        ):
            whole = self.assertRaises(Dropped, codec(**options).reader(reply=False).feed, bad)
            reader = codec(**options).reader(reply=False)
            with self.assertRaises(Dropped) as caught:
                for at in range(len(bad)):
                    self.assertIsNone(reader.feed(bad[at : at + 1]))
            self.assertEqual(caught.exception.reason, whole.reason)
            self.assertEqual(reader.answerable, whole.answerable)


class RefusalTests(StreamCase):
    """What is not read, why, and whether who asked is told."""

    def refused(self, reason, data, *, answerable, **options):
        self.dropped(reason, codec(**options).reader(reply=False), data, answerable=answerable)
        if "label" not in options:
            self.dropped(reason, codec(**options).reader(reply=True), data, answerable=False)

    def test_labels_are_refused_in_silence(self):
        sealed = codec(label=b"blue").write(PING, reply=False)
        plain = codec().write(PING, reply=False)
        self.dropped("label", codec().reader(reply=False), sealed, answerable=False)
        self.refused("label", plain, answerable=False, label=b"blue")
        self.refused("label", sealed, answerable=False, label=b"bluer")
        self.refused("label", sealed, answerable=False, label=b"glue")
        self.refused("label", b"\xf4\x00" + plain, answerable=False, label=b"blue")

    def test_what_can_t_be_unwrapped_is_answered(self):
        sealed = codec(KEY).write(SYNC, reply=False)
        self.refused("encrypted", sealed, answerable=True)
        self.refused("decrypt", sealed, answerable=True, keys=[OTHER])
        self.refused("decrypt", b"\x0a" + bytes(4), answerable=True, keys=[KEY])
        self.refused("plaintext", write_exchange(PING, reply=False), answerable=True, keys=[KEY])
        self.refused("plaintext", pack(b"\x00"), answerable=True, keys=[KEY])
        self.refused("algorithm", b"\x09" + written([(b"Algo", number(1))]), answerable=True)
        self.refused("truncated", b"\x09" + written([(b"Algo", number(0))]), answerable=True)
        self.refused("malformed", b"\x09\xc1", answerable=True)
        self.refused("empty", b"\x09\x81\xa3Buf\xa3\0\3\2", answerable=True)
        self.refused("malformed", envelope(b"\x09\xc1"), answerable=True, keys=[KEY])
        self.refused("bomb", pack(bytes(101)), answerable=True, unpacked_limit=100)
        # An envelope of version 0 around nothing.
        padded = envelope(b"\x10" * 16)
        self.refused("empty", padded[:5] + b"\0" + padded[6:], answerable=True, keys=[KEY])

    def test_what_follows_the_wrappers_is_not(self):
        self.refused("unknownType", b"\x63", answerable=False)
        self.refused("nested", pack(pack(b"\x00\x80")), answerable=False)
        self.refused("nested", envelope(envelope(b"\x00\x80")), answerable=False, keys=[KEY])
        self.refused("nested", envelope(pack(pack(b"\x00"))), answerable=False, keys=[KEY])
        self.refused("truncated", pack(write_exchange(SYNC, reply=False)[:-1]), answerable=False)
        self.refused("truncated", envelope(write_exchange(SYNC, reply=False)[:-1]), answerable=False, keys=[KEY])
        self.refused("tooMany", write_exchange(SYNC, reply=False), answerable=False, most_entries=49)

    def test_lengths_are_refused_before_anything_is_kept(self):
        for length in (LONGEST_ENVELOPE + 1, (1 << 32) - 1):
            self.refused("oversized", b"\x0a" + length.to_bytes(4, "big"), answerable=True, keys=[KEY])
        self.assertIsNone(codec(KEY).reader(reply=False).feed(b"\x0a" + LONGEST_ENVELOPE.to_bytes(4, "big")))
        announced = b"\x09\x81\xa3Buf\xdb" + (LONGEST_PACKED + 1).to_bytes(4, "big")
        self.refused("oversized", announced, answerable=True)

    def test_members_that_are_passed_over_are_counted(self):
        entry = write_exchange(PushPull(join=False, entries=ENTRIES[:1]), reply=False)
        spoiled = entry.replace(b"\xa4\x7f\0\0\x01", b"\xa5\x7f\0\0\x01\x01")
        for data in (spoiled, pack(spoiled)):
            reader = codec().reader(reply=False)
            self.assertEqual(reader.feed(data), PushPull(join=False, entries=[]))
            self.assertEqual(reader.dropped, ["badAddress"])


class WorkTests(StreamCase):
    """Large streams may be left to another thread."""

    def test_what_is_small_is_done_at_once(self):
        for options in OPTIONS:
            data = codec(**options).write(SYNC, reply=False)
            reader = codec(**options).reader(reply=False, inline=1 << 16)
            self.assertEqual(reader.feed(data), SYNC)
            self.assertIsNone(reader.work)

    def test_what_comes_large_or_unpacks_to_much_is_left(self):
        zeros = UserMessage(bytes(10_000))
        for options in OPTIONS:
            if not {"keys", "compress"} & set(options):
                continue
            for exchange, inline in ((SYNC, 1), (zeros, 1000)):
                reader = codec(**options).reader(reply=False, inline=inline)
                self.assertIsNone(reader.feed(codec(**options).write(exchange, reply=False)))
                self.assertNotIn(repr(KEY)[2:-1], repr(reader.work))
                self.assertEqual(reader.work(), exchange)
                self.assertIsNone(reader.feed(b"more"))

    def test_faults_come_out_of_it(self):
        reader = codec(unpacked_limit=5000).reader(reply=False, inline=1000)
        self.assertIsNone(reader.feed(codec(compress=True).write(UserMessage(bytes(10_000)), reply=False)))
        fault = self.assertRaises(Dropped, reader.work)
        self.assertEqual((fault.reason, fault.answerable), ("bomb", True))
        for inline in (5000, 9000):
            reader = codec(unpacked_limit=5000).reader(reply=False, inline=inline)
            self.dropped("bomb", reader, pack(bytes(6000)), answerable=True)
        self.dropped("algorithm", codec().reader(reply=False, inline=99), b"\x09\x81\xa4Algo\x01", answerable=True)

    def test_a_plain_one_is_read_as_it_comes(self):
        self.assertEqual(codec().reader(reply=False, inline=1).feed(codec().write(SYNC, reply=False)), SYNC)
