"""The datagrams of a member: one socket receives them all, and sends all, because peers answer where they came from."""

import socket
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.protocol import DatagramProtocol

from serena.core.swim.messages import Address
from serena.transports.addresses import address_of, unpacked, wrapped
from serena.transports.admission import Admission

RECEIVE_BUFFER = 2 << 20  # bytes: what may wait in the kernel while a turn of the reactor takes long


class Datagrams(DatagramProtocol):
    """Hands what is admitted to `take`. `ipv6` says which family the socket is of."""

    noisy = False

    def __init__(self, admission: Admission, take: Callable[[bytes, Address], None], *, ipv6: bool = False) -> None:
        self.received = self.sent = self.received_bytes = self.sent_bytes = 0
        self._admission = admission
        self._take = take
        self._spell = wrapped if ipv6 else unpacked

    def startProtocol(self) -> None:
        """Ask the kernel for more room, where there is one."""
        with suppress(AttributeError, OSError):
            self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # type: ignore[union-attr]

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Take a datagram, or count it."""
        self.received += 1
        self.received_bytes += len(datagram)
        source = address_of(addr[0], addr[1])
        if self._admission.takes_datagram(source.host, len(datagram)):
            self._take(datagram, source)

    def send(self, datagram: bytes, to: Address) -> None:
        """Send a datagram. What the kernel refuses is lost, as it might be on the way."""
        if self.transport is None:
            return
        try:
            self.transport.write(datagram, (self._spell(to.host), to.port))
        except (OSError, ValueError):  # no route, too long, an address of the other family
            self._admission.dropped["unsendable"] += 1
            return
        self.sent += 1
        self.sent_bytes += len(datagram)

    def connectionRefused(self) -> None:
        """Somebody was not there; his silence is noticed anyway."""
