"""Tiny runs against real brokers: each kind of measurement gives its figures, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bench.node import ROOT, longest_since
from bench.scenario import Load, Terms, broker, publish, through

TERMS = Terms(messages=2_000, seconds=10.0)


class LongestTests(SynchronousTestCase):
    """The longest pause of what was measured, from figures that are of the last minute or two."""

    def test_it_is_of_what_was_counted_since(self):
        before = {0.01: 90, 0.1: 95, 1.0: 100, float("inf"): 100}
        for more, longest, found in (
            ((5, 5, 5), 0.5, 0.01),  # that was before
            ((5, 9, 9), 0.5, 0.1),
            ((5, 9, 9), 0.06, 0.06),
            ((5, 9, 9), 0.001, 0.01),  # that is later
            ((0, 0, 1), 0.7, 0.7),
            ((0, 0, 0), 0.7, 0.01),
        ):
            after = {edge: before[edge] + count for edge, count in zip(before, (*more, more[-1]), strict=True)}
            self.assertEqual(longest_since(before, longest, after), found, more)
        self.assertEqual(longest_since({}, 0.7, before), 0.7)
        self.assertIsNone(longest_since({}, None, {}))


class MeasurementTests(SynchronousTestCase):
    def check(self, row, load):
        self.assertGreaterEqual(row.messages, load.total)
        self.assertGreater(row.rate, 0)
        self.assertLessEqual(row.p50, row.p99)
        self.assertGreater(row.syncs, 0)
        self.assertGreater(row.rss, 1 << 20)

    def test_both_wires_publish_and_consume_all(self):
        for wire in ("classic", "v2"):
            load = Load("tiny", wire, total=2_000, batch=100)
            with broker() as node:
                self.check(publish(node, load, TERMS), load)
                row = through(node, Load("tiny", wire, total=2_000, batch=100, topic="other"), TERMS)
                self.check(row, load)
                self.assertEqual(row.latency, "delivery")
                figures = node.metrics()
                self.assertEqual(figures["kapokmq_messages_published_total"], 4_000)
                self.assertEqual(figures["kapokmq_messages_delivered_total"], 2_000)
                folder = node.folder
            self.assertFalse(folder.exists())

    def test_several_connections_at_a_pace_and_long_texts(self):
        with broker("memory") as node:
            row = publish(node, Load("tiny", "v2", "memory", 3, total=999, batch=10, size=5_000), TERMS)
            self.assertGreaterEqual(row.messages, 999)
            self.assertIsNone(row.syncs)
            row = through(node, Load("tiny", "classic", "memory", rate=5_000, total=1_000, topic="pace"), TERMS)
            self.assertLess(row.rate, 5_200)


class CommandTests(SynchronousTestCase):
    def test_a_run_prints_a_table_and_writes_its_files(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bench", "restart", "--messages", "1000", "--json", folder]
            environ = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder}
            run = subprocess.run(
                command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120
            )
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertIn("after kill -9", run.stdout)
            written = json.loads((Path(folder) / "restart.json").read_text())
            self.assertEqual({"machine", "python", "date", "command", "rows"} - set(written), set())
            self.assertEqual(len(written["rows"]), 2)
            left = sorted(path.name for path in Path(folder).iterdir())
            self.assertEqual(left, ["restart.json", "restart.svg"])

    def test_an_unknown_name_is_refused(self):
        run = subprocess.run(
            [sys.executable, "-m", "bench", "nonsense"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertEqual(run.returncode, 2)
        self.assertIn("nonsense: no such scenario", run.stderr)
