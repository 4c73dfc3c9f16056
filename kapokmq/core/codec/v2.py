"""What a v2 client sends (docs/protocol-v2.md): frames of one JSON object each, whose `op` says what is asked for.

Reading is strict: a field that nobody knows, one of the wrong type and one out of range are refused, and so is what is
not JSON, half a surrogate pair included. What is left out is left out: `null` is not a way to say so.

A publish is read in one of two ways. Most hold texts and nothing else, which is tried first and costs least; what that
doesn't take is read again with all that a message may have.
"""

import re
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.codec.v2_drafts import LATEST, Full, check_sizes, full_drafts, given, milliseconds
from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadEncoding, BadName, TooMany
from kapokmq.core.message import LONGEST_DELAY, Drafts, Text
from kapokmq.core.names import check_name
from kapokmq.core.pattern import check_pattern, check_topic

BATCH = 5_000  # messages in a publish
MOST_ACKED = 10_000  # codes in an ack
MOST_NACKED = 1_000  # codes in a nack or touch, of which each is ten times the work of an ack's
MOST_CREDIT = 100_000
CREDIT = 1_000
LONGEST_REASON = 1_000  # characters
LAST_ID = (1 << 53) - 1  # what JavaScript can count to
_SMALLEST_FRAME = 8 << 20  # bytes
_ESCAPED = 6  # bytes of JSON that one byte of text may take: \u0001
_BESIDE = 512 * 1024  # bytes of a frame that are not the text of its one message

_Id = Annotated[int, Meta(ge=0, le=LAST_ID)]
_Credit = Annotated[int, Meta(ge=0, le=MOST_CREDIT)]
_Reason = Annotated[str, Meta(max_length=LONGEST_REASON)]
_Delay = Annotated[float, Meta(ge=0, le=LONGEST_DELAY)]


class _Op(msgspec.Struct, tag_field="op", forbid_unknown_fields=True, gc=False):
    """One thing that is asked for."""


class Hello(_Op, tag="hello"):
    """Who comes. `session` names numbered publish calls over connections, `name` is for people."""

    id: _Id | UnsetType = UNSET
    session: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class _Since(msgspec.Struct, forbid_unknown_fields=True):
    """A group's beginning in time, unix seconds."""

    time: Annotated[float, Meta(ge=0, le=LATEST)]


class Subscribe(_Op, tag="subscribe"):
    """Become a member of a group. `id` is the request's and, from now on, the subscription's."""

    id: _Id
    topic: str
    group: str | UnsetType = UNSET
    credit: _Credit | UnsetType = UNSET
    start: Literal["new", "all"] | _Since = "new"
    ack: Literal["none"] | UnsetType = UNSET

    @property
    def wish(self) -> Wish:
        """The same, for the engine."""
        owes = self.ack is UNSET
        credit = given(self.credit)
        start = milliseconds(self.start.time) if isinstance(self.start, _Since) else self.start
        return Wish(given(self.group), CREDIT if owes and credit is None else credit, owes, owes, start)


class Credit(_Op, tag="credit"):
    """Set how many messages a subscription may hold, or without acks: get from now on."""

    sub: _Id
    n: _Credit
    id: _Id | UnsetType = UNSET


class Ack(_Op, tag="ack"):
    """These are done."""

    sub: _Id
    codes: list[str]
    id: _Id | UnsetType = UNSET


class Nack(_Op, tag="nack"):
    """These were not done."""

    sub: _Id
    codes: list[str]
    id: _Id | UnsetType = UNSET
    delay: _Delay | UnsetType = UNSET
    reason: _Reason = ""


class Touch(_Op, tag="touch"):
    """These take longer."""

    sub: _Id
    codes: list[str]
    id: _Id | UnsetType = UNSET


class Unsubscribe(_Op, tag="unsubscribe"):
    """Be a member no more."""

    sub: _Id
    id: _Id | UnsetType = UNSET


class _PlainPublish(_Op, tag="publish"):
    id: _Id
    topic: str
    messages: list[Text]
    durable: bool | Literal["fsync"] = False


class _FullPublish(_Op, tag="publish"):
    id: _Id
    topic: str
    messages: list[Full]
    durable: bool | Literal["fsync"] = False


class Publish(NamedTuple):
    """Take these. `id` is the request's, and within a session the call's number."""

    id: int
    topic: str
    drafts: Drafts
    durable: bool = False


Settling = Ack | Nack | Touch
Asked = Publish | Subscribe | Credit | Settling | Unsubscribe
Op = Hello | Asked


class _Head(msgspec.Struct, gc=False):
    """Whose answer a refusal is, if that can be read."""

    id: Any = None
    sub: Any = None


_read = msgspec.json.Decoder(Hello | _PlainPublish | Subscribe | Credit | Ack | Nack | Touch | Unsubscribe).decode
_read_full = msgspec.json.Decoder(_FullPublish).decode
_read_head = msgspec.json.Decoder(_Head).decode

_INDEX = re.compile(r"messages\[(\d+)\]")
_PAIR = 12  # bytes of an escaped one
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACED = rb"\\ufffd"
_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_IN_MESSAGES = " - at `$.messages["


def longest_frame(longest: int) -> int:
    """How long a frame may be, so that any one message fits. `longest` is its text in bytes of UTF-8."""
    return max(_SMALLEST_FRAME, _ESCAPED * longest + _BESIDE)


def decode(frame: bytes, longest: int) -> Op:
    """Read a frame. `longest` is a message's text in bytes of UTF-8.

    Raises Rejected, and BadEncoding where it is not even UTF-8.
    """
    if not frame.isascii():
        _check_utf8(frame)
    try:
        try:
            asked = _read(frame)
        except msgspec.ValidationError as fault:
            if _IN_MESSAGES not in str(fault):
                raise
            asked = _read_full(frame)
        return _checked(asked, len(frame), longest)
    except RecursionError:
        raise Rejected("not JSON: nested too deeply") from None
    except msgspec.ValidationError as fault:
        raise _misread(str(fault), frame) from None
    except ValueError as fault:  # what else msgspec raises is one
        raise _malformed(str(fault), frame) from None
    except Rejected as fault:
        fault.id, fault.sub = _head(frame)
        raise
    except (BadName, TooMany) as fault:
        request, sub = _head(frame)
        raise rejected(fault, request=request, sub=sub) from None


def _checked(asked: Any, length: int, longest: int) -> Op:
    """Look at what no type says, and give what is asked for. Raises Rejected, BadName and TooMany."""
    if isinstance(asked, (_PlainPublish, _FullPublish)):
        return _publish(asked, length, longest)
    if isinstance(asked, (Ack, Nack, Touch)):
        if not asked.codes:
            raise Rejected("codes: is empty")
        most = MOST_ACKED if isinstance(asked, Ack) else MOST_NACKED
        if len(asked.codes) > most:
            raise TooMany(f"codes: {len(asked.codes)}, the limit is {most}")
    elif isinstance(asked, Subscribe):
        check_pattern(asked.topic)
        if asked.group is not UNSET:
            check_name(asked.group, "group")
    elif isinstance(asked, Hello):
        for name, what in ((asked.session, "session"), (asked.name, "name")):
            if name is not UNSET:
                check_name(name, what)
    return asked  # type: ignore[no-any-return]


def _publish(asked: _PlainPublish | _FullPublish, length: int, longest: int) -> Publish:
    """Make the messages drafts."""
    count = len(asked.messages)
    if not count:
        raise Rejected("messages: is empty")
    if count > BATCH:
        raise TooMany(f"messages: {count}, the limit is {BATCH}")
    check_topic(asked.topic)
    if isinstance(asked, _FullPublish):
        return Publish(asked.id, asked.topic, full_drafts(asked.messages, length, longest), bool(asked.durable))
    check_sizes(asked.messages, length, longest)
    return Publish(asked.id, asked.topic, asked.messages, bool(asked.durable))


def _check_utf8(frame: bytes) -> None:
    """Refuse what is no text: no frame of such a client can be trusted to mean anything."""
    try:
        frame.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadEncoding(f"not UTF-8 at byte {error.start}") from None


def _misread(text: str, frame: bytes) -> Rejected:
    """Say in our order what msgspec says: where, then what."""
    what, _, where = text.partition(" - at `$")
    where = where.strip(".`")
    index = _INDEX.match(where)
    request, sub = _head(frame)
    return Rejected(
        (f"{where}: " if where else "") + what[:1].lower() + what[1:],
        request=request,
        sub=sub,
        index=int(index[1]) if index else None,
    )


def _malformed(text: str, frame: bytes) -> Rejected:
    """Say what msgspec says of bytes that are no JSON; where it stumbles behind half a surrogate pair, that."""
    found = _AT_BYTE.search(text)
    end = int(found[1]) if found else len(frame)
    if "surrogate" in text or _HALF.search(frame, max(0, end - _PAIR), end + 1):
        # JavaScript writes such frames of texts cut in the middle: who did should learn which request it was.
        request, sub = _head(_SURROGATE.sub(_REPLACED, frame))
        return Rejected("not JSON: half a surrogate pair", request=request, sub=sub)
    return Rejected(f"not JSON: {text.removeprefix('JSON is malformed: ').lower()}")


def _head(frame: bytes) -> tuple[int | None, int | None]:
    """The ids of a frame that can't be carried out, None where there are none that count."""
    try:
        head = _read_head(frame)
    except (ValueError, RecursionError):
        return None, None
    return _counts(head.id), _counts(head.sub)


def _counts(value: Any) -> int | None:
    """A valid id, or None."""
    return value if type(value) is int and 0 <= value <= LAST_ID else None
