"""The transcripts of `kapokmq.v2` against a real twistd process."""

import json
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import PATIENCE, ROOT, folder, start

SUITE = ROOT / "tests" / "conformance" / "v2"


def follow(broker, *arguments, suite=SUITE):
    """Run transcripts. Gives the exit code and a line each."""
    command = [sys.executable, str(suite), f"ws://127.0.0.1:{broker.port}/v2", "--patience", str(PATIENCE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


class ConformanceTests(SynchronousTestCase):
    def test_a_broker_speaks_v2_as_its_transcripts_say(self):
        broker = start(self)
        code, lines = follow(broker, "--drain")
        self.assertEqual([line for line in lines if not line.startswith("ok ")], [])
        self.assertEqual((code, len(lines)), (0, len(list(SUITE.glob("transcripts/*.jsonl")))))
        self.assertEqual(broker.ended(), 0, broker.said())

    def test_the_runner_needs_nothing_of_ours_and_finds_what_differs(self):
        copy = folder(self)
        (copy / "transcripts").mkdir()
        for file in SUITE.glob("*.py"):
            (copy / file.name).write_bytes(file.read_bytes())
        steps = [{"connect": "a", "hello": {}}, {"send": {"op": "subscribe", "id": 1, "topic": "t"}}]
        for name, expected in (
            ("1-right", {"op": "ok", "id": 1}),
            ("2-value", {"op": "ok", "id": 2}),
            ("3-type", {"op": "ok", "id": 1.0}),
            ("4-lacks", {"op": "ok", "id": 1, "sub": 1}),
            ("5-more", {"op": "ok"}),
            ("6-text", {"op": "ok", "id": "$text"}),
        ):
            lines = [json.dumps(step) for step in [*steps, {"expect": expected}]]
            (copy / "transcripts" / f"{name}.jsonl").write_text("\n".join(lines))
        wrong = {
            "7-silence": [*steps, {"silence": 5}],
            "8-message": [*steps, {"messages": [1, [{}]]}],
            "9-closed": [{"connect": "a"}, {"binary": "ff"}, {"closed": 1009}],
        }
        for name, lines in wrong.items():
            (copy / "transcripts" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
        code, lines = follow(start(self), "--patience", "1", suite=copy)
        self.assertEqual(code, 1)
        self.assertEqual([line.split()[0] for line in lines], ["ok"] + ["FAILED"] * 8, lines)
