"""Policies of topics and configurations of groups, as they are typed: `maxAge=7d overflow=dropOldest paused=true`."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import click
import msgspec

from kapokmq.cli.times import parse_duration
from kapokmq.core.policy import GroupConfig, TopicPolicy

P = TypeVar("P", GroupConfig, TopicPolicy)
SECONDS = {"maxAge", "dedupWindow", "ackWait", "backoff", "backoffMax"}


def fields_of(shape: type[P]) -> dict[str, str]:
    """Which fields there are: the names that are typed, and those that the shape has."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(shape)}


def changed(shape: type[P], old: dict[str, Any], pairs: Sequence[str]) -> dict[str, Any]:
    """What is there, with NAME=VALUE changed; NAME= takes it away. Raises click.UsageError, which names the field."""
    new = dict(old)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in fields_of(shape):
            known = ", ".join(fields_of(shape))
            raise click.UsageError(f"{pair}: must be NAME=VALUE, of {known}")
        if text:
            new[name] = _value(name, text)
        else:
            new.pop(name, None)
    try:
        msgspec.convert(new, shape)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from error
    return new


def _value(name: str, text: str) -> Any:
    if name in SECONDS:
        seconds = parse_duration(text)
        if seconds is None:
            raise click.UsageError(f"{name}: {text!r} is no duration: seconds, or such as 500ms, 90s, 10m, 7d")
        return seconds
    try:
        return json.loads(text)
    except ValueError:
        return text
