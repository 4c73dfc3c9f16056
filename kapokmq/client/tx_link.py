"""The connections of the Twisted client, one after the other: dial, say hello, read and write, wait, dial again."""

import re
from collections.abc import Generator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from twisted.internet import ssl
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint

from kapokmq.client.base import BaseClient
from kapokmq.client.options import Options
from kapokmq.client.tx_wire import Wire, wires
from kapokmq.core.client.errors import Unreachable, Untrusted
from kapokmq.core.errors import BadEncoding

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_WRONG_REQUEST = re.compile(r"upgrade failed \(4\d\d")  # statuses that no later try mends


class Promise:
    """Something that coroutines await. Unlike with a Deferred nobody has to, and its error is nobody's fault."""

    def __init__(self) -> None:
        self._outcome: tuple[Any, Exception | None] | None = None
        self._waiters: tuple[Deferred[None], ...] = ()

    def settle(self, value: Any, error: Exception | None = None) -> None:
        """It is so, or it won't be. Nothing the second time."""
        if self._outcome is None:
            self._outcome = value, error
            for waiter in self._waiters:
                if not waiter.called:  # nor cancelled
                    waiter.callback(None)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._outcome is None:
            waiter: Deferred[None] = Deferred()
            self._waiters += (waiter,)
            yield from waiter.__await__()
        assert self._outcome is not None  # noqa: S101 -- for mypy
        value, error = self._outcome
        if error is not None:
            raise error
        return value


def endpoint_of(reactor: Any, url: str, options: Options) -> IStreamClientEndpoint:
    """Where to connect for a `ws://` or `wss://` URL, trusting whom the options say."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    endpoint = HostnameEndpoint(reactor, host, parts.port or (443 if secure else 80))
    if not secure:
        return endpoint
    trust = None
    if options.ca is not None:
        found = _CERTIFICATE.findall(Path(options.ca).read_text("ascii", "ignore"))
        trust = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(each.encode()) for each in found])
    return wrapClientTLS(ssl.optionsForClientTLS(host, trustRoot=trust), endpoint)


class Link:
    """`run` lasts until `hang_up` for good. `reason` is why the last connection ended, or there was none."""

    def __init__(self, reactor: Any, urls: Sequence[str], options: Options, client: BaseClient) -> None:
        self._reactor = reactor
        self._options = options
        self._client = client
        self._session = client.session
        self._endpoints = cycle(
            [(wires(url, reactor, options, self), endpoint_of(reactor, url, options)) for url in urls]
        )
        self._opening: Wire | None = None
        self._wire: Wire | None = None
        self._dialling: Deferred[Any] | None = None
        self._ended = Promise()
        self._pause = Promise()
        self._over = False
        self._was_up = False
        self._woken: IDelayedCall | None = None
        self._timer: IDelayedCall | None = None
        self.reason = "no connection yet"

    # ------------------------------------------------------------------------------------------- connecting

    async def run(self) -> None:
        """Keep a connection up."""
        while not self._over:
            factory, endpoint = next(self._endpoints)
            self._ended = Promise()
            self._dialling = endpoint.connect(factory)
            try:
                self._opening = cast("Wire", await self._dialling)
            except (ConnectError, DNSLookupError, CancelledError, OSError) as error:
                self.reason = f"{type(error).__name__}: {error}"
                if not (self._was_up or self._over):
                    self._client.not_dialled(error)
            else:
                self._judge(await self._ended)
            if not self._over:
                self._pause = Promise()
                timer = self._reactor.callLater(self._client.went_down(self.reason), self._pause.settle, None)
                await self._pause
                if timer.active():
                    timer.cancel()

    def _judge(self, error: Untrusted | None) -> None:
        """Give up at once on what won't get better, if there never was a connection."""
        if self._was_up:
            return
        if error is not None:
            self._client.end(error)
        elif _WRONG_REQUEST.search(self.reason):
            self._client.end(Unreachable(self.reason))

    def hang_up(self, *, for_good: bool) -> None:
        """End the connection; and dial no more, if it is for good."""
        if for_good:
            self._over = True
            self._pause.settle(None)
            if self._dialling is not None and not self._dialling.called:
                self._dialling.cancel()
        if self._wire is not None:
            self._wire.leave()
        elif for_good and self._opening is not None:
            self._opening.abort()

    def opened(self, wire: Wire) -> None:
        """There is a connection."""
        if self._over:
            wire.leave()
            return
        self._wire, self._was_up = wire, True
        self._session.connected()
        self.wake()

    def heard(self, wire: Wire, frame: bytes) -> None:
        """A frame came."""
        try:
            self._client.heard(frame)
        except BadEncoding as error:
            wire.leave(3002, str(error)[:100])
        except Exception as error:  # noqa: BLE001 -- Autobahn would only log it
            self._client.broken(error)

    def closed(self, reason: str, error: Untrusted | None) -> None:
        """The connection is gone."""
        self._wire = self._opening = None
        self.reason = reason
        for call in (self._woken, self._timer):
            if call is not None and call.active():
                call.cancel()
        self._woken = self._timer = None
        self._ended.settle(error)

    # --------------------------------------------------------------------------------------------- writing

    def wake(self) -> None:
        """There may be something to be written: when this turn is over."""
        if self._woken is None and self._wire is not None:
            self._woken = self._reactor.callLater(0, self._write)

    def _write(self) -> None:
        self._woken = None
        try:
            while self._wire is not None and self._wire.writable and (frames := self._session.take()):
                for frame in frames:
                    self._wire.sendMessage(frame)
        except Exception as error:  # noqa: BLE001 -- the reactor would only log it
            self._client.broken(error)
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        deadline = self._session.deadline()
        if deadline is not None:
            self._timer = self._reactor.callLater(max(0.0, deadline - self._reactor.seconds()), self._due)

    def _due(self) -> None:
        self._session.tick(self._reactor.seconds())
        self.wake()
