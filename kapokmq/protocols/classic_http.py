"""What the original's HTTP routes have in common: key, form, and how they say no (spec, 2.1).

They answer 200 whatever the mistake, with `code` -1 and a `msg` that begins with the field's name. Only where the node
itself can't (full, or its disk refuses) does the status say so, because there trying again helps.
"""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Protocol, TypeVar

from twisted.web.server import Request

from kapokmq.core.errors import Deleting, Draining, Full, Paused, PeerError, StoreUnavailable, TopicFull
from serena.web.answers import WRONG_KEY, Answer, answer_json, send, try_later
from serena.web.forms import BadField, Form, read_form
from serena.web.guard import Guard

FORM_OVERHEAD = 64 * 1024
_URLENCODED = 3  # bytes that one byte of a field may take in a form

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)


class Guarded(Protocol):
    """An app with classic routes."""

    @property
    def guard(self) -> Guard:
        """Who may ask."""
        ...


AppT = TypeVar("AppT", bound=Guarded)


def body_bound(max_message_bytes: int) -> int:
    """How long a form may be, in bytes, so that any message we carry fits in one."""
    return _URLENCODED * max_message_bytes + FORM_OVERHEAD


def classic(route: Callable[[AppT, Form], Awaitable[Answer]]) -> Callable[[AppT, Request], Awaitable[None]]:
    """Make a Klein route of a function from a form to an answer."""

    @wraps(route)
    async def answered(app: AppT, request: Request) -> None:
        send(request, await _answer(app, request, route))

    return answered


async def _answer(app: AppT, request: Request, route: Callable[[AppT, Form], Awaitable[Answer]]) -> Answer:
    """Find the answer, whatever goes wrong on the way but a bug."""
    if not await app.guard.admit(request):
        return WRONG_KEY
    try:
        return await route(app, read_form(request.getHeader(b"content-type") or b"", _body(request)))
    except BadField as error:
        return refusal(error.field, str(error))
    except PeerError as error:
        return answer_json({"code": -1, "msg": str(error)})
    except (Full, TopicFull, Paused, Deleting, Draining, StoreUnavailable) as error:
        return try_later({"code": -1, "msg": str(error)}, error.retry_after)


def _body(request: Request) -> bytes:
    """Read what the request brought."""
    return bytes(request.content.read()) if request.content else b""


def refusal(field: str, msg: object) -> Answer:
    """Say which field is at fault. `msg` is the original's text or object where it has one."""
    return answer_json({"code": -1, "field": field, "msg": msg})


def integer(text: str) -> int | None:
    """Read a decimal integer as Go's ParseInt does: a sign and ASCII digits, nothing else. None where it is none."""
    return int(text) if _INTEGER.fullmatch(text) else None
