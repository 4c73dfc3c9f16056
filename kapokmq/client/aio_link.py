"""The connections of the asyncio client, one after the other: dial, say hello, read and write, wait, dial again."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from itertools import cycle

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from kapokmq.client.base import BaseClient
from kapokmq.client.endurance import caused
from kapokmq.client.options import LONGEST_FRAME, SUBPROTOCOL, Options, tls_context
from kapokmq.core.client.errors import Unreachable, Untrusted
from kapokmq.core.errors import BadEncoding

_WRONG_REQUEST = range(400, 500)  # statuses that no later try mends
_CLOSING = 1.0  # seconds that a good-bye may take


class Link:
    """`run` lasts until `hang_up` for good. `reason` is why the last connection ended, or there was none."""

    def __init__(self, urls: Sequence[str], options: Options, client: BaseClient) -> None:
        self._urls = cycle(urls)
        self._options = options
        self._client = client
        self._session = client.session
        self._tls = tls_context(options) if any(url.startswith("wss:") for url in urls) else None
        self._awake = asyncio.Event()
        self._dialling: asyncio.Task[ClientConnection] | None = None
        self._socket: ClientConnection | None = None
        self._closing: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._was_up = False
        self._timer: asyncio.TimerHandle | None = None
        self.reason = "no connection yet"

    def wake(self) -> None:
        """There may be something to be written."""
        self._awake.set()

    def hang_up(self, *, for_good: bool) -> None:
        """End the connection; and dial no more, if it is for good."""
        if for_good:
            self._over.set()
            if self._dialling is not None:
                self._dialling.cancel()
        if self._socket is not None and self._closing is None:
            self._closing = asyncio.create_task(self._socket.close())

    async def run(self) -> None:
        """Keep a connection up."""
        while not self._over.is_set():
            try:
                self.reason = await self._connection()
            except (OSError, TimeoutError, InvalidHandshake) as error:
                self.reason = f"{type(error).__name__}: {error}"
                self._judge(error)
            if not self._over.is_set():
                wait = self._client.went_down(self.reason)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._over.wait()

    def _judge(self, error: Exception) -> None:
        """Give up at once on what won't get better, if there never was a connection."""
        if self._was_up:
            return
        if isinstance(error, ssl.SSLCertVerificationError):
            self._client.end(caused(Untrusted(str(error)), error))
        elif isinstance(error, InvalidStatus) and error.response.status_code in _WRONG_REQUEST:
            self._client.end(caused(Unreachable(str(error)), error))
        else:
            self._client.not_dialled(error)

    async def _connection(self) -> str:
        """One connection, from its beginning to its end. Gives why it ended."""
        url = next(self._urls)
        opening = dial(
            url,
            ssl=self._tls if url.startswith("wss:") else None,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None,
            max_size=LONGEST_FRAME,
            open_timeout=self._options.patience,
            ping_interval=self._options.heartbeat,
            ping_timeout=self._options.heartbeat,
            close_timeout=_CLOSING,
        )
        self._dialling = asyncio.create_task(opening.__aenter__())
        try:
            socket = await self._dialling
        except asyncio.CancelledError:
            if self._over.is_set():
                return "the client was closed"
            raise
        finally:
            self._dialling = None
        try:
            return await self._talk(socket)
        finally:
            await opening.__aexit__(None, None, None)

    async def _talk(self, socket: ClientConnection) -> str:
        if self._over.is_set():
            return "the client was closed"
        self._socket, self._was_up = socket, True
        self._session.connected()
        self.wake()
        writer = asyncio.create_task(self._write(socket))
        writer.add_done_callback(lambda _: self.hang_up(for_good=False))  # who can't write must not go on reading
        try:
            reason = await self._read(socket)
        finally:
            self._socket = None
            writer.cancel()
            await asyncio.wait([writer])
            self._rearm(None)
            if self._closing is not None:
                await asyncio.wait([self._closing])
                self._closing = None
        if not writer.cancelled() and writer.exception() is not None:
            writer.result()  # what can't be written now never can: to dial again would only repeat it
        return reason

    async def _read(self, socket: ClientConnection) -> str:
        while True:
            try:
                frame = await socket.recv(decode=False)
                self._client.heard(frame)
            except ConnectionClosed as end:
                return "the connection was cut" if end.rcvd is None and end.sent is None else str(end)
            except BadEncoding as error:
                return str(error)

    async def _write(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._awake.wait()
                self._awake.clear()
                while frames := self._session.take():
                    for frame in frames:
                        await socket.send(frame, text=True)
                self._rearm(self._session.deadline())

    def _rearm(self, deadline: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if deadline is None else asyncio.get_running_loop().call_at(deadline, self._due)

    def _due(self) -> None:
        self._session.tick(asyncio.get_running_loop().time())
        self.wake()
