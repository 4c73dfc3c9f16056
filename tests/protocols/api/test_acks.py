"""Acks, nacks and touches of what was leased by poll."""

import json

from twisted.internet.defer import Deferred

from kapokmq.core.codec.v2 import MOST_NACKED
from kapokmq.core.errors import StoreUnavailable
from kapokmq.core.policy import GroupConfig
from tests.protocols.api.test_leases import LeaseTests
from tests.protocols.http_fakes import parse


class AckTests(LeaseTests):
    """What becomes of leased messages."""

    def setUp(self):
        super().setUp()
        self.poll()

    def test_ack_waits_for_the_disk(self):
        self.engine.settled = Deferred()
        wire = self.node.begin("POST /topics/t/groups/g/ack", {"codes": ["a", "b"]})
        self.assertEqual(self.engine.calls, [("ack", ["a", "b"]), "committed"])
        self.assertEqual(wire.received(), b"")
        self.engine.settled.callback(None)
        self.assertEqual(json.loads(parse(wire.received()).body), {"unknown": []})
        self.assertEqual(len(self.engine.memberships), 1)

    def test_unknown(self):
        self.engine.unknown = ["b", "b"]
        for what in ("ack", "nack", "touch"):
            told = self.node.told(f"POST /topics/t/groups/g/{what}", {"codes": ["b", "a", "b"]})
            self.assertEqual(told, {"unknown": [0, 2]})

    def test_nack(self):
        self.node.told("POST /topics/t/groups/g/nack", {"codes": ["a"], "delay": 1.5, "reason": "why"})
        self.node.told("POST /topics/t/groups/g/nack", {"codes": ["a"], "delay": 0})
        self.node.told("POST /topics/t/groups/g/nack", {"codes": ["a"]})
        calls = [call for call in self.engine.calls if call != "committed"]
        self.assertEqual(calls, [("nack", ["a"], 1500, "why"), ("nack", ["a"], 0, ""), ("nack", ["a"], None, "")])
        self.assertEqual(len(self.engine.calls), 6)

    def test_touch_does_not_wait(self):
        self.engine.settled = Deferred()
        self.assertEqual(self.node.told("POST /topics/t/groups/g/touch", {"codes": ["a"]}), {"unknown": []})

    def test_a_group_that_is_not_made(self):
        for what in ("ack", "nack", "touch"):
            self.assertEqual(
                self.node.refused(f"POST /topics/t/groups/h/{what}", {"codes": ["a"]})[:2], (404, "notFound")
            )
        self.assertEqual(len(self.engine.memberships), 1)

    def test_who_polled_nothing_holds_nothing(self):
        self.admin.configs["t", "h"] = GroupConfig()
        for what in ("ack", "nack", "touch"):
            told = self.node.told(f"POST /topics/t/groups/h/{what}", {"codes": ["a", "b"]})
            self.assertEqual(told, {"unknown": [0, 1]})
        self.assertEqual((self.engine.calls, len(self.engine.memberships)), ([], 1))

    def test_nor_does_who_has_not_joined_yet(self):
        self.admin.configs["t", "h"] = GroupConfig()
        self.engine.joining = Deferred()
        self.node.begin("POST /topics/t/groups/h/lease", {"wait": 20})
        for what in ("ack", "nack", "touch"):
            self.assertEqual(self.node.told(f"POST /topics/t/groups/h/{what}", {"codes": ["a"]}), {"unknown": [0]})
        self.assertEqual(self.engine.calls, [])

    def test_the_disk_refuses(self):
        self.engine.settled = Deferred()
        wire = self.node.begin("POST /topics/t/groups/g/ack", {"codes": ["a"]})
        self.engine.settled.errback(StoreUnavailable("disk"))
        self.assertEqual(parse(wire.received()).status, 503)

    def test_bad_bodies(self):
        for what in ("ack", "nack", "touch"):
            for body in ({}, {"codes": []}, {"codes": [1]}, {"codes": "a"}, {"codes": ["a"], "x": 1}, []):
                self.assertEqual(self.node.refused(f"POST /topics/t/groups/g/{what}", body)[:2], (400, "badRequest"))
        for more in ({"delay": -1}, {"delay": "1"}, {"delay": None}, {"reason": 1}, {"reason": "x" * 1001}):
            body = {"codes": ["a"]} | more
            self.assertEqual(self.node.refused("POST /topics/t/groups/g/nack", body)[:2], (400, "badRequest"))
        self.assertEqual(self.engine.calls, [])

    def test_so_many_codes_and_no_more(self):
        for what, most in (("ack", 5_000), ("nack", MOST_NACKED), ("touch", MOST_NACKED)):
            line, codes = f"POST /topics/t/groups/g/{what}", ["a"] * most
            self.assertEqual(self.node.told(line, {"codes": codes}), {"unknown": []})
            fault = (400, "badRequest", f"codes: expected array of length <= {most}")
            self.assertEqual(self.node.refused(line, {"codes": [*codes, "a"]}), fault)
