"""Clients that somebody else wrote, against a real twistd process: they must find nothing odd."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.integration.broker import PATIENCE, start, until
from tests.integration.http import CONSUMED, WAITING
from tests.integration.wire import PROMPT, RIGHT

NODE_MODULES = "KAPOKMQ_NODE_MODULES"  # where npm put `ws`: .ci/run installs it there
CLIENT = Path(__file__).with_name("client.js")
PAGE = Path(__file__).with_name("client_v2.js")
BODY = 'päron "quoted" <b>&</b> \U0001f980 in one line'


class CommandLine:
    """`python -m websockets URL`: a person types lines, and reads what comes."""

    def __init__(self, case, url):
        self._case = case
        self._out = Path(case.mktemp())
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "websockets", url],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
            )
        case.addCleanup(self._end)

    def _end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def type(self, line):
        """Type a line."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def sees(self, pattern):
        """Wait for this on the screen. Gives the match."""
        return until(lambda: re.search(pattern, self._out.read_text("utf-8")), f"{pattern!r} on the screen")

    def leave(self):
        """Type the end of the input. Gives the exit code."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


class CommandLineTests(SynchronousTestCase):
    def test_the_command_line_of_websockets_publishes_consumes_and_acknowledges(self):
        broker = start(self)
        consumer = CommandLine(self, f"ws://127.0.0.1:{broker.port}/Consumers/Conn/orders/c1")
        producer = CommandLine(self, f"ws://127.0.0.1:{broker.port}/Producers/Conn/orders/p1")
        for client in (producer, consumer):
            client.sees("< Please enter the secret key")
            client.type("guess")
            client.sees("< Secret key matching error")
            client.type("test")
            client.sees("< Secret key matching succeeded")
        producer.type(json.dumps({"MessageData": BODY, "DelayTime": 0}))
        producer.sees("< ok\n")
        pushed = json.loads(consumer.sees(r'< (\{"MessageCode":.*\})')[1])
        self.assertEqual(pushed["MessageData"], BODY)
        code = pushed["MessageCode"]
        self.assertEqual(broker.api.message(code)["Status"], WAITING)
        consumer.type(code)
        shown = until(lambda: self.consumed(broker, code), "acknowledgement")
        self.assertEqual(shown["MessageData"], BODY)
        for client in (producer, consumer):
            self.assertEqual(client.leave(), 0)
            client.sees("Connection closed: 1000")
        self.assertEqual(broker.stop(), 0)

    def consumed(self, broker, code):
        """The message, once GetMessage shows it consumed."""
        shown = broker.api.message(code)
        return shown if shown["Status"] == CONSUMED and shown["ConsumedTime"] else None


class NodeTests(SynchronousTestCase):
    def told(self, script, url):
        """What a script that runs in Node has to tell."""
        modules = os.environ.get(NODE_MODULES, "")
        node = shutil.which("node")
        if node is None or not Path(modules, "ws").is_dir():
            if os.environ.get("CI"):
                self.fail(f"in CI there must be node, and {NODE_MODULES} must name the folder with its package ws")
            raise SkipTest(f"wants node, and {NODE_MODULES} set to a folder that holds its package ws")
        finished = subprocess.run(
            [node, str(script), url, "test", BODY],
            env=os.environ | {"NODE_PATH": modules},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(finished.returncode, 0, finished.stderr.decode())
        return json.loads(finished.stdout)

    def test_a_browsers_websocket_speaks_v2(self):
        broker = start(self)
        told = self.told(PAGE, f"ws://127.0.0.1:{broker.port}/v2")
        self.assertEqual((told["protocol"], told["closed"]), ("kapokmq.v2", 1000))
        answers = [one for one in told["told"] if one["op"] != "deliver"]
        self.assertEqual(
            [(one["op"], one["id"]) for one in answers],
            [("error", 0), ("welcome", 1), ("ok", 2), ("ok", 3), ("ok", 4)],
        )
        self.assertEqual((answers[0]["code"], answers[-1]["durable"]), ("unauthorized", "fsync"))
        delivered = [message for one in told["told"] if one["op"] == "deliver" for message in one["messages"]]
        self.assertEqual(
            [(message["data"], message["attempt"], message.get("headers")) for message in delivered],
            [(BODY, 1, None), ('{"n":[1,null]}', 1, {"a": "b"}), (BODY, 2, None)],
        )
        self.assertEqual([message["code"] for message in delivered[:2]], answers[3]["codes"])
        until(lambda: broker.api.counts()["consumed"] == 2, "acknowledgements")

    def test_the_ws_package_of_node_publishes_consumes_and_acknowledges(self):
        broker = start(self)
        told = self.told(CLIENT, f"ws://127.0.0.1:{broker.port}")
        self.assertEqual(told["consumer"], told["producer"][:4])
        self.assertEqual(
            told["producer"],
            [PROMPT, "Secret key matching error", PROMPT, RIGHT, "ok", "ok"],
        )
        self.assertEqual([pushed["MessageData"] for pushed in told["pushed"]], [BODY, "binary"])
        self.assertEqual(told["closed"], {"producer": 1000, "consumer": 1000})
        self.assertEqual(told["pong"], "are you there?")
        for pushed in told["pushed"]:
            shown = until(lambda code=pushed["MessageCode"]: broker.api.message(code), "message")
            self.assertEqual((shown["Status"], shown["ConsumedTime"] > 0), (CONSUMED, True))
