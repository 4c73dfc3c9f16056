"""The node itself: how it is, what it goes by, how it stops."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kapokmq.core.codec.v2_drafts import given
from kapokmq.core.engine import Engine
from kapokmq.core.settings import Effective
from kapokmq.protocols.api.answers import Result
from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import View
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import answered

LONGEST_DRAIN = 86_400  # seconds


class SettingView(View):
    """A key of the settings: `source` is file, environment or default. `value` is *** where it is secret."""

    path: str
    value: Any
    default: Any
    source: str


class ConfigView(View):
    """The settings that the node goes by."""

    settings: list[SettingView]


class NodeView(View):
    """The node. `reason` says what is in its way, empty where nothing is."""

    name: str
    version: str
    ready: bool
    reason: str


class Drain(msgspec.Struct, forbid_unknown_fields=True):
    """How many seconds there are for what is in flight; left out: what the settings say."""

    seconds: Annotated[float, Meta(ge=0, le=LONGEST_DRAIN)] | UnsetType = UNSET


class AboutNode:
    """Tells of the node. `drain` begins to stop the node."""

    routes = Routes()
    app = routes.app

    def __init__(
        self,
        guard: Guard,
        *,
        engine: Engine,
        config: Sequence[Effective],
        drain: Callable[[float | None], None],
        name: str,
        version: str,
    ) -> None:
        self.guard = guard
        self._engine = engine
        self._config = ConfigView([SettingView(*one) for one in config])
        self._drain = drain
        self._name = name
        self._version = version

    @routes.on("GET", "/node", gives=NodeView)
    async def get_node(self, ask: Ask) -> Answer:
        """Look at the node."""
        health = self._engine.health()
        return answered(NodeView(self._name, self._version, health.ready, health.reason))

    @routes.on("GET", "/config", gives=ConfigView)
    async def get_config(self, ask: Ask) -> Answer:
        """Show the settings that the node goes by, but for secrets."""
        return answered(self._config)

    @routes.on("POST", "/drain", body=(Drain,), gives=Result, status=202)
    async def drain(self, ask: Ask) -> Answer:
        """Stop the node in good order: it ends when nothing is in flight. Asked again, it only waits less."""
        self._drain(given(ask.body.seconds))
        return answered(Result("draining"), 202)
