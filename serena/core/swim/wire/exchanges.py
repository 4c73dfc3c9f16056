"""What is said in streams, without what is wrapped around it: a type byte, a struct, then what the struct announces.

A push/pull announces a struct for each member and the bytes of the program above; a user message its bytes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from serena.core.errors import MisuseError
from serena.core.swim.messages import Ack, Entry, Err, Exchange, Ping, PushPull, State, UserMessage
from serena.core.swim.wire import fields
from serena.core.swim.wire.bodies import ACK_FIELDS, PING_FIELDS, Found, Type, encode, read_ack, read_ping
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.incoming import Incoming, Steps
from serena.core.swim.wire.msgpack import Value, boolean, number, raw, struct, switch, text, whole, written

MOST_ENTRIES = 1 << 20
MOST_USER_BYTES = 20 << 20
MOST_ENTRY_BYTES = 40 << 20
"""All entries of a push/pull together."""

_LONGEST_STRUCT = 1 << 16
_SHORTEST_ENTRY = 40  # with all of its fields; Go always writes them
_WIDEST = (1 << 63) - 1

_HEAD = (b"Nodes", b"UserStateLen", b"Join")
_ENTRY = (b"Name", b"Addr", b"Port", b"Meta", b"Incarnation", b"State", b"Vsn")
_USER = (b"UserMsgLen",)
_ERR = (b"Error",)
_WRAPPERS = (Type.COMPRESS, Type.ENCRYPT)
_PASSED_OVER = frozenset(("badName", "badAddress", "badPort", "badMeta", "badVersions"))


def read_exchange(incoming: Incoming, *, reply: bool, most_entries: int, dropped: list[str]) -> Steps[Exchange]:
    """What a peer asks or, with `reply`, answers.

    A member that we can't know, for its name or address, is passed over: its reason goes to `dropped`.
    """
    kind = (yield from incoming.take(1))[0]
    if kind in _WRAPPERS:
        raise Dropped("nested")
    if kind not in (_REPLIES if reply else _REQUESTS):
        raise Dropped("unknownType")
    if kind == Type.PUSH_PULL:
        return (yield from _read_push_pull(incoming, most_entries, dropped))
    if kind == Type.USER:
        head = yield from _read_struct(incoming, _USER)
        return UserMessage((yield from _read_bytes(incoming, head[_USER[0]])))
    names, read = _SINGLE[kind]
    return read((yield from _read_struct(incoming, names)))


def _read_struct(incoming: Incoming, names: tuple[bytes, ...]) -> Steps[dict[bytes, Value]]:
    """A struct; of fields that are missing the value is None."""
    data = yield from incoming.take_value(_LONGEST_STRUCT)
    return dict.fromkeys(names) | struct(data, 0, names)


def _read_bytes(incoming: Incoming, announced: Value) -> Steps[bytes]:
    """As many bytes as a head announced, checked before they are waited for."""
    length = whole(announced, _WIDEST)
    if length > MOST_USER_BYTES:
        raise Dropped("oversized")
    return (yield from incoming.take(length))


def _read_push_pull(incoming: Incoming, most_entries: int, dropped: list[str]) -> Steps[PushPull]:
    head = yield from _read_struct(incoming, _HEAD)
    join = switch(head[b"Join"])
    count = whole(head[b"Nodes"], _WIDEST)
    rest = incoming.rest
    if count > most_entries or (rest is not None and count > rest // _SHORTEST_ENTRY):
        raise Dropped("tooMany")
    if whole(head[b"UserStateLen"], _WIDEST) > MOST_USER_BYTES:
        raise Dropped("oversized")
    entries: list[Entry] = []
    room = MOST_ENTRY_BYTES
    for _ in range(count):
        data = yield from incoming.take_value(min(_LONGEST_STRUCT, room))
        room -= len(data)
        try:
            entries.append(_entry(struct(data, 0, _ENTRY)))
        except Dropped as fault:
            if fault.reason not in _PASSED_OVER:
                raise
            dropped.append(fault.reason)
    return PushPull(join, entries, (yield from _read_bytes(incoming, head[b"UserStateLen"])))


def _entry(found: Found) -> Entry:
    """A member. States that we don't know are left to who merges: it ignores them, as Go does."""
    return Entry(
        name=fields.name(found, b"Name"),
        incarnation=fields.number32(found, b"Incarnation"),
        address=fields.address(found, b"Addr"),
        state=whole(found.get(b"State"), _WIDEST),
        meta=fields.meta(found),
        versions=fields.versions(found),
    )


def _read_err(found: Found) -> Err:
    return Err(text(found[b"Error"]).decode("utf-8", "replace"))


_SINGLE: Mapping[int, tuple[tuple[bytes, ...], Callable[[Found], Exchange]]] = MappingProxyType(
    {Type.PING: (PING_FIELDS, read_ping), Type.ACK: (ACK_FIELDS, read_ack), Type.ERR: (_ERR, _read_err)}
)
_REQUESTS = (Type.PING, Type.PUSH_PULL, Type.USER)
_REPLIES = (Type.ACK, Type.PUSH_PULL, Type.ERR)


# ----------------------------------------------------------------------------------------------------------- writing


def write_exchange(exchange: Exchange, *, reply: bool) -> bytes:
    """Type byte and what follows. Raises MisuseError for what can't be said there or would harm who gets it."""
    if not isinstance(exchange, (Ack, PushPull, Err) if reply else (Ping, PushPull, UserMessage)):
        raise MisuseError(f"{type(exchange).__name__} is no {'answer' if reply else 'request'} of a stream")
    if isinstance(exchange, PushPull):
        return _push_pull(exchange)
    if isinstance(exchange, UserMessage):
        _allow_user(exchange.data)
        return bytes((Type.USER,)) + written([(b"UserMsgLen", number(len(exchange.data)))]) + exchange.data
    if isinstance(exchange, Err):
        return bytes((Type.ERR,)) + written([(b"Error", raw(exchange.text.encode("utf-8", "replace")))])
    return encode(exchange)


def _allow_user(data: bytes) -> None:
    if len(data) > MOST_USER_BYTES:
        raise MisuseError(f"{len(data)} bytes for the program above")


def _push_pull(message: PushPull) -> bytes:
    if len(message.entries) > MOST_ENTRIES:
        raise MisuseError(f"a push/pull of {len(message.entries)} members")
    _allow_user(message.user)
    head = written(
        [
            (b"Join", boolean(message.join)),
            (b"Nodes", number(len(message.entries))),
            (b"UserStateLen", number(len(message.user))),
        ]
    )
    return b"".join((bytes((Type.PUSH_PULL,)), head, *map(_written_entry, message.entries), message.user))


def _sent_state(state: int) -> int:
    if not State.ALIVE <= state <= State.LEFT:
        raise MisuseError(f"state {state}")
    return state


def _written_entry(entry: Entry) -> bytes:
    host, port = fields.sent_address(entry.address)
    return written(
        [
            (b"Addr", raw(host)),
            (b"Incarnation", number(fields.sent_number(entry.incarnation))),
            (b"Meta", raw(fields.sent_meta(entry.meta))),
            (b"Name", raw(fields.sent_name(entry.name))),
            (b"Port", number(port)),
            (b"State", number(_sent_state(entry.state))),
            (b"Vsn", raw(fields.sent_versions(entry.versions))),
        ]
    )
