"""WebSocket connections: Autobahn's protocol, with an end that the peer gets to see.

frame_reader.py says how messages are found. What differs from Autobahn here:

- A connection ends in steps (`ending.py`). Autobahn's own ending would refuse most codes, and reset the socket
  while the close frame is on its way.
- What is refused is told in our words: which limit it was, and of what.
- A message has 60 s from its first byte to its last.
- Timers run on the clock that is handed in; Autobahn's are switched off, because they use the process's reactor.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.interfaces import IPushProducer, IReactorTime, ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kapokmq.core.codec.frames import close_payload, is_utf8
from kapokmq.protocols.conversation import Conversation
from kapokmq.protocols.direct import write_through
from kapokmq.protocols.ending import Ending, Phase, may_be_sent
from kapokmq.protocols.factory import WebSocketFactory
from kapokmq.protocols.frame_reader import TOO_BIG, FrameReader
from kapokmq.protocols.heartbeat import PONG_WITHIN, Heartbeat
from kapokmq.protocols.patience import ENDED_WITHIN, Patience

PROTOCOL_ERROR, BAD_PAYLOAD, POLICY, INTERNAL_ERROR = 1002, 1007, 1008, 1011
_PING = b"\x89\x00"  # final, without a payload

# Autobahn sees only what we have checked already: no extensions, no subprotocols, no origin.
_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: kapokmq\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n"
)


class Limit(NamedTuple):
    """How long messages may be, in bytes, and what is said of longer ones."""

    longest: int
    reason: str


@implementer(IPushProducer)
class WebSocketConnection(FrameReader):
    """One connection. `stalled` while the transport takes nothing more."""

    _log = Logger()
    _conversation: Conversation
    transport: Any

    def __init__(
        self, factory: WebSocketFactory, clock: IReactorTime, gone: Callable[["WebSocketConnection"], None]
    ) -> None:
        super().__init__(factory)
        self._gone = gone
        self._answers = False
        self.stalled = False
        self._clock = clock
        self._ending = Ending(clock, settled=self._is_settled, goodbye=self._say_goodbye, cut=self.abort)
        self._reading = True
        self._unanswered: bytes | None = None
        self._close = b""
        self._subprotocol = b""
        self._too_long = ""
        self._heartbeat = Heartbeat(clock, ping=self._send_ping, unanswered=self._silent)
        self._patience = Patience(clock, self._unended)

    # ------------------------------------------------------------------------------------------------- beginning

    def begin(self, conversation: Conversation, key: bytes, early: bytes, subprotocol: bytes = b"") -> None:
        """Answer the upgrade and begin. `early` came behind the request already. The transport is ours by now."""
        self._conversation = conversation
        self._subprotocol = subprotocol
        super().dataReceived(_HANDSHAKE % key)
        self.transport.registerProducer(self, True)  # noqa: FBT003 -- Twisted's signature
        self._heartbeat.start()
        conversation.begin()
        if early:
            self.dataReceived(early)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:  # noqa: FBT001, FBT002
        """Write, and nothing else. The upgrade's answer is spelt as the original's."""
        if self.state == self.STATE_CONNECTING:
            data = data.replace(b"Upgrade: WebSocket", b"Upgrade: websocket", 1)
            if self._subprotocol:
                data = data.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: %b\r\n\r\n" % self._subprotocol, 1)
        self.transport.write(data)

    def converse(self, conversation: Conversation) -> None:
        """Talk about something else from the next message on."""
        self._conversation = conversation

    def allow(self, limit: Limit) -> None:
        """Take messages up to a limit."""
        self.maxMessagePayloadSize, self._too_long = limit

    # --------------------------------------------------------------------------------------------------- reading

    def dataReceived(self, data: bytes) -> None:
        """Read, and hand on what was found."""
        if self._ending.phase is not Phase.OPEN:
            return
        self._heartbeat.heard()
        try:
            self._read(data)
            self._hand_on()
            self._look_at_the_rest()
        except Exception:  # noqa: BLE001 -- a bug of ours: the peer is told, the log gets the traceback
            self._log.failure("a WebSocket connection failed")
            self.close(INTERNAL_ERROR, "internal error")

    def _look_at_the_rest(self) -> None:
        """See whether the read ended within a frame or a message."""
        if self._ending.phase is not Phase.OPEN:
            return
        if self._is_between:
            self._patience.ended()
        elif self._whole or not self._patience.waiting:
            self._patience.begun()

    def _unended(self) -> None:
        """A message was begun and not ended."""
        self._hand_on()
        self._log.info("{peer} does not go on with its message", peer=self.peer)
        self.close(POLICY, f"a message that does not end within {ENDED_WITHIN:g} s")

    def _hand_on(self) -> None:
        if self._frames:
            frames, self._frames = self._frames, []
            self._conversation.received(frames)

    @property
    def _is_open(self) -> bool:
        return self._ending.phase is Phase.OPEN

    def stop_reading(self) -> None:
        """Take nothing more for now. What is read already still comes."""
        if self._ending.phase is Phase.OPEN and self._reading:
            self._reading = False
            self._heartbeat.stop()
            self._patience.pause()
            self.transport.pauseProducing()

    def go_on_reading(self) -> None:
        """Take more."""
        if not self._reading and self._ending.phase is not Phase.GONE:
            self._reading = True
            self.transport.resumeProducing()
            if self._ending.phase is Phase.OPEN:
                self._heartbeat.start()
                self._patience.go_on()

    # --------------------------------------------------------------------------------------------------- writing

    def write(self, data: bytes) -> None:
        """Write frames, while that makes sense."""
        phase = self._ending.phase
        if phase is Phase.OPEN or phase is Phase.SETTLING:
            write_through(self.transport, data)

    def pauseProducing(self) -> None:
        """The transport holds as much as it wants to."""
        if not self.stalled:
            self.stalled = True
            self._conversation.stalled()

    def resumeProducing(self) -> None:
        """The transport takes bytes again."""
        self.stalled = False
        if self._unanswered is not None:
            payload, self._unanswered = self._unanswered, None
            self.sendPong(payload)
        self._conversation.drained()

    def stopProducing(self) -> None:
        """The transport is gone, which connectionLost tells as well."""

    def onPing(self, payload: bytes) -> None:
        """Answer. Of pings that come while the transport takes nothing only the last is, as RFC 6455, 5.5.3 allows."""
        if self.stalled:
            self._unanswered = payload
        else:
            self.sendPong(payload)

    def onPong(self, payload: bytes) -> None:
        """The peer is one that answers pings."""
        self._answers = True

    def _send_ping(self) -> None:
        self.write(_PING)

    def _silent(self) -> None:
        """A ping was not answered."""
        if self._answers or not self._conversation.bears_silence:
            self.close(POLICY, f"no answer to a ping within {PONG_WITHIN:g} s")

    # ---------------------------------------------------------------------------------------------------- ending

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> None:
        """The peer says goodbye: answer with its code, after what it is still due. See `_fail_connection`."""
        if code is not None and not may_be_sent(code):
            self._fail_connection(PROTOCOL_ERROR, f"invalid close code {code}")
        elif not is_utf8(reasonRaw or b""):
            self._fail_connection(BAD_PAYLOAD, "invalid close reason: not UTF-8")
        else:
            self._hand_on()
            self.close(code, "")

    def _fail_connection(self, code: int = PROTOCOL_ERROR, reason: str = "") -> None:
        """The peer broke the protocol. Autobahn comes here with whatever it finds wrong; what came before counts."""
        self._hand_on()
        if self._ending.phase is Phase.OPEN:
            self._log.info(
                "{peer} broke the WebSocket protocol: {code} {reason}", peer=self.peer, code=code, reason=reason
            )
        self.close(code, reason)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        """Say in our words that a message is too long."""
        self._fail_connection(TOO_BIG, self._too_long)

    def _invalid_payload(self, reason: str) -> bool:
        """Say in our words that a text is not UTF-8; there is nothing else that Autobahn looks for."""
        self._fail_connection(BAD_PAYLOAD, f"not UTF-8 at byte {self.utf8validateLast[3]}")
        return False

    def close(self, code: int | None, reason: str) -> None:
        """Read no more, and say goodbye when everything that the peer is due has been written."""
        if self._ending.phase is not Phase.OPEN:
            return
        self._close = close_payload(code, reason)
        self.state = self.STATE_CLOSED  # for Autobahn, which then looks at nothing more
        self.failedByMe = True
        self._frames = []
        self._heartbeat.stop()
        self._patience.stop()
        self.go_on_reading()
        self._conversation.closing()
        self._ending.begin()

    def settle(self) -> None:
        """Go on with the end, if one was begun and nothing is left to be written."""
        self._ending.settle()

    def _is_settled(self) -> bool:
        return self._conversation.settled

    def _say_goodbye(self) -> None:
        self._conversation.ended()
        self.sendFrame(opcode=8, payload=self._close)
        self.transport.unregisterProducer()
        half_close = getattr(self.transport, "loseWriteConnection", None)
        if half_close is None or ISSLTransport.providedBy(self.transport):
            self.transport.loseConnection()
        else:
            half_close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._ending.phase is not Phase.GONE:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, whoever wanted it."""
        before = self._ending.gone()
        self._heartbeat.stop()
        self._patience.stop()
        if before in {Phase.OPEN, Phase.SETTLING}:
            self._conversation.ended()
        super().connectionLost(reason)
        self._gone(self)
