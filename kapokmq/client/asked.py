"""Somebody waits for the answer to a publish."""

from typing import Any

from kapokmq.core.client.message import Publish


class Asked:
    """A publish of somebody who waits. `number` is None until there was room for it."""

    __slots__ = ("given_up", "number", "promise", "publish")

    def __init__(self, publish: Publish, promise: Any) -> None:
        self.publish = publish
        self.promise = promise
        self.number: int | None = None
        self.given_up = False
