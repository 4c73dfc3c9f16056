"""The section `topics` of a configuration: policies by the name of a topic, or by a pattern, in the order that counts.

    topics:
      "orders.>": {maxAge: 86400, overflow: dropOldest}
      audit: {retention: log}

Every mistake in it is found at once, and named with its path: `topics.audit.retention`.
"""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from kapokmq.core.errors import BadName
from kapokmq.core.pattern import check_pattern
from kapokmq.core.policy import Choice, Durability, Overflow, Retention, TopicPolicy
from serena.core.kinds import Kind, Number, UnfitError, Whole, Words
from serena.core.settings import NO_VALUE, hint, refusal, shown_name

CENTURY = 100 * 366 * 86_400  # seconds
_TIME = Number(0, CENTURY)
_WAIT = Number(0.001, CENTURY)
_COUNT = Whole(1, 1 << 53)

FIELDS: Mapping[str, Kind] = {
    "retention": Words(get_args(Retention)),
    "maxAge": _WAIT,
    "maxMessages": _COUNT,
    "maxBytes": _COUNT,
    "overflow": Words(get_args(Overflow)),
    "dedupWindow": _WAIT,
    "durability": Words(get_args(Durability)),
    "ackWait": _WAIT,
    "maxAttempts": Whole(0, 1_000_000),
    "backoff": _TIME,
    "backoffMax": _TIME,
    "choice": Words(get_args(Choice)),
}
"""What a policy may say here: all but a pause, which begins and ends while the node runs."""
_PAUSED = "is no setting; a topic is paused, and resumed, through the API"


class Topics(Kind):
    """Policies of topics by pattern."""

    section = True

    @property
    def allowed(self) -> str:
        """In words."""
        return "a mapping of topics or patterns to policies"

    def read(self, value: object) -> tuple[tuple[str, TopicPolicy], ...]:
        """Pattern and policy, in the order given."""
        if not isinstance(value, Mapping):
            raise UnfitError
        wrong: list[tuple[str, str]] = []
        made = tuple((pattern, _policy(pattern, given, wrong)) for pattern, given in value.items())
        if wrong:
            raise UnfitError(wrong)
        return made

    def written(self, value: tuple[tuple[str, TopicPolicy], ...]) -> dict[str, Any]:
        """As in the file."""
        return {pattern: msgspec.to_builtins(policy) for pattern, policy in value}


def _policy(pattern: object, given: object, wrong: list[tuple[str, str]]) -> TopicPolicy:
    """The policy, and what is `wrong` with it. Nothing given is nothing special."""
    at = shown_name(pattern)
    if isinstance(pattern, str):
        try:
            check_pattern(pattern)
        except BadName as error:
            wrong.append((at, str(error).removeprefix("topic: ")))
    else:
        wrong.append((at, "must be text; put the name in quotes"))
    if not isinstance(given, Mapping | None):
        wrong.append((at, "must be a mapping (key: value)"))
        return TopicPolicy()
    made: dict[str, Any] = {}
    for name, value in (given or {}).items():
        kind = FIELDS.get(name) if isinstance(name, str) else None
        path = f"{at}.{shown_name(name)}"
        if kind is None:
            wrong.append((path, _PAUSED if name == "paused" else hint(shown_name(name), FIELDS)))
        elif value is None:
            wrong.append((path, NO_VALUE))
        else:
            try:
                made[name] = kind.read(value)
            except UnfitError:
                wrong.append((path, refusal(kind, value)))
    return msgspec.convert(made, TopicPolicy)
