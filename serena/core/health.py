"""How a node is."""

from typing import NamedTuple


class Health(NamedTuple):
    """Whether a node does its work, and what is wrong. A full one is ready, because consumers must reach it."""

    ready: bool
    reason: str
