"""One v2 connection, once it was welcomed: what it asks for, what it is subscribed to, what it is owed.

    frames in ─▶ receive ─▶ ops, for the engine ─▶ confirmed, joined, answered, refused … ─▶ take ─▶ frames out

A **subscription** goes by the id of the request that made it:

    JOINING    the engine has not said yet whether it may be; the client may use it already
    LIVE       messages flow
    LEAVING    the client wants it no more, and the engine has not answered yet
    DISMISSED  the engine ended it before it answered

and is forgotten after that: its id may be used again. An op on another sub is refused with `unknownSub`.

A client is **owed** an answer for each publish until it is confirmed or refused, and for each ack that is to be told
when it is durable. With so many of these, or so many answers that it has not read, it is **busy**, and nothing more is
to be read from it. Confirmations are kept as receipts until they are taken, so a client that doesn't read costs little.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum

from kapokmq.core.codec.places import places
from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.codec.v2 import Asked, Credit, Hello, Op, Publish, Settling, Subscribe, Touch, Unsubscribe, decode
from kapokmq.core.codec.v2_answers import encode_drain, encode_error, encode_ok, encode_receipt
from kapokmq.core.codec.v2_drafts import given
from kapokmq.core.errors import BadEncoding, TooMany
from kapokmq.core.peers import Receipt

SUBSCRIPTIONS = 1_000
UNCONFIRMED = 1_000  # publishes and acks
_UNREAD = 1 << 20  # bytes of answers


class Stage(Enum):
    """How far a subscription has come."""

    JOINING = 0
    LIVE = 1
    LEAVING = 2
    DISMISSED = 3


class V2Session:
    """Frames in, ops out; results in, frames out. `longest` is a message's text in bytes.

    `durable` is what the node promises of an ack: "memory", "interval" or "fsync". `fault` is why the connection can't
    go on, once that is so. `published` counts messages stored.
    """

    def __init__(self, longest: int, durable: str) -> None:
        self._longest = longest
        self._durable = durable
        self._stages: dict[int, Stage] = {}
        self._leaves: dict[int, int] = {}  # which request wants a subscription to be left
        self._out: deque[bytes | Receipt] = deque()
        self._unread = 0
        self._owed = 0
        self.fault: BadEncoding | None = None
        self.published = 0

    # ---------------------------------------------------------------------------------------------------- in

    def receive(self, frames: Sequence[bytes]) -> Iterator[Asked]:
        """Read frames, each when the op before it has been carried out. What can't be is answered here."""
        for frame in frames:
            try:
                asked = self._admitted(decode(frame, self._longest))
            except Rejected as fault:
                self._say(encode_error(fault))
            except BadEncoding as fault:
                self.fault = fault
                return
            else:
                yield asked

    def _admitted(self, asked: Op) -> Asked:
        """Note what is asked for. Raises Rejected."""
        if isinstance(asked, Hello):
            raise Rejected("hello: was said before", request=given(asked.id))
        if isinstance(asked, Publish):
            self._owed += 1
        elif isinstance(asked, Subscribe):
            self._admit_subscription(asked.id)
        elif self._stages.get(asked.sub) not in {Stage.JOINING, Stage.LIVE}:
            text = f"sub: there is no subscription {asked.sub}"
            raise Rejected(text, "unknownSub", request=given(asked.id), sub=asked.sub)
        elif isinstance(asked, Settling) and self._is_owed(asked):
            self._owed += 1
        return asked

    def _admit_subscription(self, sub: int) -> None:
        if sub in self._stages:
            raise Rejected(f"id: subscription {sub} is there already", "subTaken", request=sub)
        if len(self._stages) >= SUBSCRIPTIONS:
            raise Rejected(f"there are {SUBSCRIPTIONS} subscriptions", TooMany.name, request=sub)
        self._stages[sub] = Stage.JOINING

    @staticmethod
    def _is_owed(asked: Settling) -> bool:
        """Whether an answer is due that takes a commit."""
        return given(asked.id) is not None and not isinstance(asked, Touch)

    # ----------------------------------------------------------------------------------------------- results

    def confirmed(self, receipts: Sequence[Receipt]) -> None:
        """These publishes are stored."""
        self._owed -= len(receipts)
        self._out.extend(receipts)
        for receipt in receipts:
            if not receipt.resent:
                self.published += receipt.count - len(receipt.duplicates or ())

    def abandoned(self, receipts: Sequence[Receipt], reason: Exception) -> None:
        """These publishes are not stored."""
        self._owed -= len(receipts)
        for receipt in receipts:
            self._say(encode_error(rejected(reason, request=receipt.reference)))

    def refused(self, asked: Asked, reason: Exception) -> None:
        """The engine won't, or we can't."""
        if isinstance(asked, Subscribe):
            self._not_joined(asked.id, reason)
        elif isinstance(asked, Publish):
            self._owed -= 1
            self._say(encode_error(rejected(reason, request=asked.id)))
        else:
            if isinstance(asked, Settling) and self._is_owed(asked):
                self._owed -= 1
            self._say(encode_error(rejected(reason, request=given(asked.id), sub=asked.sub)))

    def joined(self, sub: int) -> Stage:
        """The engine made the client a member. Gives what became of that meanwhile: LIVE, or it is to be left."""
        stage = self._stages.pop(sub)
        if stage is Stage.DISMISSED:
            return stage
        self._say(encode_ok(sub))
        if stage is Stage.LEAVING:
            self._left(sub)
            return stage
        self._stages[sub] = Stage.LIVE
        return Stage.LIVE

    def _not_joined(self, sub: int, reason: Exception) -> None:
        stage = self._stages.pop(sub)
        if stage is not Stage.DISMISSED:
            self._say(encode_error(rejected(reason, request=sub, sub=sub)))
            self._left(sub)

    def left(self, asked: Unsubscribe) -> None:
        """The client wants a subscription no more. While it joins, both answers come together."""
        request = given(asked.id)
        if request is not None:
            self._leaves[asked.sub] = request
        if self._stages[asked.sub] is Stage.JOINING:
            self._stages[asked.sub] = Stage.LEAVING
        else:
            del self._stages[asked.sub]
            self._left(asked.sub)

    def _left(self, sub: int) -> None:
        request = self._leaves.pop(sub, None)
        if request is not None:
            self._say(encode_ok(request))

    def dismissed(self, sub: int, reason: Exception) -> None:
        """The engine ended a subscription."""
        stage = self._stages.pop(sub)
        if stage is Stage.LIVE:
            self._say(encode_error(rejected(reason, sub=sub)))
        else:
            self._say(encode_error(rejected(reason, request=sub, sub=sub)))
            self._left(sub)
            self._stages[sub] = Stage.DISMISSED

    def answered(self, asked: Credit | Settling, unknown: Sequence[str] = ()) -> None:
        """An op is carried out, as durable as it has to be. `unknown` are those of its codes that nobody held."""
        request = given(asked.id)
        if isinstance(asked, Settling) and self._is_owed(asked):
            self._owed -= 1
        if request is None:
            return
        if isinstance(asked, Credit):
            self._say(encode_ok(request))
        elif isinstance(asked, Touch):
            self._say(encode_ok(request, unknown=places(asked.codes, unknown)))
        else:
            self._say(encode_ok(request, durable=self._durable, unknown=places(asked.codes, unknown)))

    def drain(self, reason: str) -> None:
        """The node stops."""
        self._say(encode_drain(reason))

    # --------------------------------------------------------------------------------------------------- out

    def _say(self, frame: bytes) -> None:
        self._out.append(frame)
        self._unread += len(frame)

    @property
    def ready(self) -> bool:
        """Whether there are answers to be taken."""
        return bool(self._out)

    def take(self, most: int) -> bytes:
        """Give answers to be written: one, and more up to so many bytes."""
        taken: list[bytes] = []
        size = 0
        while self._out and (not taken or size < most):
            answer = self._out.popleft()
            if isinstance(answer, Receipt):
                frame = encode_receipt(answer)
            else:
                frame = answer
                self._unread -= len(frame)
            taken.append(frame)
            size += len(frame)
        return b"".join(taken)

    @property
    def busy(self) -> bool:
        """Whether nothing more is to be read for now."""
        return self._owed + len(self._out) >= UNCONFIRMED or self._unread >= _UNREAD

    @property
    def settled(self) -> bool:
        """Whether the client has got all the answers that it is due."""
        return not self._owed and not self._out
