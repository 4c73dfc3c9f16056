"""What the API answers beside what was asked for: how something that was asked of a message ended.

`name` of an error is its `code` in the answer (serena/web/refusals.py).
"""

import msgspec

from kapokmq.core.admin import Verdict
from serena.core.errors import PeerError
from serena.web.answers import Answer
from serena.web.refusals import NotFound, answered, refused


class Exists(PeerError):
    """The name is taken."""

    name = "exists"
    status = 409


class TooLate(PeerError):
    """It has happened meanwhile: the message fell due, was acknowledged, or was sent again."""

    name = "tooLate"
    status = 409


class NotJson(PeerError):
    """A body that does not say that it is JSON."""

    name = "unsupportedMediaType"
    status = 415


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """It is done."""

    result: str


DONE = Result(Verdict.DONE.value)


def verdict(found: Verdict, what: str) -> Answer:
    """Say how something that was asked of a message ended. `what` names it, for people."""
    if found is Verdict.DONE:
        return answered(DONE)
    late = found is Verdict.TOO_LATE
    error = TooLate(f"{what}: it is too late") if late else NotFound(f"{what}: there is none")
    return refused(error, result=found.value)
