"""Streams: one request, one answer, each wrapped for the way and unwrapped.

From the outside in: label header (of requests only), encryption, compression, the exchange. Each of the wrappers may be
missing; none may come twice or in another order. Who asks does not close its half: the answer comes when the counts in
the request say that it is complete.
"""

from collections.abc import Callable
from functools import partial

from serena.core.errors import MisuseError
from serena.core.swim.messages import Exchange
from serena.core.swim.wire import crypto, labels
from serena.core.swim.wire.bodies import Type
from serena.core.swim.wire.exchanges import MOST_ENTRIES, read_exchange, write_exchange
from serena.core.swim.wire.faults import Dropped
from serena.core.swim.wire.incoming import Incoming, Steps, finish
from serena.core.swim.wire.keyring import Keyring
from serena.core.swim.wire.packing import pack, unpack

MOST_UNPACKED = 40 << 20
LONGEST_ENVELOPE = 20 << 20
LONGEST_PACKED = (20 << 20) + 64
"""A struct with 20 MiB of compressed bytes."""

_LENGTH = 4


class StreamCodec:
    """The way that the streams of a cluster are wrapped.

    The options are those of DatagramCodec, but for:

    compress            compress everything, even what gets longer, as Go does in streams
    unpacked_limit      bytes that a stream may unpack to
    most_entries        members in a push/pull that is read

    What `write` takes grows with what is compressed and encrypted; it may run in any thread.
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
        unpacked_limit: int = MOST_UNPACKED,
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        self._header = labels.header(label)
        self._label = label
        self._ring = ring
        self._verify_incoming = verify_incoming
        self._verify_outgoing = verify_outgoing
        self._compress = compress
        self._padded = padded
        self._nonce = nonce
        self._unpacked_limit = unpacked_limit
        self._most_entries = most_entries

    def write(self, exchange: Exchange, *, reply: bool) -> bytes:
        """All bytes of a request, or of an answer. Raises MisuseError for what would harm who gets it."""
        data = write_exchange(exchange, reply=reply)
        if self._compress:
            data = pack(data)
        key = self._ring.primary
        if key is not None and self._verify_outgoing:
            length = crypto.sealed_length(len(data), padded=self._padded)
            if length > LONGEST_ENVELOPE:
                raise MisuseError(f"an envelope of {length} bytes")
            head = bytes((Type.ENCRYPT,)) + length.to_bytes(_LENGTH, "big")
            nonce = self._nonce(crypto.NONCE)
            data = head + crypto.seal(key, data, nonce=nonce, extra=head + self._label, padded=self._padded)
        return data if reply else self._header + data

    def reader(self, *, reply: bool, inline: int | None = None) -> "StreamReader":
        """What reads a request, or the answer to one. What takes more than `inline` bytes of work is left to others."""
        return StreamReader(
            ring=self._ring,
            label=self._label,
            verify_incoming=self._verify_incoming,
            unpacked_limit=self._unpacked_limit,
            most_entries=self._most_entries,
            reply=reply,
            inline=inline,
        )


class StreamReader:
    """Reads one request or one answer, in pieces of any size.

    answerable      after a fault: whether whoever asked is to be told with an Err
    dropped         why members in a push/pull were passed over
    work            what is left to do when the last byte came, where that was more than `inline` bytes: it returns the
                    exchange or raises Dropped, touches nothing else but `dropped`, and so may run in another thread
    """

    def __init__(
        self,
        *,
        ring: Keyring,
        label: bytes,
        verify_incoming: bool,
        unpacked_limit: int,
        most_entries: int,
        reply: bool,
        inline: int | None,
    ) -> None:
        self.answerable = False
        self.dropped: list[str] = []
        self.work: Callable[[], Exchange] | None = None
        self._ring = ring
        self._label = label
        self._verify_incoming = verify_incoming
        self._unpacked_limit = unpacked_limit
        self._most_entries = most_entries
        self._reply = reply
        self._inline = inline
        self._incoming = Incoming()
        self._needed = 1
        self._ended = False
        self._steps = self._read()

    def feed(self, data: bytes) -> Exchange | None:
        """More bytes came. The exchange when it is complete; what follows it is ignored. Raises Dropped."""
        if self._ended:
            return None
        self._incoming.add(data)
        try:
            while self._incoming.unread >= self._needed:
                self._needed = next(self._steps)
        except StopIteration as done:
            self._end()
            exchange: Exchange | None = done.value
            return exchange
        except Dropped as fault:
            self.answerable = fault.answerable
            self._end()
            raise
        return None

    def _end(self) -> None:
        self._ended = True
        self._incoming.clear()

    def _read(self) -> Steps[Exchange | None]:
        if not self._reply:
            yield from self._read_label()
        kind = yield from self._incoming.peek()
        if kind == Type.ENCRYPT:
            return (yield from self._read_sealed())
        if self._ring.keys and self._verify_incoming:
            raise self._fault("plaintext")
        if kind == Type.COMPRESS:
            return (yield from self._read_packed())
        return (yield from self._exchange(self._incoming))

    def _read_label(self) -> Steps[None]:
        """Each byte is looked at when it comes: a shorter label than ours may be all that ever does."""
        kind = yield from self._incoming.peek()
        if (kind == Type.LABEL) != bool(self._label):
            raise Dropped("label")
        for expected in labels.header(self._label):
            if (yield from self._incoming.take(1))[0] != expected:
                raise Dropped("label")

    def _read_sealed(self) -> Steps[Exchange | None]:
        head = yield from self._incoming.take(1 + _LENGTH)
        keys = self._ring.keys
        if not keys:
            raise self._fault("encrypted")
        length = int.from_bytes(head[1:], "big")
        if length > LONGEST_ENVELOPE:
            raise self._fault("oversized")
        envelope = yield from self._incoming.take(length)
        # No partial here: its repr would show the keys.
        return self._done(lambda limit: self._unseal(keys, envelope, head + self._label, limit), length)

    def _read_packed(self) -> Steps[Exchange | None]:
        try:
            kind = yield from self._incoming.take(1)
            message = kind + (yield from self._incoming.take_value(LONGEST_PACKED))
        except Dropped as fault:
            raise self._fault(fault.reason) from None
        return self._done(lambda limit: self._unwrap(message, limit), len(message))

    def _done(self, work: Callable[[int], Exchange], length: int) -> Exchange | None:
        """Do what is left to do, given the limit of unpacking; or leave it in `work` if it turns out to be much."""
        if self._inline is None:
            return work(self._unpacked_limit)
        if length <= self._inline:
            try:
                return work(min(self._inline, self._unpacked_limit))
            except Dropped as fault:
                if fault.reason != "bomb" or self._inline >= self._unpacked_limit:
                    raise
        self.work = partial(work, self._unpacked_limit)
        return None

    def _unseal(self, keys: tuple[bytes, ...], envelope: bytes, extra: bytes, limit: int) -> Exchange:
        try:
            plain = crypto.unseal(keys, envelope, extra=extra)
        except Dropped as fault:
            raise self._fault(fault.reason) from None
        return self._unwrap(plain, limit)

    def _unwrap(self, data: bytes, limit: int) -> Exchange:
        if data[0] == Type.COMPRESS:
            try:
                data = unpack(data, 1, limit)
            except Dropped as fault:
                raise self._fault(fault.reason) from None
        return finish(self._exchange(Incoming(data, whole=True)))

    def _exchange(self, incoming: Incoming) -> Steps[Exchange]:
        return read_exchange(incoming, reply=self._reply, most_entries=self._most_entries, dropped=self.dropped)

    def _fault(self, reason: str) -> Dropped:
        """What could not be unwrapped. Only a request is answered."""
        return Dropped(reason, answerable=not self._reply)
