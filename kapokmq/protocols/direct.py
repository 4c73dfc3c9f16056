"""Writing to a socket at once.

Twisted keeps what is written until its reactor says that the socket takes bytes: a turn later, and with two system
calls more for each write. Mostly the socket takes all of it now.
"""

from typing import Any

from twisted.internet.tcp import Connection


def write_through(transport: Any, data: bytes) -> None:
    """Write, now as far as the socket takes it, and the rest as ever. So does everything that is no plain socket."""
    if isinstance(transport, Connection) and _is_idle(transport):
        written = transport.writeSomeData(data)
        # Of an error the reactor learns when it tries itself, and tells everybody.
        if isinstance(written, int) and written > 0:
            if written == len(data):
                return
            data = data[written:]
    transport.write(data)


def _is_idle(transport: Any) -> bool:
    """Whether nothing is still to be written, and something may be, as it stands."""
    if transport.TLS:
        return False
    if transport.dataBuffer or transport._tempDataBuffer:  # noqa: SLF001 -- Twisted tells in no other way
        return False
    return bool(transport.connected) and not (transport.disconnecting or transport._writeDisconnecting)  # noqa: SLF001
