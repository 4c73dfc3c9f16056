"""The conversation that every v2 connection begins with: `hello` and the key, against the clock."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kapokmq.core.codec.rejected import Rejected, rejected
from kapokmq.core.codec.v2 import BATCH, MOST_ACKED, MOST_CREDIT, MOST_NACKED, Hello, Op, decode, longest_frame
from kapokmq.core.codec.v2_answers import Limits, encode_error, encode_welcome
from kapokmq.core.codec.v2_drafts import LONGEST_HEADERS, MOST_HEADERS, given
from kapokmq.core.engine import Engine
from kapokmq.core.errors import BadEncoding, PeerError, WorldError, WrongKey
from kapokmq.core.session.login import Login
from kapokmq.core.session.v2 import SUBSCRIPTIONS, UNCONFIRMED
from kapokmq.protocols.classic import Visitor, refuse
from kapokmq.protocols.connections import Connections
from kapokmq.protocols.v2 import Numbered, V2Conversation
from kapokmq.protocols.websocket import Limit, WebSocketConnection
from serena.web.wrong_keys import WrongKeys

LONGEST_HELLO = 16 * 1024  # bytes
MOST_REFUSED = 20  # frames before hello
_HELLO_LIMIT = Limit(LONGEST_HELLO, f"hello: longer than {LONGEST_HELLO} bytes")


class Terms(NamedTuple):
    """What a node says of itself to v2 clients. `durable` is what it promises of an ack, `message_bytes` of text."""

    node: str
    version: str
    durable: str
    message_bytes: int

    @property
    def limits(self) -> Limits:
        """How much it takes."""
        return Limits(
            message_bytes=self.message_bytes,
            batch=BATCH,
            frame_bytes=longest_frame(self.message_bytes),
            credit=MOST_CREDIT,
            headers=MOST_HEADERS,
            header_bytes=LONGEST_HEADERS,
            subscriptions=SUBSCRIPTIONS,
            unconfirmed=UNCONFIRMED,
            ack_codes=MOST_ACKED,
            nack_codes=MOST_NACKED,
        )


class V2Entrance:
    """Lets a visitor in who has the key. `header` is the key of the handshake, for who gives none in `hello`."""

    _log = Logger()
    bears_silence = True  # the log-in has a clock of its own
    settled = True

    def __init__(  # noqa: PLR0913 -- each is a part of the node, all by name
        self,
        wire: WebSocketConnection,
        visitor: Visitor,
        *,
        terms: Terms,
        login: Login,
        header: bytes | None,
        engine: Engine,
        clock: IReactorTime,
        connections: Connections,
        wrong_keys: WrongKeys,
    ) -> None:
        self._wire = wire
        self._visitor = visitor
        self._terms = terms
        self._login = login
        self._header = header
        self._engine = engine
        self._clock = clock
        self._connections = connections
        self._wrong_keys = wrong_keys
        self._frames: deque[bytes] = deque()
        self._refused = 0
        self._waiting = False
        self._over = False
        self._held: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None

    def begin(self) -> None:
        """Wait for the client."""
        self._wire.allow(_HELLO_LIMIT)
        self._deadline = self._clock.callLater(self._login.deadline - self._clock.seconds(), self._out_of_time)

    def received(self, frames: list[bytes]) -> None:
        """Read frames, each when the one before it is answered."""
        self._frames.extend(frames)
        self._read_on()

    def _read_on(self) -> None:
        while self._frames and not self._waiting and not self._over and not self._wire.stalled:
            try:
                asked = decode(self._frames.popleft(), self._terms.message_bytes)
                if not isinstance(asked, Hello):
                    raise _too_early(asked)
            except Rejected as fault:
                self._refuse(fault)
            except BadEncoding as fault:
                refuse(self._wire, self._visitor, fault, self._log)
            else:
                self._greet(asked)

    def _refuse(self, fault: Rejected) -> None:
        """Answer what is no hello, so many times."""
        self._refused += 1
        self._wire.write(encode_error(fault))
        if self._refused == MOST_REFUSED:
            refuse(self._wire, self._visitor, WrongKey(f"no hello in {MOST_REFUSED} frames"), self._log)

    def _greet(self, hello: Hello) -> None:
        """Look at the key."""
        guess = given(hello.key) or given(hello.token)
        key = self._header if guess is None else guess.encode()
        if key is None or not self._login.matches(key):
            self._pause(self._wrong_keys.delay(self._visitor.ip), lambda: self._rebuff(hello))
            return
        self._stop()
        self._wire.allow(_limit(self._terms))
        name = given(hello.session)
        if name is None:
            self._welcome(hello, None)
        else:
            self._hold()
            Deferred.fromCoroutine(self._open(hello, name))

    # ------------------------------------------------------------------------------------------------ wrong key

    def _pause(self, wait: float, then: Callable[[], None]) -> None:
        """Do that later, and read nothing meanwhile; or now."""
        if wait <= 0:
            then()
            return
        self._hold()
        self._held = self._clock.callLater(wait, self._go_on, then)

    def _go_on(self, then: Callable[[], None]) -> None:
        then()
        self._let_go()

    def _rebuff(self, hello: Hello) -> None:
        """Answer a wrong key."""
        fault = self._login.rebuff().fault
        self._wire.write(encode_error(rejected(WrongKey("key: wrong or missing"), request=given(hello.id))))
        if fault is not None:
            refuse(self._wire, self._visitor, fault, self._log)

    # -------------------------------------------------------------------------------------------------- session

    async def _open(self, hello: Hello, name: str) -> None:
        """Have the session opened, which the first publish may need."""
        try:
            handle = await self._engine.open_session(name)
        except Exception as fault:  # noqa: BLE001 -- a bug is told as one, and the client may try again
            if not isinstance(fault, (PeerError, WorldError)):
                self._log.failure("a v2 session can't be opened")
            self._wire.write(encode_error(rejected(fault, request=given(hello.id))))
            self._let_go()
            return
        if self._over:
            self._engine.close_session(handle)
        else:
            self._welcome(hello, Numbered(name, handle))

    def _welcome(self, hello: Hello, numbered: Numbered | None) -> None:
        """Leave the rest to the conversation that the visitor came for."""
        wire, terms = self._wire, self._terms
        self._over = True
        visitor = self._visitor._replace(id=given(hello.name) or "")
        inside = V2Conversation(
            wire,
            visitor,
            self._engine,
            longest=terms.message_bytes,
            durable=terms.durable,
            numbered=numbered,
        )
        wire.eager = False
        wire.converse(inside)
        wire.write(encode_welcome(terms.version, terms.node, terms.limits, given(hello.id), given(hello.session)))
        inside.begin()
        inside.number = self._connections.welcomed(wire, inside, visitor.id, visitor.ip)
        wire.go_on_reading()
        if self._frames:
            inside.received(list(self._frames))

    # --------------------------------------------------------------------------------------------------- the end

    def _hold(self) -> None:
        self._waiting = True
        self._wire.stop_reading()

    def _let_go(self) -> None:
        self._waiting = False
        self._resume()

    def _resume(self) -> None:
        """Read on, once nothing is waited for and the client takes its answers."""
        if not self._waiting and not self._wire.stalled:
            self._wire.go_on_reading()
            self._read_on()

    def _out_of_time(self) -> None:
        refuse(self._wire, self._visitor, self._login.out_of_time(), self._log)

    def _stop(self) -> None:
        for timer in (self._held, self._deadline):
            if timer is not None and timer.active():
                timer.cancel()

    def stalled(self) -> None:
        """Read nothing more: what is read is answered."""
        self._wire.stop_reading()

    def drained(self) -> None:
        """Read on."""
        self._resume()

    def closing(self) -> None:
        """There is nothing to be given back."""

    def ended(self) -> None:
        """Nobody came in."""
        self._over = True
        self._stop()


def _too_early(asked: Op) -> Rejected:
    """Say that something was asked for before hello."""
    return Rejected("hello: comes first", "helloFirst", request=given(asked.id), sub=getattr(asked, "sub", None))


def _limit(terms: Terms) -> Limit:
    """How long frames may be, once the client is in."""
    longest = longest_frame(terms.message_bytes)
    return Limit(longest, f"frame: longer than {longest} bytes")
