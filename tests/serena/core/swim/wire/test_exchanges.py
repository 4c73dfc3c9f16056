"""What is said in streams: what it may hold, both ways."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.messages import Ack, Address, Entry, Err, Nack, Ping, PushPull, State, UserMessage
from serena.core.swim.wire.exchanges import (
    MOST_ENTRIES,
    MOST_ENTRY_BYTES,
    MOST_USER_BYTES,
    read_exchange,
    write_exchange,
)
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.incoming import Incoming, finish
from serena.core.swim.wire.msgpack import boolean, number, raw, written

VERSIONS = bytes((1, 5, 2, 2, 5, 5))
HOST = b"\x7f\0\0\x01"
ENTRY = Entry(b"n", 1, Address(HOST, 7946), State.ALIVE, None, VERSIONS)


def head(nodes=0, user=0, join=False):
    """How a push/pull begins; counts are numbers or what is written for one."""
    counts = [count if isinstance(count, bytes) else number(count) for count in (nodes, user)]
    return b"\x06" + written([(b"Join", boolean(join)), (b"Nodes", counts[0]), (b"UserStateLen", counts[1])])


def node(**fields):
    """A member as somebody else might write it."""
    known = {
        "Addr": raw(HOST),
        "Incarnation": number(1),
        "Meta": raw(None),
        "Name": raw(b"n"),
        "Port": number(7946),
        "State": number(0),
        "Vsn": raw(VERSIONS),
    } | fields
    return written([(name.encode(), value) for name, value in known.items()])


class Case(SynchronousTestCase):
    """Reads bytes that are all there."""

    def read(self, data, *, reply=False, whole=True, most=MOST_ENTRIES):
        self.passed_over = []
        incoming = Incoming(data, whole=whole)
        steps = read_exchange(incoming, reply=reply, most_entries=most, dropped=self.passed_over)
        return finish(steps)

    def dropped(self, reason, data, **options):
        fault = self.assertRaises(Dropped, self.read, data, **options)
        self.assertEqual(fault.reason, reason)
        self.assertFalse(fault.answerable)


class ReadingTests(Case):
    """What is accepted, passed over and dropped."""

    def test_each_kind_goes_one_way(self):
        for kind in range(256):
            data = bytes((kind,)) + b"\x80"
            for reply, allowed in ((False, (0, 6, 8)), (True, (2, 6, 13))):
                if kind in allowed:
                    self.read(data, reply=reply)
                else:
                    self.dropped("nested" if kind in (9, 10) else "unknownType", data, reply=reply)

    def test_missing_fields_count_as_nothing(self):
        self.assertEqual(self.read(b"\x06\x80"), PushPull(join=False, entries=[]))
        self.assertEqual(self.read(b"\x08\x80rest"), UserMessage(b""))
        self.assertEqual(self.read(b"\x0d\x80", reply=True), Err(""))
        self.assertEqual(self.read(b"\x02\x80", reply=True), Ack(0))
        self.assertEqual(self.read(b"\x00\x80"), Ping(0, b""))

    def test_an_err_in_no_encoding(self):
        self.assertEqual(self.read(b"\x0d\x81\xa5Error\xa2\xffx", reply=True), Err("\ufffdx"))
        self.dropped("malformed", b"\x0d\x81\xa5Error\x01", reply=True)

    def test_counts_are_checked_before_anything_is_waited_for(self):
        for whole in (True, False):
            self.dropped("tooMany", head(MOST_ENTRIES + 1), whole=whole)
            self.dropped("oversized", head(0, MOST_USER_BYTES + 1), whole=whole)
            self.dropped("oversized", b"\x08\x81\xaaUserMsgLen" + number(MOST_USER_BYTES + 1), whole=whole)
            for bad in (b"\xff", b"\xd3" + b"\xff" * 8, b"\xcf" + b"\xff" * 8, b"\xca\0\0\0\0", raw(b"1")):
                self.dropped("malformed", head(bad), whole=whole)
                self.dropped("malformed", head(0, bad), whole=whole)
        self.dropped("malformed", b"\x06\x81\xa4Join\x02")
        self.dropped("truncated", head(1, 0), whole=False)
        self.dropped("tooMany", head(1, 0))
        self.dropped("tooMany", head(3) + node() * 2, whole=False, most=2)
        self.dropped("truncated", head(0, 5) + b"1234")

    def test_a_member_that_we_can_t_know_is_passed_over(self):
        bad = {
            "badName": [{"Name": raw(b"")}, {"Name": raw(b"n" * 256)}],
            "badAddress": [{"Addr": raw(bytes(length))} for length in (0, 5, 17)] + [{"Addr": raw(None)}],
            "badPort": [{"Port": number(65536)}],
            "badMeta": [{"Meta": raw(bytes(513))}],
            "badVersions": [{"Vsn": raw(bytes(length))} for length in range(1, 6)],
        }
        for reason, cases in bad.items():
            for fields in cases:
                data = head(3, 2) + node() + node(**fields) + node(Name=raw(b"m")) + b"hi"
                self.assertEqual(
                    self.read(data), PushPull(join=False, entries=[ENTRY, ENTRY._replace(name=b"m")], user=b"hi")
                )
                self.assertEqual(self.passed_over, [reason])

    def test_a_member_that_is_none_spoils_everything(self):
        for bad in (b"\xc0" + bytes(60), node(Incarnation=number(1 << 32)), node(State=b"\xff"), node(Name=number(1))):
            self.dropped("malformed", head(2) + node() + bad)

    def test_states_that_nobody_knows_are_left_to_who_merges(self):
        for state in (*State, 4, (1 << 63) - 1):
            self.assertEqual(self.read(head(1) + node(State=number(state))).entries[0].state, state)
        self.dropped("malformed", head(1) + node(State=number(1 << 63)))

    def test_a_struct_may_not_be_padded_without_end(self):
        self.assertEqual(self.read(head(1) + node(Zed=raw(bytes(60_000)))).entries, [ENTRY])
        self.dropped("oversized", head(1) + node(Zed=raw(bytes(66_000))))
        big = node(Zed=raw(bytes(65_000)))
        count = MOST_ENTRY_BYTES // len(big) + 1
        self.dropped("oversized", head(count) + big * count)


class WritingTests(Case):
    """Whatever we write we read, and what would harm others we don't write."""

    def test_all_come_back(self):
        entries = [ENTRY._replace(state=state, name=b"%d" % state, meta=b"m" * 512) for state in State]
        for exchange, reply in (
            (Ping(1, b"n"), False),
            (UserMessage(b"hi" * 300), False),
            (UserMessage(b""), False),
            (PushPull(join=True, entries=entries, user=b"user" * 100), False),
            (PushPull(join=False, entries=[]), True),
            (Ack(1, b"payload"), True),
            (Err("w\xe4s" * 100), True),
        ):
            self.assertEqual(self.read(write_exchange(exchange, reply=reply), reply=reply), exchange)
        self.assertEqual(self.read(write_exchange(Err("\ud800"), reply=True), reply=True), Err("?"))

    def test_what_can_t_be_said_that_way(self):
        for exchange in (Ping(1, b"n"), UserMessage(b"hi"), Nack(1)):
            self.assertRaises(MisuseError, write_exchange, exchange, reply=True)
        for exchange in (Ack(1), Err("no"), Nack(1)):
            self.assertRaises(MisuseError, write_exchange, exchange, reply=False)

    def test_what_would_harm_others_is_not_written(self):
        for entry in (
            ENTRY._replace(name=b""),
            ENTRY._replace(name=b"n" * 256),
            ENTRY._replace(address=Address(b"12345", 1)),
            ENTRY._replace(meta=bytes(513)),
            ENTRY._replace(versions=b"12345"),
            ENTRY._replace(state=4),
            ENTRY._replace(state=-1),
            ENTRY._replace(incarnation=1 << 32),
        ):
            self.assertRaises(MisuseError, write_exchange, PushPull(join=False, entries=[entry]), reply=True)
        much = bytes(MOST_USER_BYTES + 1)
        for exchange in (
            UserMessage(much),
            PushPull(join=False, entries=[], user=much),
            PushPull(join=False, entries=[ENTRY] * (MOST_ENTRIES + 1)),
        ):
            self.assertRaises(MisuseError, write_exchange, exchange, reply=False)
