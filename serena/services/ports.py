"""The two sockets of gossip: TCP, then UDP, on the same port."""

from contextlib import suppress
from typing import Any, NamedTuple

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort

from serena.core.errors import WorldError
from serena.transports.datagram import Datagrams
from serena.transports.stream import Door

TRIES = 10  # with a free port: that of TCP may be somebody's of UDP
LARGEST = 65_536  # bytes of a datagram
_WAITING = 128  # connections that the kernel holds


class Ports(NamedTuple):
    """Both sockets."""

    tcp: IListeningPort
    udp: IListeningPort

    @property
    def number(self) -> int:
        """The port that both have."""
        return int(self.tcp.getHost().port)  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Listen no more."""
        await maybeDeferred(self.tcp.stopListening)
        await maybeDeferred(self.udp.stopListening)


def bind(reactor: Any, door: Door, datagrams: Datagrams, port: int, interface: str) -> Ports:
    """Listen with both. `port` 0 is any that is free for both. Raises WorldError."""
    for left in reversed(range(TRIES if port == 0 else 1)):
        try:
            return _bind(reactor, door, datagrams, port, interface)
        except CannotListenError as error:
            if not left:
                raise WorldError(
                    f"cannot listen on {interface}:{port} ({error.socketError}): stop what listens there, "
                    "or choose another port"
                ) from error
    raise AssertionError("unreachable")  # pragma: no cover


def _bind(reactor: Any, door: Door, datagrams: Datagrams, port: int, interface: str) -> Ports:
    tcp = reactor.listenTCP(port, door, backlog=_WAITING, interface=interface)
    try:
        udp = reactor.listenUDP(tcp.getHost().port, datagrams, interface=interface, maxPacketSize=LARGEST)
    except CannotListenError:
        with suppress(Exception):
            tcp.stopListening()
        raise
    return Ports(tcp, udp)
