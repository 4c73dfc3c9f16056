"""Members of a pool in this process, on free ports of the loopback interface, quicker than any profile."""

import os
import random
import socket

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from serena.core.gossip_kinds import Place
from serena.core.node_settings import GossipSettings
from serena.core.swim.messages import State
from serena.services.gossip import Gossip

QUICK = {
    "probe_interval": 0.1,
    "probe_timeout": 0.05,
    "gossip_interval": 0.02,
    "push_pull_interval": 1.0,
    "suspicion_mult": 2,
    "suspicion_max_mult": 2,
    "reconnect_interval": 0.5,
}
PATIENCE = 20.0  # seconds


def place(gossip):
    """Where a member is found."""
    return Place(gossip.settings.addr, gossip.port)


def settings(*seeds, **more):
    """A member's settings."""
    given = {"port": 0, "profile": "local", "overrides": QUICK, "seeds": seeds}
    return GossipSettings(**(given | more))


class PoolCase(TestCase):
    """Starts members, and ends them with the test."""

    timeout = 60

    def make(self, name, *seeds, meta=b"", resolve=None, bounds=None, **more):
        return Gossip(
            settings(*seeds, **more),
            name=name,
            meta=meta,
            reactor=reactor,
            chance=random.Random(name),  # noqa: S311 -- lots
            entropy=os.urandom,
            resolve=resolve,
            bounds=bounds,
        )

    def start(self, name, *seeds, **more):
        """One that runs."""
        gossip = self.make(name, *seeds, **more)
        gossip.startService()
        self.addCleanup(lambda: gossip.stopService() if gossip.running else None)
        return gossip

    async def until(self, wanted, seconds=PATIENCE):
        """Wait until something is so."""
        deadline = reactor.seconds() + seconds
        while not wanted():
            self.assertLess(reactor.seconds(), deadline, "it did not come to that")
            await deferLater(reactor, 0.005)

    async def kill(self, gossip):
        """End one as if its process had died: nobody is told."""
        gossip._swim = gossip._driver._machine = _Silent()
        await gossip.stopService()


class _Silent:
    """A machine that is dead."""

    has_left = True

    def leave(self, now):
        """Say nothing."""

    outgoing = streams = events = lambda self: []

    def next_deadline(self):
        return None


def states(gossip):
    """Whom a member knows, and what it holds them to be."""
    return {member.name.decode(): member.state for member in gossip.members()}


def live(gossip):
    """Who is there, for a member."""
    return {name for name, state in states(gossip).items() if state in (State.ALIVE, State.SUSPECT)}


def throw(port, *junk):
    """Send datagrams from a socket of one's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
        for each in junk:
            thrower.sendto(each, ("127.0.0.1", port))
