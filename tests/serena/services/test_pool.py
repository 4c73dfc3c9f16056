"""Gossip's events, as the changes that HTTP tells."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim import events
from serena.services.pool import Pool
from serena.web.membership import Change


class FakeGossip:
    """Events are told by hand."""

    def __init__(self):
        self.listeners = []

    def members(self):
        return ["a", "b"]

    def listen(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


class PoolTests(SynchronousTestCase):
    def setUp(self):
        self.gossip, self.told = FakeGossip(), []
        self.pool = Pool(self.gossip)
        self.end = self.pool.listen(self.told.append)

    def test_members_are_those_of_gossip(self):
        self.assertEqual(self.pool.members(), ["a", "b"])

    def test_what_becomes_of_a_member_is_told(self):
        kinds = {
            events.Joined: "join",
            events.Updated: "update",
            events.Suspected: "update",
            events.Recovered: "update",
            events.Failed: "fail",
            events.Left: "leave",
            events.Forgotten: "forget",
        }
        for number, happened in enumerate(kinds):
            self.gossip.listeners[0](happened(*[f"m{number}"] * len(happened._fields)))
        self.assertEqual(self.told, [Change(kind, f"m{number}") for number, kind in enumerate(kinds.values())])

    def test_what_else_there_is_is_not(self):
        self.gossip.listeners[0](events.UserData(b"x", None))
        self.assertEqual(self.told, [])

    def test_until_it_is_ended(self):
        self.end()
        self.assertEqual(self.gossip.listeners, [])
