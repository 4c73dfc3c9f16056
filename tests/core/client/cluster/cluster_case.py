"""A session of a cluster, its nodes played by the test."""

import json
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.cluster.choice import strategy
from kapokmq.core.client.cluster.cluster import ClusterSession
from kapokmq.core.client.cluster.roster import News
from kapokmq.core.client.message import written
from kapokmq.core.client.session import Bounds, ClientSession, Greeting


class ClusterCase(SynchronousTestCase):
    """Nodes go by any text."""

    bounds = Bounds()

    def setUp(self):
        self.fresh()

    def fresh(self, name="round robin"):
        make = partial(ClientSession, Greeting("s"), Backoff(lambda: 1.0))
        self.cluster = ClusterSession(make, strategy(name, lambda: 0.0), self.bounds, move_after=1.0)
        self.subs = {}
        self.now = 0.0

    def listed(self, *here, away=(), whole=False):
        return self.cluster.news(News(frozenset(here), frozenset(away), whole), self.now)

    def up(self, *names, **limits):
        """These are listed, and welcome us."""
        events = []
        for name in names:
            self.listed(name)
            self.cluster.nodes[name].session.connected()
            self.said(name)
            events += self.hear(name, "welcome", node=f"mq:{name}", limits=limits)
        return events

    def down(self, name):
        return self.cluster.lost(name, self.now)

    def hear(self, node, op, /, **fields):
        return self.cluster.received(node, json.dumps({"op": op, **fields}).encode(), self.now)

    def said(self, name):
        return [json.loads(frame) for frame in self.cluster.nodes[name].session.take()]

    def publish(self, *texts):
        return self.cluster.publish(written("t", texts or ["x"]))

    def asked(self, name):
        """What a node is asked to store, by id: texts."""
        frames = [each for each in self.said(name) if each["op"] == "publish"]
        return {each["id"]: [message["data"] for message in each["messages"]] for each in frames}

    def stored(self, name, number, count=1):
        return self.hear(name, "ok", id=number, codes=[f"{name}{number}"] * count, durable="fsync")

    def tick(self, seconds):
        self.now += seconds
        return self.cluster.tick(self.now)
