"""Who may ask: where a browser's page comes from, the key, and how often one may be wrong.

The key is in the header `secretKey`, or in `Authorization: Bearer KEY` for tools that know nothing else. Where a
request has both, the first counts.
"""

import re
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.server import Request

from serena.core.secret import Secret
from serena.web.answers import Answer
from serena.web.refusals import NO_KEY, HeldBack, refused

KEY_HEADER = b"secretKey"
BEARER_HEADER = b"Authorization"

_BEARER = re.compile(rb"bearer +(.*)", re.IGNORECASE | re.DOTALL)


class Slowdown(Protocol):
    """Keeps count of wrong keys, by address."""

    def delay(self, address: str) -> float:
        """Count a wrong key, and say how many seconds its answer has to wait."""
        ...

    def held(self, address: str) -> float:
        """How many seconds it takes until a wrong key of this address is answered at once again; 0: it is now."""
        ...


def socket_address(request: Request) -> str:
    """Where the request's connection comes from."""
    return str(getattr(request.getClientAddress(), "host", ""))


def shown_key(request: Request) -> bytes | None:
    """The key that a request shows, right or wrong; None where it shows none."""
    given = request.requestHeaders.getRawHeaders(KEY_HEADER)
    if given:
        return given[0]
    bearer = request.requestHeaders.getRawHeaders(BEARER_HEADER)
    found = _BEARER.fullmatch(bearer[0]) if bearer else None
    return found[1] if found is not None else None


class Guard:
    """The checks that an HTTP face makes before it answers: pages that may not use the node, and the key.

    `foreign` says of a request whether such a page sent it, None where all may. `client_address` is where a request
    comes from, behind whatever proxies are trusted.
    """

    def __init__(
        self,
        secret: Secret,
        *,
        clock: IReactorTime,
        foreign: Callable[[Request], bool] | None = None,
        client_address: Callable[[Request], str] = socket_address,
        slowdown: Slowdown | None = None,
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._slowdown = slowdown
        self._foreign = foreign
        self.client_address = client_address

    def foreign(self, request: Request) -> bool:
        """Whether the request was sent by a page that may not use this node."""
        return self._foreign is not None and self._foreign(request)

    def holds_key(self, request: Request) -> bool:
        """Whether the request shows the key."""
        given = shown_key(request)
        return given is not None and self._secret.matches(given)

    async def admit(self, request: Request) -> bool:
        """Whether the request shows the key. Who does not learns it later and later."""
        if self.holds_key(request):
            return True
        if self._slowdown is not None:
            wait = self._slowdown.delay(self.client_address(request))
            if wait > 0:
                await deferLater(self._clock, wait)
        return False

    def no_key(self, request: Request) -> Answer:
        """What a request is answered that was not admitted: also for how long wrong keys are held back."""
        wait = 0.0 if self._slowdown is None else self._slowdown.held(self.client_address(request))
        return refused(HeldBack(wait)) if wait > 0 else NO_KEY
