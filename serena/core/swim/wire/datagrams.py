"""Datagrams: messages wrapped for the way, and unwrapped.

From the outside in: label header, encryption, checksum, compression, compound, messages. Each of them may be missing;
none may come twice or in another order.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from serena.core.errors import MisuseError
from serena.core.swim.messages import Message
from serena.core.swim.wire import crypto, labels
from serena.core.swim.wire.bodies import Type, decode
from serena.core.swim.wire.compound import joined, split
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.msgpack import Allowance
from serena.core.swim.wire.packing import pack, unpack

MOST_UNPACKED = 1 << 20
"""What a datagram may unpack to, whatever was configured."""
LONGEST_DATAGRAM = 65_507
"""What UDP over IPv4 carries."""
MOST_VALUES = 255 * 17
"""Values in the structs of a datagram: as many parts as there can be, and the most that one of ours has."""

_CRC_HEAD = 5
_SENT = frozenset((Type.PING, Type.INDIRECT_PING, Type.ACK, Type.SUSPECT, Type.ALIVE, Type.DEAD, Type.USER, Type.NACK))


class Opened(NamedTuple):
    """What was in a datagram. `dropped` has a reason, of faults.REASONS, for each part that could not be read."""

    messages: list[Message]
    dropped: list[str]


class DatagramCodec:
    """The way that the datagrams of a cluster are wrapped. It holds nothing of them, so may serve any number of peers.

    ring                the keys; without any, nothing is encrypted
    label               the cluster's label, up to 255 bytes; empty: none
    verify_incoming     refuse what is not encrypted, where there are keys
    verify_outgoing     encrypt, where there are keys
    compress            compress where that makes it shorter
    padded              seal in version 0, for members that speak protocol 1
    nonce               gives so many random bytes
    unpacked_limit      bytes that a datagram may unpack to, up to MOST_UNPACKED: members fill 1,400 before they pack
    crc                 put checksums on datagrams for those who know them
    """

    def __init__(  # noqa: PLR0913 - each is a setting of the cluster
        self,
        *,
        ring: Keyring,
        nonce: Callable[[int], bytes],
        label: bytes = b"",
        verify_incoming: bool = True,
        verify_outgoing: bool = True,
        compress: bool = False,
        padded: bool = False,
        unpacked_limit: int = 1 << 14,
        crc: bool = True,
    ) -> None:
        if not 0 < unpacked_limit <= MOST_UNPACKED:
            raise MisuseError(f"datagrams may not unpack to {unpacked_limit} bytes")
        self._header = labels.header(label)
        self._label = label
        self._ring = ring
        self._verify_incoming = verify_incoming
        self._verify_outgoing = verify_outgoing
        self._compress = compress
        self._padded = padded
        self._nonce = nonce
        self.unpacked_limit = unpacked_limit
        self._crc = crc

    @property
    def overhead(self) -> int:
        """Bytes that label and encryption take of a datagram at most, as the ring is now."""
        envelope = crypto.PADDED_OVERHEAD if self._padded else crypto.OVERHEAD
        return len(self._header) + (envelope if self._ring.keys else 0)

    def open(self, data: bytes) -> Opened:
        """What is in a datagram. Raises Dropped if nothing of it can be read."""
        return read(self.unwrapped(data))

    def unwrapped(self, data: bytes) -> bytes:
        """A datagram without what is wrapped around its messages, for `read`. Raises Dropped."""
        if not data:
            raise Dropped("empty")
        data = labels.stripped(data, self._header)
        if self._ring.keys:
            data = self._unsealed(data)
        data = _checked(data)
        if data[:1] == _COMPRESS:
            data = unpack(data, 1, self.unpacked_limit)
        return data

    def seal(self, parts: Sequence[bytes], *, crc: bool) -> bytes:
        """A datagram of 1 to 127 encoded messages; `crc` says that who gets it knows checksums.

        Raises MisuseError for what kills or confuses those who get it.
        """
        if any(not part or part[0] not in _SENT for part in parts):
            raise MisuseError("a part is no message for a datagram")
        data = parts[0] if len(parts) == 1 else joined(parts)
        if self._compress:
            data = min(data, pack(data), key=len)
        if crc and self._crc:
            data = bytes((Type.CRC,)) + zlib.crc32(data).to_bytes(4, "big") + data
        key = self._ring.primary
        if key is not None and self._verify_outgoing:
            nonce = self._nonce(crypto.NONCE)
            data = crypto.seal(key, data, nonce=nonce, extra=self._label, padded=self._padded)
        data = self._header + data
        if len(data) > LONGEST_DATAGRAM:
            raise MisuseError(f"a datagram of {len(data)} bytes")
        return data

    def _unsealed(self, data: bytes) -> bytes:
        """`data` decrypted; as it is, where that is allowed. Raises Dropped."""
        try:
            return crypto.unseal(self._ring.keys, data, extra=self._label)
        except Dropped as fault:
            if fault.reason != "decrypt":
                raise
            if not self._verify_incoming:
                return data
            raise Dropped("plaintext" if _is_plain(data) else "decrypt") from None


def read(data: bytes) -> Opened:
    """The messages in what was unwrapped. Raises Dropped if there is but one and it can't be read."""
    if data[:1] != _COMPOUND:
        return Opened([_message(data)], [])
    parts, dropped = split(data)
    messages = []
    allowance = Allowance(MOST_VALUES)
    for number, part in enumerate(parts):
        if not allowance.left:
            dropped += ["tooMany"] * (len(parts) - number)
            break
        try:
            messages.append(_message(part, allowance))
        except Dropped as fault:
            dropped.append(fault.reason)
    return Opened(messages, dropped)


_COMPRESS = bytes((Type.COMPRESS,))
_COMPOUND = bytes((Type.COMPOUND,))
_WRAPPERS = (Type.COMPRESS, Type.COMPOUND)


def _is_plain(data: bytes) -> bool:
    """Whether it looks as if somebody had not encrypted `data`: envelopes begin as pings and indirect pings do."""
    if data[:1] > bytes((Type.INDIRECT_PING,)):
        return True
    try:
        decode(data)
    except Dropped:
        return False
    return True


def _checked(data: bytes) -> bytes:
    """`data` without its checksum, if it has one. Raises Dropped."""
    if data[:1] != bytes((Type.CRC,)) or len(data) < _CRC_HEAD:
        return data
    if zlib.crc32(data[_CRC_HEAD:]) != int.from_bytes(data[1:_CRC_HEAD], "big"):
        raise Dropped("crc")
    return data[_CRC_HEAD:]


def _message(data: bytes, allowance: Allowance | None = None) -> Message:
    """The message in `data`, which nothing may be wrapped around any more. Raises Dropped."""
    if data and data[0] in _WRAPPERS:
        raise Dropped("nested")
    return decode(data, allowance)
