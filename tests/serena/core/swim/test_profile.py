"""Profiles and their formulas, beside the numbers of memberlist."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import MisuseError
from serena.core.swim.profile import LAN, LOCAL, PROFILES, WAN, push_pull_scale, retransmit_limit, suspicion_timeout
from tests.serena.core.swim.lone import FORMULAS


class FormulaTests(SynchronousTestCase):
    def test_a_suspicion_lasts_as_long_as_memberlist_has_it(self):
        for n, milliseconds in FORMULAS["suspicionTimeout_ms_mult4_1s"].items():
            self.assertAlmostEqual(suspicion_timeout(4, int(n), 1.0), milliseconds / 1000)
        for n, milliseconds in FORMULAS["suspicionTimeout_ms_mult6_5s"].items():
            self.assertAlmostEqual(suspicion_timeout(6, int(n), 5.0), milliseconds / 1000)
        for n, milliseconds in FORMULAS["suspicion_upstream_test_ms"]["n->timeout"].items():
            self.assertAlmostEqual(suspicion_timeout(3, int(n), 1.0), milliseconds / 1000)
        self.assertEqual(suspicion_timeout(4, 0, 1.0), 4.0)

    def test_news_are_sent_as_often_as_memberlist_does(self):
        for n, limit in FORMULAS["retransmitLimit_mult4"].items():
            self.assertEqual(retransmit_limit(4, int(n)), limit)

    def test_push_pulls_become_rarer_in_large_clusters(self):
        for n, seconds in FORMULAS["pushPullScale_s_30"].items():
            self.assertEqual(push_pull_scale(30.0, int(n)), seconds)
        self.assertEqual(push_pull_scale(30.0, 1), 30.0)


class ProfileTests(SynchronousTestCase):
    def test_the_three_are_memberlists(self):
        self.assertEqual(PROFILES, {"lan": LAN, "wan": WAN, "local": LOCAL})
        shown = [
            (one.probe_interval, one.probe_timeout, one.gossip_interval, one.suspicion_mult, one.push_pull_interval)
            for one in (LAN, WAN, LOCAL)
        ]
        self.assertEqual(shown, [(1, 0.5, 0.2, 4, 30), (5, 3, 0.5, 6, 60), (1, 0.2, 0.1, 3, 15)])

    def test_a_profile_that_cannot_work_is_our_mistake(self):
        for wrong in (
            {"probe_interval": 0},
            {"gossip_nodes": 0},
            {"stream_timeout": -1.0},
            {"indirect_checks": -1},
            {"reclaim": -0.5},
            {"probe_timeout": 1.5},
        ):
            self.assertRaises(MisuseError, lambda wrong=wrong: replace(LAN, **wrong))
        replace(LAN, indirect_checks=0, reclaim=0, reconnect_for=0)
