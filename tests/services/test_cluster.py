"""A broker among others: it is known while it serves, says how busy it is, and leaves."""

import os
import random

from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from kapokmq.services.cluster import LOAD_EVERY, Cluster
from serena.core.errors import WorldError
from serena.core.gossip_kinds import Place
from serena.core.node_meta import read_meta
from serena.core.node_settings import GossipSettings
from serena.core.swim.messages import State


class ClusterTests(TestCase):
    """Real sockets on loopback."""

    timeout = 30

    def make(self, *seeds, clock=reactor, **more):
        """A broker's part, not started."""
        self.cpu = 0.0
        settings = GossipSettings(port=0, seeds=seeds, profile="local", **more)
        made = Cluster(
            settings,
            reactor=clock,
            chance=random.Random(1),  # noqa: S311 -- repeatable
            entropy=os.urandom,
            cpu=lambda: self.cpu,
        )
        self.addCleanup(made.leave)
        return made

    async def until(self, true):
        """Wait until something is so."""
        while not true():
            await self.pause(0.02)

    async def pause(self, seconds):
        """Let time pass."""
        await deferLater(reactor, seconds)

    async def test_brokers_know_each_other_and_who_leaves_is_gone(self):
        first = self.make()
        port = first.start("127.0.0.1", 8011).port
        second = self.make(Place("127.0.0.1", port))
        second.start("127.0.0.2", 8012)
        both = [("mq:127.0.0.1:8011", "127.0.0.1", "8011"), ("mq:127.0.0.2:8012", "127.0.0.2", "8012")]
        for cluster in (first, second):
            await self.until(lambda: len(cluster.nodes()) == 2)  # noqa: B023 -- called before the next turn
            self.assertEqual([(row.Name, row.Addr, row.Port) for row in cluster.nodes()], both)
        await second.leave()
        await self.until(lambda: len(first.nodes()) == 1)
        states = {member.name: member.state for member in first.gossip.members()}
        self.assertEqual(states[b"mq:127.0.0.2:8012"], State.LEFT)
        await second.leave()

    async def test_changes_are_told_until_that_is_ended(self):
        first, told = self.make(), []
        end = first.listen(told.append)  # before it takes part
        self.assertEqual(list(first.members()), [])
        place = Place("127.0.0.1", first.start("127.0.0.1", 8011).port)
        second = self.make(place)
        second.start("127.0.0.2", 8012)
        await self.until(lambda: [one.kind for one in told if one.member.name == b"mq:127.0.0.2:8012"] == ["join"])
        self.assertEqual({one.name for one in first.members()}, {b"mq:127.0.0.1:8011", b"mq:127.0.0.2:8012"})
        await second.leave()
        await self.until(lambda: told[-1].kind == "leave")
        end()
        self.make(place).start("127.0.0.3", 8013)
        await self.until(lambda: len(first.nodes()) == 2)
        self.assertEqual(told[-1].kind, "leave")

    async def test_one_alone_is_there_and_waits_for_a_registry_that_is_away(self):
        alone = self.make(Place("127.0.0.1", 9))
        alone.start("127.0.0.1", 8011)
        await self.until(alone.nodes)
        self.assertEqual([row.Name for row in alone.nodes()], ["mq:127.0.0.1:8011"])

    async def test_a_port_that_is_taken_is_named(self):
        first = self.make()
        port = first.start("127.0.0.1", 8011).port
        second = Cluster(
            GossipSettings(port=port),
            reactor=reactor,
            chance=random.Random(1),  # noqa: S311 -- repeatable
            entropy=os.urandom,
            cpu=lambda: 0.0,
        )
        error = self.assertRaises(WorldError, second.start, "127.0.0.1", 8012)
        self.assertIn("cluster.gossipPort", str(error))

    async def test_one_that_was_never_started_is_left_at_once(self):
        cluster = self.make()
        await cluster.leave()
        self.assertEqual(cluster.nodes(), [])


class LoadTests(TestCase):
    """What the others are told of it."""

    def test_the_load_is_told_in_steps_and_only_when_it_is_another(self):
        told, clock = [], Clock()
        cpu = [0.0]
        cluster = Cluster(
            GossipSettings(),
            reactor=clock,
            chance=random.Random(1),  # noqa: S311 -- repeatable
            entropy=os.urandom,
            cpu=lambda: cpu[0],
        )

        class Gossip:
            """Notes what is said."""

            def update_meta(self, meta):
                """Note it."""
                told.append(read_meta(meta)["l"])

        cluster.gossip = Gossip()
        cluster._loop.start(LOAD_EVERY, now=False)
        for busy in (0.04, 0.5, 0.52, 3.0, 0.0):
            cpu[0] += busy * LOAD_EVERY
            clock.advance(LOAD_EVERY)
        self.assertEqual(told, [5, 10, 0])
        cluster._loop.stop()
