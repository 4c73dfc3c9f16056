"""What a topic and a group go by beyond the node's rules. As they are given, and as they are stored: JSON objects.

A field that is left out is as the node's settings say (of topics: the first pattern that matches, then the node's own
keys). Times are in seconds, sizes in bytes.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from kapokmq.core.errors import BadMessage

_CENTURY = 100 * 366 * 86_400
_Seconds = Annotated[float, Meta(ge=0, le=_CENTURY)]
_Wait = Annotated[float, Meta(gt=0, le=_CENTURY)]
_Count = Annotated[int, Meta(ge=1, le=1 << 53)]
_Attempts = Annotated[int, Meta(ge=0, le=1_000_000)]

Retention = Literal["queue", "log", "none"]
Overflow = Literal["reject", "dropOldest"]
Choice = Literal["random", "roundRobin"]
Durability = Literal["memory", "interval", "fsync"]


class GroupConfig(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """How a group deals and retries."""

    ack_wait: _Wait | None = None
    """How long a member may hold a message without acknowledging or touching it."""
    max_attempts: _Attempts | None = None
    """How often a message is tried until it becomes a dead letter; 0: for ever."""
    backoff: _Seconds | None = None
    """How long the second attempt waits; each further one waits twice as long."""
    backoff_max: _Seconds | None = None
    """How long any attempt waits at most."""
    choice: Choice | None = None
    """Who gets the next message, among members with credit."""
    paused: bool = False
    """Whether nothing is delivered."""


class TopicPolicy(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What a topic keeps and how; and what its groups do where they have no configuration of their own."""

    retention: Retention | None = None
    """`queue`: until its age, or with isCleanConsumed until consumed; `log`: until its age; `none`: not at all."""
    max_age: _Wait | None = None
    """How long after it was due a message is kept. Delayed ones take what holds when they are published."""
    max_messages: _Count | None = None
    max_bytes: _Count | None = None
    overflow: Overflow | None = None
    """What a publish beyond that meets: a refusal (`reject`), or room made by deleting the oldest (`dropOldest`)."""
    dedup_window: _Wait | None = None
    """How long a key is remembered, at least."""
    durability: Durability | None = None
    """What a confirmation promises, if that is more than what the node promises."""
    ack_wait: _Wait | None = None
    max_attempts: _Attempts | None = None
    backoff: _Seconds | None = None
    backoff_max: _Seconds | None = None
    choice: Choice | None = None
    paused: bool = False
    """Whether no publish is taken. What is there is still delivered."""


DELETING = '{"deleting":true}'
"""What is stored as the policy of a topic that is on its way out, so that a restart goes on with that."""

P = TypeVar("P", GroupConfig, TopicPolicy)


def read_policy(given: bytes | str | None, shape: type[P]) -> P:
    """Read JSON; nothing given is nothing special. Raises BadMessage, which names the field."""
    if given is None:
        return shape()
    try:
        return msgspec.json.decode(given, type=shape)
    except (msgspec.DecodeError, UnicodeError) as error:  # a ValidationError is one of the first
        raise BadMessage(str(error)) from None


def written(policy: GroupConfig | TopicPolicy) -> str | None:
    """The JSON to be stored, None for nothing special."""
    text = msgspec.json.encode(policy).decode()
    return None if text == "{}" else text


def filled(policy: P, *others: P) -> P:
    """The policy, with what it leaves open taken from the first of the others that says something."""
    for other in others:
        missing = {
            name: value
            for name in policy.__struct_fields__
            if getattr(policy, name) is None and (value := getattr(other, name)) is not None
        }
        policy = msgspec.structs.replace(policy, **missing) if missing else policy
    return policy
