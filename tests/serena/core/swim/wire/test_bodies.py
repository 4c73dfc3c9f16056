"""Messages of datagrams: what they may hold, both ways."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.messages import (
    Ack,
    Address,
    Alive,
    Dead,
    Err,
    IndirectPing,
    Nack,
    Ping,
    Source,
    Suspect,
    UserMessage,
)
from serena.core.swim.wire.bodies import decode, encode
from serena.core.swim.wire.faults import REASONS, Dropped
from serena.core.swim.wire.msgpack import boolean, number, raw, written

HOST = b"\x7f\0\0\x01"
HERE = Address(HOST, 7946)
VERSIONS = bytes((1, 5, 2, 2, 5, 5))
ALIVE = Alive(b"n", 1, HERE, None, VERSIONS)


def alive(**fields):
    """An alive as somebody else might write it."""
    known = {
        "Addr": raw(HOST),
        "Incarnation": number(1),
        "Meta": raw(None),
        "Node": raw(b"n"),
        "Port": number(7946),
        "Vsn": raw(VERSIONS),
    } | fields
    return b"\x04" + written([(name.encode(), value) for name, value in known.items()])


class ReadingTests(SynchronousTestCase):
    """What is accepted and what is dropped."""

    def dropped(self, reason, data):
        fault = self.assertRaises(Dropped, decode, data)
        self.assertEqual(fault.reason, reason)
        self.assertFalse(fault.answerable)
        self.assertIn(reason, REASONS)

    def test_types(self):
        self.dropped("empty", b"")
        for kind in range(256):
            if kind not in (0, 1, 2, 3, 4, 5, 8, 11):
                self.dropped("unknownType", bytes((kind,)) + b"\x80")
        self.assertEqual(decode(b"\x08"), UserMessage(b""))

    def test_names_are_any_1_to_255_bytes(self):
        for name in (b"\xff\xfe", b"\0", b"n" * 255):
            self.assertEqual(decode(alive(Node=raw(name))).node, name)
            self.assertEqual(decode(encode(Suspect(name, 1, name))), Suspect(name, 1, name))
        for name in (b"", b"n" * 256):
            self.dropped("badName", alive(Node=raw(name)))
        self.dropped("badName", b"\x03" + written([(b"Node", raw(b"n"))]))
        self.dropped("badName", b"\x00" + written([(b"Node", raw(b"n" * 256))]))

    def test_addresses_have_4_or_16_bytes(self):
        self.assertEqual(decode(alive(Addr=raw(HOST * 4))).address.host, HOST * 4)
        self.assertEqual(decode(alive(Addr=b"\x94\x7f\x00\x00\x01")), ALIVE)
        for length in (0, 1, 5, 17):
            self.dropped("badAddress", alive(Addr=raw(bytes(length))))
        self.dropped("badAddress", alive(Addr=raw(None)))
        self.dropped("badAddress", b"\x00" + written([(b"SourceAddr", raw(b"12345")), (b"SourcePort", number(1))]))

    def test_ports_have_16_bits(self):
        for port in (0, 65535):
            self.assertEqual(decode(alive(Port=number(port))).address.port, port)
        self.dropped("badPort", alive(Port=number(65536)))
        self.dropped("malformed", alive(Port=b"\xff"))

    def test_metadata_has_up_to_512_bytes(self):
        for meta in (None, b"", bytes(512)):
            self.assertEqual(decode(alive(Meta=raw(meta))).meta, meta)
        self.dropped("badMeta", alive(Meta=raw(bytes(513))))

    def test_versions_are_six_or_none(self):
        for given, read in ((None, b""), (b"", b""), (VERSIONS, VERSIONS), (VERSIONS + b"more", VERSIONS)):
            self.assertEqual(decode(alive(Vsn=raw(given))).versions, read)
        for length in range(1, 6):
            self.dropped("badVersions", alive(Vsn=raw(bytes(length))))

    def test_numbers_have_32_bits(self):
        self.assertEqual(decode(alive(Incarnation=number((1 << 32) - 1))).incarnation, (1 << 32) - 1)
        self.dropped("malformed", alive(Incarnation=number(1 << 32)))

    def test_who_asks_needs_address_and_port(self):
        host, port, name = (b"SourceAddr", raw(HOST)), (b"SourcePort", number(1)), (b"SourceNode", raw(b"me"))
        for parts in ([host], [port], [name], [host, name]):
            self.assertIsNone(decode(b"\x00" + written(parts)).source)
        self.assertEqual(decode(b"\x00" + written([host, port])).source, Source(Address(HOST, 1), b""))
        self.assertEqual(decode(b"\x00" + written([host, port, name])).source, Source(Address(HOST, 1), b"me"))

    def test_a_nack_is_wanted_or_not(self):
        for wanted in (True, False):
            ping = b"\x01" + written([(b"Nack", boolean(wanted)), (b"Target", raw(HOST))])
            self.assertEqual(decode(ping), IndirectPing(0, b"", Address(HOST, 0), wanted))

    def test_what_follows_is_ignored(self):
        self.assertEqual(decode(alive() + b"junk"), ALIVE)


class WritingTests(SynchronousTestCase):
    """Whatever we write we read, and what would harm others we don't write."""

    def test_all_come_back(self):
        source = Source(HERE, b"me")
        for message in (
            Ping(1, b"n", source),
            Ping(1, b""),
            Ping(1, b"n", Source(HERE, b"")),
            IndirectPing(1, b"n", HERE, nack=True, source=source),
            Ack(1, b"payload"),
            Ack(1),
            Nack(1),
            Suspect(b"n", 1, b"me"),
            Dead(b"n", 1, b"me"),
            ALIVE,
            ALIVE._replace(versions=b"", meta=b"", address=Address(HOST * 4, 0)),
            UserMessage(b"data"),
        ):
            self.assertEqual(decode(encode(message)), message)

    def test_a_source_without_a_port_says_nothing_of_it(self):
        self.assertNotIn(b"SourcePort", encode(Ping(1, b"n", Source(Address(HOST, 0), b"me"))))

    def test_what_would_harm_others_is_not_written(self):
        long = b"n" * 256
        for message in (
            Ping(-1, b"n"),
            Ping(1 << 32, b"n"),
            Ping(1, long),
            Ping(1, b"n", Source(HERE, long)),
            Ping(1, b"n", Source(Address(b"", 1), b"me")),
            Suspect(b"", 1, b"me"),
            Suspect(b"n", 1, b""),
            Dead(long, 1, b"me"),
            Dead(b"n", 1 << 32, b"me"),
            ALIVE._replace(address=Address(b"12345", 1)),
            ALIVE._replace(address=Address(HOST, 65536)),
            ALIVE._replace(address=Address(HOST, -1)),
            ALIVE._replace(meta=bytes(513)),
            *(ALIVE._replace(versions=bytes(length)) for length in (1, 2, 3, 4, 5, 7)),
            Err("of a stream"),
        ):
            self.assertRaises(MisuseError, encode, message)
