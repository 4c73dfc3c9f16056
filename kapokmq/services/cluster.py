"""The node's part in a cluster: it is known by gossip while it serves, and knows the others by the same.

It joins for as long as it runs, and serves whether or not anybody is there. What it says of itself is its version, its
protocols, and its load in ten steps, which changes every 30 s at most.
"""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from kapokmq import __version__
from serena.core.errors import WorldError
from serena.core.node_meta import write_meta
from serena.core.node_name import BROKER, node_name
from serena.core.node_settings import GossipSettings
from serena.core.swim.chance import Chance
from serena.services.gossip import Gossip
from serena.services.guarding import guarded
from serena.services.pool import Pool
from serena.web.membership import Change, Member
from serena.web.registry import NodeRow, node_rows

PROTOCOLS = ("classic", "v2")
LOAD_EVERY = 30.0  # seconds
STEPS = 10  # of load: this many are a whole core


class Cluster:
    """A broker among others. `cpu` reads the CPU seconds that the reactor's thread has used."""

    _log = Logger()

    def __init__(
        self,
        settings: GossipSettings,
        *,
        reactor: Any,
        chance: Chance,
        entropy: Callable[[int], bytes],
        cpu: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._chance = chance
        self._entropy = entropy
        self._cpu = cpu
        self._spent = 0.0
        self._step = 0
        self._leaving: Deferred[None] | None = None
        self._loop = LoopingCall(guarded, self._log, self._look)
        self._loop.clock = reactor
        self._listeners: list[Callable[[Change], None]] = []
        self.gossip: Gossip | None = None

    def start(self, addr: str, port: int) -> Gossip:
        """Take part, as the broker that clients reach there. Raises WorldError if gossip's own port can't be had."""
        gossip = Gossip(
            self._settings,
            name=node_name(BROKER, addr, port),
            meta=write_meta(__version__, PROTOCOLS),
            reactor=self._reactor,
            chance=self._chance,
            entropy=self._entropy,
        )
        try:
            gossip.startService()
        except WorldError as error:
            raise WorldError(f"cluster.gossipPort: {error}") from error
        self.gossip = gossip
        Pool(gossip).listen(self._changed)
        self._spent = self._cpu()
        self._loop.start(LOAD_EVERY, now=False)
        return gossip

    def members(self) -> Sequence[Member]:
        """All that are known, this node included; nobody before it takes part."""
        return self.gossip.members() if self.gossip is not None else []

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Have each change of a member told. Gives what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _changed(self, change: Change) -> None:
        for listener in list(self._listeners):
            listener(change)

    def nodes(self) -> Sequence[NodeRow]:
        """The brokers that are known to be there, this one included, by name."""
        return node_rows(self.gossip.members()) if self.gossip is not None else []

    def reload_keys(self, keys: Sequence[bytes]) -> None:
        """Encrypt with the first of these from now on, and decrypt with all. Raises SettingsError: see Gossip."""
        if self.gossip is not None:
            self.gossip.reload_keys(keys)

    def leave(self) -> "Deferred[None]":
        """Say goodbye to the others, so that clients go to them. Fires when enough of them know."""
        if self._loop.running:
            self._loop.stop()
        if self._leaving is None:
            self._leaving = Deferred()
            done = maybeDeferred(self.gossip.stopService) if self.gossip is not None else maybeDeferred(lambda: None)
            done.addErrback(lambda failure: self._log.failure("the cluster was not left in good order", failure))
            done.chainDeferred(self._leaving)
        waiter: Deferred[None] = Deferred()
        self._leaving.addCallback(lambda _: waiter.callback(None))
        return waiter

    def _look(self) -> None:
        """Tell the others of the load, if that is another step now."""
        spent, self._spent = self._cpu() - self._spent, self._cpu()
        step = min(STEPS, round(spent / LOAD_EVERY * STEPS))
        if step != self._step and self.gossip is not None:
            self._step = step
            self.gossip.update_meta(write_meta(__version__, PROTOCOLS, step))
