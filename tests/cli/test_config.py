"""`kapokmq config check`: exit codes, and what goes where."""

from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

import kapokmq
from kapokmq.cli.main import main

HUNTER = "hunter2-never-shown"
CLUSTER = (
    "cluster.gossipKey: none, while 0.0.0.0 is listened on: whoever reaches the gossip port can join the pool and forge"
    " members; give a key, or gossip.allowed"
)
EVERY_LINE = f"""\
server:
  addr: mq.example.com
  tls: {{certificate: c.pem, key: k.pem}}
mq:
  secretKey: {HUNTER}
  pushType: 2
  pushMessagesSpeed: 1
  isPersistent: 1
  persistentTime: 0.5
  isClean: 0
cluster:
  isCluster: 1
topics:
  audit: {{retention: log}}
"""


class CheckTests(SynchronousTestCase):
    """The command, run in this process."""

    def check(self, text: str, **environ: str) -> tuple[str, Result]:
        path = self.mktemp()
        Path(path).write_text(text, "utf-8")
        return path, self.run_it("config", "check", path, **environ)

    def run_it(self, *args: str, **environ: str) -> Result:
        return CliRunner().invoke(main, args, env=environ)

    def test_a_file_that_is_right(self):
        path, result = self.check("# all defaults\n")
        self.assertEqual((result.exit_code, result.stderr), (0, ""))
        self.assertEqual(
            result.stdout.splitlines(),
            [
                f"{path}: ok",
                "  listens on 127.0.0.1, port 8011",
                "  gives a message to one of the consumers of its topic",
                "  stores in data/kapokmq.db before it confirms",
                "  deletes messages after 172800 s",
            ],
        )

    def test_every_line_of_the_summary_and_the_warnings(self):
        path, result = self.check(EVERY_LINE)
        self.assertEqual((result.exit_code, result.stderr), (0, ""))
        self.assertEqual(
            result.stdout.splitlines(),
            [
                f"{path}: ok",
                "  listens on 0.0.0.0, port 8011, with TLS",
                "  gives a message to every consumer of its topic",
                "  deals no more than 1000 messages in 1 s",
                "  stores every 0.5 s in data/kapokmq.db",
                "  policies of topics, by name or pattern: 1",
                f"warning: {path}: {CLUSTER}",
            ],
        )

    def test_every_mistake_goes_to_standard_error(self):
        path, result = self.check(
            f"mq: {{pushType: 3, secretKey: [{HUNTER}]}}\nsync: {{isSync: 1}}", KAPOKMQ_MQ_CREDIT="x"
        )
        self.assertEqual((result.exit_code, result.stdout), (2, ""))
        lines = result.stderr.splitlines()
        self.assertEqual(lines[0], f"{path}: mq.pushType: must be 1 or 2, not 3")
        self.assertEqual(
            [line.split(": ")[1] for line in lines], ["mq.pushType", "mq.secretKey", "KAPOKMQ_MQ_CREDIT", "sync.isSync"]
        )

    def test_the_key_is_never_printed(self):
        for text in (EVERY_LINE, f"{EVERY_LINE}x: 1\n", f"mq: {HUNTER}"):
            self.assertNotIn(HUNTER, self.check(text)[1].output)
        self.assertNotIn(HUNTER, self.check("", KAPOKMQ_MQ_SECRETKEY=HUNTER)[1].output)

    def test_a_file_that_is_not_there(self):
        result = self.run_it("config", "check", "no/such.yaml")
        self.assertEqual((result.exit_code, result.stderr), (2, "no/such.yaml: there is no such file\n"))

    def test_the_command_tells_what_it_is(self):
        self.assertIn(kapokmq.__version__, self.run_it("--version").stdout)
        self.assertIn("config", self.run_it("-h").stdout)
        self.assertEqual(self.run_it("config", "check").exit_code, 2)
