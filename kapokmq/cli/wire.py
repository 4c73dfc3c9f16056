"""How commands use `kapokmq.client`: what it is told of a target, what people hear of it, what its errors become."""

import logging
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ECONNREFUSED
from typing import Any

import click
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from kapokmq import client
from kapokmq.cli.exits import Ended, Refused, Unreachable
from kapokmq.cli.http import reason
from kapokmq.cli.target import Target

HEARTBEAT = 20.0  # seconds, or less where less patience is asked for
LONGEST_WAIT = 5.0  # seconds between two tries
_NUMBERS = re.compile(r"\[Errno (\d+)\]")
LINGER = 2.0  # seconds that a command which was interrupted waits for what it has acknowledged

logging.getLogger("kapokmq.client").addHandler(logging.NullHandler())  # what people should know they are told here


def told(text: str) -> None:
    """Tell people."""
    click.echo(text, err=True)


def options(target: Target, name: str, patience: float, tell: Callable[[str], None] = told) -> dict[str, Any]:
    """The options of a client of that broker. `patience`: seconds that it may be away, once it was there.

    A wrong address or key is told at once. `name` is what people see of it.
    """
    return {
        "key": target.key,
        "name": name,
        "ssl": target.context,
        "patience": target.timeout,
        "tries": 1,
        "absence": patience,
        "heartbeat": max(1.0, min(HEARTBEAT, target.timeout / 2)),
        "longest_wait": LONGEST_WAIT,
        "linger": LINGER,
        "on_state": teller(target, tell),
    }


def teller(target: Target, tell: Callable[[str], None]) -> Callable[[client.State], None]:
    """What tells people of a connection that is lost, and of its next."""
    lost = False

    def changed(state: client.State) -> None:
        nonlocal lost
        if state.kind == "connected":
            if lost:
                tell(f"{target.socket_url}: connected again")
            lost = False
        elif state.kind == "lost":
            lost = True
            tell(f"{target.socket_url}: {state.text}; trying again in {state.wait or 0:.1f} s")
        elif state.kind == "draining":
            tell(f"{target.socket_url} drains: {state.text}")
        elif state.kind == "complaint":
            tell(f"{target.socket_url}: {state.text}")

    return changed


@contextmanager
def speaking(target: Target) -> Iterator[None]:
    """Have what the client raises end the command as it should, also out of a group of tasks."""
    try:
        yield
    except (client.ClientError, BaseExceptionGroup) as error:
        found = _first(error)
        raise (ended(target, found) if isinstance(found, client.ClientError) else found) from None


def _first(error: BaseException) -> BaseException:
    """What went wrong first, of what tasks that ran beside each other raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def ended(target: Target, error: client.ClientError) -> Ended:
    """What a command ends with for that."""
    if isinstance(error, client.Refused):
        text = str(error).removeprefix(f"{error.code}: ")
        return Refused(error.code, text, error.retry_after, error.index)
    cause = _one(error.__cause__)
    return Unreachable(f"{target.socket_url}{_why(target, cause) if cause else f': {error}'}")


def _one(cause: BaseException | None) -> BaseException | None:
    """The one cause, where a host has several addresses and nobody listens at any."""
    found = set(_NUMBERS.findall(str(cause))) if isinstance(cause, OSError) and cause.errno is None else set()
    return ConnectionRefusedError() if found == {str(ECONNREFUSED)} else cause


def _why(target: Target, cause: BaseException) -> str:
    """Why there is no connection, and what to do."""
    if isinstance(cause, InvalidStatus):
        said = cause.response.body.decode("utf-8", "replace").strip()[:200] if cause.response.body else ""
        return f" refuses the upgrade: {cause.response.status_code} {said}".rstrip()
    if isinstance(cause, InvalidMessage) and isinstance(cause.__cause__, EOFError):
        return ": the connection was lost: is it wss:// rather?"
    if isinstance(cause, OSError | ssl.SSLError):
        return f": {reason(target, cause)}"
    if isinstance(cause, InvalidHandshake):
        return f": {cause}: is it a broker?"
    return f": {cause}"
