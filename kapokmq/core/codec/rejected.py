"""Why a v2 frame, or what it asks for, is not carried out, and which part of it is at fault."""

from kapokmq.core.errors import PeerError, WorldError

_LONGEST_TEXT = 300  # characters


class Rejected(PeerError):
    """Told to the client in an `error`; the connection lives.

    `name` is the error's code. `id` and `sub` say which request it answers, `index` which message of a publish is at
    fault; None: none, or none that could be read.
    """

    def __init__(
        self,
        text: str,
        name: str = "badRequest",
        *,
        request: int | None = None,
        sub: int | None = None,
        index: int | None = None,
    ) -> None:
        super().__init__(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…")
        self.name = name
        self.id = request
        self.sub = sub
        self.index = index
        self.retry_after: float | None = None


def rejected(
    fault: Exception, *, request: int | None = None, sub: int | None = None, index: int | None = None
) -> Rejected:
    """Say the same of an engine's refusal. What is no refusal is a bug, of which clients learn nothing."""
    if not isinstance(fault, (PeerError, WorldError)):
        return Rejected("internal error", "internal", request=request, sub=sub)
    name = getattr(fault, "name", "badRequest" if isinstance(fault, PeerError) else "unavailable")
    made = Rejected(str(fault), name, request=request, sub=sub, index=index)
    made.retry_after = getattr(fault, "retry_after", None)
    return made
