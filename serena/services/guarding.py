"""Keeps a bug in one place from stopping the node in others."""

from collections.abc import Callable

from twisted.logger import Logger


def guarded(log: Logger, call: Callable[[], None]) -> None:
    """Call, and log what is raised: a bug in one turn must not stop the node."""
    try:
        call()
    except Exception:  # noqa: BLE001 -- whatever it is, it is ours, and it is logged with its traceback
        log.failure("this is a bug in the node")
