"""One connection of the Twisted client: Autobahn's protocol, which forwards frames, and its timers.

Autobahn has timers of its own for the same, which outlive the connection: so they are off.
"""

from typing import Any, Protocol

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from OpenSSL import SSL
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from kapokmq.client.options import LONGEST_FRAME, SUBPROTOCOL, Options
from kapokmq.core.client.errors import Untrusted

_CLOSING = 1.0  # seconds that a good-bye may take
_NO_TIMERS = {
    "openHandshakeTimeout": 0,
    "closeHandshakeTimeout": 0,
    "serverConnectionDropTimeout": 0,
    "autoPingInterval": 0,
    "autoPingTimeout": 0,
}


class Ends(Protocol):
    """Who is told what happens on a wire."""

    def opened(self, wire: "Wire") -> None:
        """It is there."""

    def heard(self, wire: "Wire", frame: bytes) -> None:
        """A frame came."""

    def closed(self, reason: str, error: Untrusted | None) -> None:
        """It is gone."""


class Wire(WebSocketClientProtocol):
    """One connection. Pinged when it was silent for `heartbeat` seconds, given up after as many again."""

    def __init__(self, ends: Ends, reactor: Any, options: Options) -> None:
        super().__init__()
        self._ends = ends
        self._reactor = reactor
        self._options = options
        self._timer: IDelayedCall | None = None
        self._silent = False
        self._why = "the connection was cut"

    def connectionMade(self) -> None:
        """Log-in must not take for ever."""
        self._after(self._options.patience, self._give_up, "no answer to the upgrade")
        super().connectionMade()

    def onOpen(self) -> None:
        """We may speak."""
        self._after(self._options.heartbeat, self._beat)
        self._ends.opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001 -- Autobahn's signature
        """Read a frame."""
        self._silent = False
        self._ends.heard(self, payload)

    def onPong(self, payload: bytes) -> None:
        """It lives."""
        self._silent = False

    @property
    def writable(self) -> bool:
        """Whether frames may be sent."""
        return bool(self.state == self.STATE_OPEN)

    def _beat(self) -> None:
        if self._silent:
            self._give_up("no answer to a ping")
        else:
            self._silent = True
            self.sendPing()
            self._after(self._options.heartbeat, self._beat)

    def leave(self, code: int = 1000, reason: str = "") -> None:
        """Say good-bye."""
        self.sendClose(code, reason)
        self._after(_CLOSING, self._give_up, "no answer to a good-bye")

    def abort(self) -> None:
        """Cut it."""
        self._give_up("the client was closed")

    def _give_up(self, why: str) -> None:
        self._why = why
        transport: Any = self.transport
        transport.abortConnection()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: FBT001 -- likewise
        """Why it ended, if the broker or Autobahn knows."""
        if reason and (wasClean or "upgrade" in reason):
            self._why = f"{code} {reason}"

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The socket is gone. Autobahn says no more of TLS than that."""
        super().connectionLost(reason)
        self._after(None)
        untrusted = Untrusted(str(reason.value)) if reason.check(SSL.Error) is not None else None
        self._ends.closed(str(untrusted or self._why), untrusted)

    def _after(self, seconds: float | None, function: Any = None, *args: str) -> None:
        """Have it called then, and no longer what was to be called."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None if seconds is None else self._reactor.callLater(seconds, function, *args)


def wires(url: str, reactor: Any, options: Options, ends: Ends) -> Any:
    """A factory of connections to an address."""
    factory: Any = WebSocketClientFactory(url, protocols=[SUBPROTOCOL], reactor=reactor)
    factory.setProtocolOptions(maxFramePayloadSize=LONGEST_FRAME, maxMessagePayloadSize=LONGEST_FRAME, **_NO_TIMERS)
    factory.protocol = lambda: Wire(ends, reactor, options)
    factory.noisy = False
    return factory
