"""What `python -m bench.gossip` measures, writes and draws, on a small pool."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from twisted.trial.unittest import SynchronousTestCase

from bench import gossip
from serena.core.swim.profile import LAN


class GossipTests(SynchronousTestCase):
    def test_a_small_pool_is_measured_told_and_drawn(self):
        row = gossip.measured(6, LAN, tries=1, seconds=10.0, losses=(0.0, 0.2))
        self.assertLess(row.joined, 1)
        self.assertLess(row.left, 1)
        self.assertTrue(row.suspected < row.failed <= row.failed_by_all < 10)
        self.assertLess(row.datagrams, 2.2)
        self.assertEqual(row.falsely["0%"], (0, 0))
        self.assertGreater(row.falsely["20%"][0], 0)
        self.assertTrue(gossip.line(row).startswith("     6 "))
        self.assertEqual(gossip.head()[:6], " nodes")
        folder = Path(self.mktemp())
        gossip.write(folder, {"date": "2026-01-01T00:00:00", "profile": "lan", "seed": 1}, [row, row])
        self.assertEqual(len(json.loads((folder / "gossip.json").read_text())["rows"]), 2)
        for name in ("gossip", "gossip-load"):
            ET.fromstring((folder / f"{name}.svg").read_text())  # noqa: S314 -- our own
