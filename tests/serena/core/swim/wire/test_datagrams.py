"""Datagrams as they go over the way, and come in."""

import zlib

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.messages import Ack, Address, IndirectPing, Nack, Ping, Source, UserMessage
from serena.core.swim.wire.bodies import encode
from serena.core.swim.wire.crypto import seal
from serena.core.swim.wire.datagrams import LONGEST_DATAGRAM, MOST_UNPACKED, MOST_VALUES, DatagramCodec, read
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.packing import pack
from tests.serena.core.swim.wire.vectors import KEYS, numbers, octets

KEY, OTHER = KEYS["k16"], KEYS["k32"]
NACK = encode(Nack(1))
ADDRESS = Address(bytes((10, 0, 0, 1)), 7946)


def codec(*keys, **options):
    return DatagramCodec(ring=Keyring(keys), nonce=numbers(), **options)


def checksummed(data):
    return b"\x0c" + zlib.crc32(data).to_bytes(4, "big") + data


def compound(parts):
    """As many parts as there can be, where a codec writes fewer."""
    return bytes((7, len(parts))) + b"".join(len(part).to_bytes(2, "big") for part in parts) + b"".join(parts)


class DatagramCase(SynchronousTestCase):
    """What is dropped, by its reason."""

    def dropped(self, reason, opener, data):
        fault = self.assertRaises(Dropped, opener.open, data)
        self.assertEqual(fault.reason, reason)


class WrappingTests(DatagramCase):
    """What one seals the other opens, with every combination of wrappers."""

    def test_all_combinations(self):
        messages = [Nack(1), Ack(2, bytes(300)), UserMessage(b"x")]
        for keys in ([], [KEY], [OTHER, KEY]):
            for options in (
                {},
                {"label": b"blue"},
                {"compress": True},
                {"padded": True, "label": b"b" * 255},
                {"crc": False, "compress": True, "label": b"blue"},
            ):
                ours = codec(*keys, **options)
                theirs = codec(*reversed(keys), **options)
                for some in (messages, messages[:1]):
                    for crc in (True, False):
                        data = ours.seal([encode(message) for message in some], crc=crc)
                        self.assertEqual(theirs.open(data), (some, []))

    def test_the_overhead_is_what_label_and_encryption_take(self):
        for keys, options, overhead in (
            ([], {}, 0),
            ([], {"label": b"blue"}, 6),
            ([KEY], {}, 29),
            ([KEY], {"padded": True}, 45),
            ([KEY], {"label": b"blue", "padded": True}, 51),
        ):
            ours = codec(*keys, **options)
            self.assertEqual(ours.overhead, overhead)
            lengths = [len(ours.seal([bytes((8,)) * length], crc=False)) - length for length in range(1, 40)]
            self.assertEqual(max(lengths), overhead)

    def test_a_key_that_is_added_later_counts(self):
        ring = Keyring()
        ours = DatagramCodec(ring=ring, nonce=numbers())
        self.assertEqual(ours.seal([NACK], crc=False), NACK)
        ring.add(KEY)
        self.assertEqual(ours.overhead, 29)
        self.assertEqual(codec(KEY).open(ours.seal([NACK], crc=False)).messages, [Nack(1)])

    def test_one_message_is_sent_bare(self):
        self.assertEqual(codec().seal([NACK], crc=False), NACK)
        self.assertEqual(codec().seal([NACK], crc=True), checksummed(NACK))
        self.assertEqual(codec(crc=False).seal([NACK], crc=True), NACK)

    def test_it_is_compressed_only_where_that_helps(self):
        long = encode(Ack(1, bytes(300)))
        self.assertEqual(codec(compress=True).seal([long], crc=False), pack(long))
        self.assertEqual(codec(compress=True).seal([NACK], crc=False), NACK)

    def test_what_kills_or_confuses_others_is_not_sent(self):
        for parts in (
            [],
            [b""],
            [NACK, b""],
            [NACK] * 128,
            [b"\x07\x00"],
            [pack(NACK)],
            [checksummed(NACK)],
            [b"\x06"],
        ):
            self.assertRaises(MisuseError, codec().seal, parts, crc=True)
        self.assertEqual(len(codec().seal([b"\x08" * LONGEST_DATAGRAM], crc=False)), LONGEST_DATAGRAM)
        self.assertRaises(MisuseError, codec().seal, [b"\x08" * LONGEST_DATAGRAM], crc=True)

    def test_options_that_can_t_be(self):
        self.assertRaises(MisuseError, codec, label=b"b" * 256)
        for limit in (0, -1, MOST_UNPACKED + 1):
            self.assertRaises(MisuseError, codec, unpacked_limit=limit)


class RefusalTests(DatagramCase):
    """What is not read, and why."""

    def test_nothing(self):
        for data in (b"", checksummed(b"")):
            self.dropped("empty", codec(), data)
        self.dropped("empty", codec(label=b"blue"), b"\xf4\x04blue")
        self.dropped("empty", codec(), b"\x09\x81\xa3Buf\xa3\0\3\2")

    def test_checksums(self):
        data = checksummed(NACK)
        for i in range(8, 8 * len(data)):
            spoiled = bytearray(data)
            spoiled[i >> 3] ^= 1 << (i & 7)
            self.dropped("crc", codec(), bytes(spoiled))
        for end in range(1, 5):
            self.dropped("unknownType", codec(), data[:end])
        self.dropped("unknownType", codec(), checksummed(data))

    def test_labels(self):
        plain, blue = codec(), codec(label=b"blue")
        sealed = blue.seal([NACK], crc=False)
        self.dropped("label", plain, sealed)
        self.dropped("label", blue, NACK)
        self.dropped("label", codec(label=b"bluer"), sealed)
        self.dropped("label", codec(label=b"blu"), sealed)
        for end in range(1, 6):
            self.dropped("label", blue, sealed[:end])
            self.dropped("label", plain, sealed[:end])
        for data in (b"\xf4\x00" + NACK, b"\xf4"):
            self.dropped("label", plain, data)
            self.dropped("label", blue, data)
        self.dropped("unknownType", blue, b"\xf4\x04blue" + sealed)

    def test_a_label_is_authenticated(self):
        sealed = codec(KEY, label=b"blue").seal([NACK], crc=False)
        self.dropped("decrypt", codec(KEY), sealed[6:])
        self.dropped("decrypt", codec(KEY, label=b"glue"), b"\xf4\x04glue" + sealed[6:])

    def test_plaintext_where_there_are_keys(self):
        for data in (NACK, checksummed(NACK), octets("ping_full"), octets("indirect_ping_full"), encode(Ack(1))):
            self.dropped("plaintext", codec(KEY), data)
            self.assertEqual(codec(KEY, verify_incoming=False).open(data), codec().open(data))
        self.dropped("decrypt", codec(KEY), b"\x01" + bytes(40))
        self.dropped("decrypt", codec(KEY, label=b"blue"), b"\xf4\x04blue")

    def test_the_upgrade_from_plaintext(self):
        quiet = codec(KEY, verify_incoming=False, verify_outgoing=False)
        half = codec(KEY, verify_incoming=False)
        full = codec(KEY)
        self.assertEqual(quiet.seal([NACK], crc=False), NACK)
        for sender in (quiet, half):
            for receiver in (quiet, half):
                self.assertEqual(receiver.open(sender.seal([NACK], crc=False)).messages, [Nack(1)])
        self.assertEqual(full.open(half.seal([NACK], crc=False)).messages, [Nack(1)])
        self.dropped("plaintext", full, quiet.seal([NACK], crc=False))

    def test_an_envelope_around_nothing_is_never_taken_for_plaintext(self):
        data = b"\0" + seal(KEY, b"\x10" * 16, nonce=bytes(12))[1:]
        self.dropped("empty", codec(KEY), data)
        self.dropped("empty", codec(KEY, verify_incoming=False), data)

    def test_wrappers_in_another_order_or_twice(self):
        compound = b"\x07\x01" + len(NACK).to_bytes(2, "big") + NACK
        self.assertEqual(codec().open(checksummed(pack(compound))), ([Nack(1)], []))
        self.dropped("nested", codec(), pack(pack(NACK)))
        self.dropped("unknownType", codec(), pack(checksummed(NACK)))
        for inner in (compound, pack(NACK)):
            data = b"\x07\x02" + len(inner).to_bytes(2, "big") + len(NACK).to_bytes(2, "big") + inner + NACK
            self.assertEqual(codec().open(data), ([Nack(1)], ["nested"]))

    def test_a_bad_part_does_not_spoil_the_others(self):
        bad = [b"\x63", b"\x00", encode(Ping(1, b"n"))[:-1] + b"\xff"]
        parts = [NACK, *bad, NACK]
        data = b"\x07\x05" + b"".join(len(part).to_bytes(2, "big") for part in parts) + b"".join(parts)
        opened = codec().open(data)
        self.assertEqual(opened.messages, [Nack(1), Nack(1)])
        self.assertEqual(opened.dropped, ["unknownType", "truncated", "malformed"])

    def test_bombs(self):
        bomb = pack(b"\x08" + bytes(1 << 14))
        self.dropped("bomb", codec(), bomb)
        self.assertEqual(len(codec(unpacked_limit=(1 << 14) + 1).open(bomb).messages[0].data), 1 << 14)
        self.dropped("bomb", codec(unpacked_limit=100), pack(b"\x08" + bytes(100)))

    def test_the_values_of_all_parts_together_are_bounded(self):
        full = b"\x0b\xdc\x00\x7f" + bytes(127)  # a nack as an array, much too long
        some = MOST_VALUES // 128
        opened = codec().open(pack(compound([full] * some + [NACK] * 150)))
        self.assertEqual(len(opened.messages), some + (MOST_VALUES - some * 128) // 3)
        self.assertEqual(set(opened.dropped), {"tooMany"})
        self.assertEqual(len(opened.messages) + len(opened.dropped), some + 150)
        ping = IndirectPing(1, b"n", ADDRESS, nack=True, source=Source(ADDRESS, b"m"))
        self.assertEqual(codec().open(compound([encode(ping)] * 255)), ([ping] * 255, []))

    def test_it_is_unwrapped_first_and_read_then(self):
        ours = codec(KEY, label=b"blue", compress=True)
        long = encode(Ack(1, bytes(300)))
        self.assertEqual(ours.unwrapped(ours.seal([long], crc=True)), long)
        self.assertEqual(read(long), ([Ack(1, bytes(300))], []))
