"""The connections of a classic client to one broker, one after the other: dial, log in, read, wait, dial again.

A silent connection is not given up because a ping stays unanswered: a broker that is full doesn't read, and what was
sent to it would be sent once more, and stored twice. Instead somebody knocks at its port: while it opens, the broker is
there.
"""

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import Awaitable
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed, WebSocketException

from kapokmq.core.client.classic.session import Entrance
from kapokmq.core.client.errors import ClientError, Unreachable, Untrusted, WrongKey
from kapokmq.core.errors import PeerError

HEARTBEAT = 20.0  # seconds of silence before somebody knocks
_KNOCK = 10.0  # seconds that the port may take
_FIRST_WAIT = 1.0  # seconds at most; later ones are CheckTime
_WRONG_KEY_WAIT = 60.0  # seconds; more guesses in a row slow down everybody at our address
_CLOSING = 1.0  # seconds that a good-bye may take
_log = logging.getLogger("kapokmq.client")


class Down(Exception):
    """There is no connection."""


class End(Protocol):
    """Who has the link."""

    def opened(self, link: "Link") -> None:
        """The log-in worked."""

    def heard(self, link: "Link", frame: bytes) -> Awaitable[None] | None:
        """A frame came. What is given is awaited before the next is read."""

    def ended(self, link: "Link", code: int | None, reason: str) -> None:
        """The connection has ended: its close code, None if there was none."""

    def failed(self, link: "Link") -> None:
        """There was none: `link.error` says why."""


class Link:
    """`run` lasts until `close`, or until the key is wrong, unless it is `stubborn`."""

    def __init__(
        self, url: str, key: str, end: End, *, tls: ssl.SSLContext, check_time: float, patience: float, stubborn: bool
    ) -> None:
        self.url = url
        self._key = key
        self._end = end
        self._tls = tls if url.startswith("wss:") else None
        self._check_time = check_time
        self._patience = patience
        self._stubborn = stubborn
        self._socket: ClientConnection | None = None
        self._over = asyncio.Event()
        self._heard = False
        self._task = asyncio.create_task(self._run())
        self.tried: asyncio.Future[ClientError | None] = (
            asyncio.get_running_loop().create_future()
        )  # None or an error, after the first try
        self.error: ClientError | None = None  # why the last try failed; None since one worked

    @property
    def live(self) -> bool:
        """Whether there is a connection that has logged in."""
        return self._socket is not None

    @property
    def wrong_key(self) -> bool:
        """Whether it was given up because of its key."""
        return isinstance(self.error, WrongKey) and not self._stubborn

    async def first(self) -> None:
        """Wait for the first try. Raises WrongKey, Untrusted, Unreachable."""
        error = await self.tried
        if error is not None:
            raise error

    async def send(self, text: bytes) -> None:
        """Write a text frame. Raises Down. Who is cancelled has written it, and would have waited for room."""
        if self._socket is None:
            raise Down
        try:
            await self._socket.send(text, text=True)
        except ConnectionClosed:
            raise Down from None

    async def close(self) -> None:
        """End the connection, and dial no more."""
        self._over.set()
        if self._socket is not None:
            await self._socket.close()
        self._task.cancel()
        await asyncio.wait([self._task])

    # ------------------------------------------------------------------------------------------------ the loop

    async def _run(self) -> None:
        try:
            while not self._over.is_set():
                lost = await self._try()
                if self.wrong_key:
                    return
                if not self._over.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._wait(lost=lost)):
                            await self._over.wait()
        finally:
            self._tell(Unreachable(f"{self.url}: was closed"))

    def _wait(self, *, lost: bool) -> float:
        if lost:  # the first wait is short, and not the same for all
            return random.random() * min(_FIRST_WAIT, self._check_time)  # noqa: S311 -- spreads, protects nothing
        return max(_WRONG_KEY_WAIT, self._check_time) if isinstance(self.error, WrongKey) else self._check_time

    async def _try(self) -> bool:
        """One connection, from its beginning to its end. Whether there was one."""
        lost = False
        try:
            async with dial(
                self.url,
                ssl=self._tls,
                compression=None,
                proxy=None,
                max_size=None,  # the original pushes whatever it was sent
                open_timeout=self._patience,
                ping_interval=None,
                close_timeout=_CLOSING,
            ) as connection:
                await self._log_in(connection)
                lost = True
                code, reason = await self._connection(connection)
                level = logging.INFO if self._over.is_set() else logging.WARNING  # Python hides the former
                _log.log(level, "%s: lost: %s %s", self.url, code, reason)
        except WrongKey as error:
            self._failed(error)
        except ssl.SSLCertVerificationError as error:
            self._failed(Untrusted(str(error)))
        except (OSError, WebSocketException, PeerError, EOFError, UnicodeError) as error:
            self._failed(Unreachable(f"{self.url}: {type(error).__name__}: {error}"))
        return lost

    async def _log_in(self, connection: ClientConnection) -> None:
        entrance = Entrance(self._key)
        async with asyncio.timeout(self._patience):
            while not entrance.open:
                answer = entrance.received(await connection.recv(decode=False))
                if answer is not None:
                    await connection.send(answer)

    async def _connection(self, connection: ClientConnection) -> tuple[int | None, str]:
        self._socket, self.error = connection, None
        keep_alive(connection)
        watch = asyncio.create_task(self._watch(connection))
        code, reason = None, "cancelled"
        try:
            self._end.opened(self)
            self._tell(None)
            _log.info("%s: connected", self.url)
            code, reason = await self._read(connection)
        finally:
            watch.cancel()
            self._socket = None
            self._end.ended(self, code, reason)
        return code, reason

    async def _read(self, connection: ClientConnection) -> tuple[int | None, str]:
        """Read until the end. Gives the close code and the reason."""
        try:
            while True:
                frame = await connection.recv(decode=False)
                self._heard = True
                wait = self._end.heard(self, frame)
                if wait is not None:
                    await wait
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd is not None else (None, "no close frame")
        except PeerError as error:
            return None, str(error)

    async def _watch(self, connection: ClientConnection) -> None:
        """Find out when the broker is gone although nobody has said so."""
        place = urlsplit(self.url)
        while True:
            self._heard = False
            await asyncio.sleep(HEARTBEAT)
            if self._heard:
                continue
            with contextlib.suppress(ConnectionClosed):
                await connection.ping()  # so that nobody in between takes it for idle
            if not await knock(place.hostname or "", place.port or 0):
                _log.warning("%s: does not answer", self.url)
                connection.transport.abort()

    def _failed(self, error: ClientError) -> None:
        self.error = error
        # The rest was told when the connection was lost, or is raised.
        _log.log(logging.INFO if isinstance(error, Unreachable) else logging.WARNING, "%s", error)
        self._tell(error)
        self._end.failed(self)

    def _tell(self, outcome: ClientError | None) -> None:
        if not self.tried.done():
            self.tried.set_result(outcome)


async def knock(host: str, port: int) -> bool:
    """Whether a port opens."""
    try:
        async with asyncio.timeout(_KNOCK):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def keep_alive(connection: ClientConnection) -> None:
    """Have the kernel ask, where a connection is idle, whether the other's is still there."""
    sock = connection.transport.get_extra_info("socket")
    for option, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
