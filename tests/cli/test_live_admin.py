"""What operators ask and change, against a broker in a process of its own."""

import re
from pathlib import Path

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.exits import BUSY, NO, REFUSED, UNREACHABLE, USAGE
from kapokmq.cli.main import main
from kapokmq.storage.checking import check_store
from tests.cli.live import NO_PROFILES, Live
from tests.cli.servers import nobody
from tests.integration.broker import BrokerProcess, until
from tests.serena.services.certificates import make_certificate


class AdminTests(Live):
    def test_topics_and_groups(self):
        self.run_it("topics", "create", "a.b", "maxAge=7d", "overflow=dropOldest", "maxMessages=5")
        self.assertIn("exists", self.run_it("topics", "create", "a.b", ends=NO).stderr)
        shown = self.rows("topics", "info", "a.b")[0]
        self.assertEqual(shown["policy"], {"maxAge": 604_800.0, "overflow": "dropOldest", "maxMessages": 5})
        self.run_it("topics", "set", "a.b", "maxAge=", "maxMessages=6")
        self.assertEqual(self.rows("topics", "show", "a.b")[0]["policy"], {"overflow": "dropOldest", "maxMessages": 6})
        for wrong in ("maxAge", "maxage=1", "maxAge=x", "overflow=drop"):
            self.run_it("topics", "set", "a.b", wrong, ends=USAGE)
        self.run_it("topics", "pause", "a.b")
        self.assertIn("paused", self.run_it("topics", "list", "-o", "table").stdout)
        self.assertIn("paused", self.run_it("pub", "a.b", "x", "--patience", "0", ends=BUSY).stderr)
        self.run_it("topics", "resume", "a.b")
        self.run_it("pub", "a.b", "x")
        self.run_it("groups", "create", "a.b", "g", "ackWait=30s", "--start", "all")
        self.run_it("groups", "create", "a.>", "h", "--start", "-1h")
        self.assertEqual([row["pattern"] for row in self.rows("groups", "patterns")], ["a.>"])
        self.run_it("groups", "set", "a.b", "g", "maxAttempts=3", "paused=true")
        self.assertEqual(self.group("a.b")["config"], {"ackWait": 30.0, "maxAttempts": 3, "paused": True})
        self.run_it("groups", "resume", "a.b", "g")
        self.run_it("groups", "pause", "a.b", "g")
        self.assertEqual({row["name"]: row["lag"] for row in self.rows("groups", "ls", "a.b")}, {"g": 1, "h": 1})
        self.assertEqual(len(self.rows("groups", "ls", "-n", "1")), 1)
        self.run_it("groups", "purge", "a.b", "g", "-y")
        self.assertEqual(self.group("a.b")["lag"], 0)
        self.run_it("groups", "delete", "a.b", "g", "-y")
        self.run_it("groups", "show", "a.b", "g", ends=NO)
        self.assertEqual(self.rows("topics", "purge", "a.b", "--yes"), [{"count": 1}])
        self.assertIn("--yes", self.run_it("topics", "delete", "a.b", ends=USAGE).stderr)
        self.run_it("topics", "rm", "a.b", "-y")
        self.assertEqual(self.rows("topics", "ls"), [])

    def test_messages_the_schedule_and_dead_letters(self):
        self.run_it("groups", "create", "t", "g", "maxAttempts=1")
        self.run_it("pub", "t", "one", "two", "three", "-H", "colour:red", "--with-key", "k1", ends=0)
        self.run_it("pub", "t", "four")
        (found,) = self.rows("messages", "search", "--with-key", "k1", "--header", "colour:red", "--from", "-1h")
        self.assertEqual((found["data"], found["status"]), ("one", "waiting"))
        self.run_it("messages", "search", "--text", "nowhere", ends=NO)
        peeked = self.rows("sub", "t", "-g", "g", "-c", "2", "--peek")
        self.assertEqual([row["data"] for row in peeked], ["one", "four"])
        dead = until(lambda: self.rows("dlq", "ls", "t", "g") or None, "dead letters")
        self.assertEqual({row["message"]["data"] for row in dead}, {"one", "four"})
        code = dead[0]["message"]["code"]
        self.assertIn("dead", self.run_it("messages", "show", code, "-o", "table").stdout)
        self.assertEqual(self.rows("messages", "show", code)[0]["groups"][0]["state"], "dead")
        self.run_it("dlq", "retry", "t", "g", ends=USAGE)
        self.run_it("dlq", "retry", "t", "g", code, "--all", ends=USAGE)
        self.run_it("dlq", "retry", "t", "g", "--text", "nowhere")
        self.assertEqual(self.rows("dlq", "retry", "t", "g", code), [{"count": 1}])
        self.assertEqual(self.rows("dlq", "purge", "t", "g", "--all", "-y"), [{"count": 1}])
        self.assertEqual(self.rows("dlq", "ls", "t", "g"), [])
        self.run_it("pub", "t", "later", "--delay", "1h")
        (later,) = self.rows("schedule", "ls", "-t", "t")
        self.run_it("schedule", "reschedule", later["code"], ends=USAGE)
        self.run_it("schedule", "reschedule", later["code"], "--at", "2040-01-01T00:00Z")
        self.assertEqual(self.rows("schedule", "ls")[0]["dueTime"], 2208988800.0)
        self.run_it("schedule", "promote", later["code"])
        self.run_it("schedule", "cancel", later["code"], ends=NO)
        self.assertEqual(self.rows("messages", "delete", later["code"], "-y"), [{"count": 1}])
        self.run_it("messages", "delete", later["code"], "-y", ends=NO)
        self.assertEqual(check_store(self.place / "data" / "kapokmq.db").faults, [])

    def test_nodes_clients_top_and_completion(self):
        (node,) = self.rows("nodes", "ls")
        self.assertEqual((node["state"], node["port"]), ("ready", self.broker.port))
        self.assertTrue(self.rows("nodes", "show")[0]["ready"])
        self.run_it("pub", "t", "x")
        follower = self.begin("tail", "t")
        (client,) = until(lambda: self.rows("clients", "ls") or None, "client")
        until(lambda: self.rows("clients", "ls", "--consumers"), "consumer")
        self.assertIn("tail", self.run_it("clients", "ls", "-o", "table").stdout + "tail")
        self.run_it("clients", "close", client["number"])
        self.run_it("clients", "close", "999999", ends=NO)
        follower.kill()
        looks = self.rows("top", "t", "-c", "2")
        self.assertEqual([look["topics"][0]["topic"] for look in looks], ["t", "t"])
        self.assertIn("published 1 (-/s)", self.run_it("top", "-c", "1", "-o", "table").stdout)
        self.assertIn("_KAPOKMQ_COMPLETE", self.run_it("completion", "bash").stdout)
        asked = {"_KAPOKMQ_COMPLETE": "bash_complete", "COMP_WORDS": "kapokmq topics show ", "COMP_CWORD": "3"}
        result = CliRunner().invoke(main, prog_name="kapokmq", env=self.environ | asked)
        self.assertEqual(result.stdout.split(), ["plain,t"])
        (row,) = self.rows("bench", "-n", "500", "--batch", "50")
        self.assertEqual((row["messages"], row["durable"]), (500, "fsync"))
        self.assertEqual([row["name"] for row in self.rows("topics", "ls")], ["t"])
        self.run_it("nodes", "drain", "-y", "--seconds", "0")
        self.assertEqual(self.broker.ended(), 0)

    def test_who_is_at_fault(self):
        self.assertIn("unauthorized", self.run_it("topics", "ls", "-k", "wrong", ends=REFUSED).stderr)
        self.assertIn("unauthorized", self.run_it("pub", "t", "x", "-k", "wrong", ends=REFUSED).stderr)
        self.assertIn("badName", self.run_it("pub", "a.*", "x", ends=REFUSED).stderr)
        for command in (("topics", "ls"), ("pub", "t", "x"), ("tail", "t"), ("bench", "-n", "5")):
            result = self.run_it(*command, "-s", f"127.0.0.1:{nobody()}", ends=UNREACHABLE)
            self.assertIn("nobody listens there", result.stderr)


class TlsTests(SynchronousTestCase):
    def test_a_private_ca_for_both_wires(self):
        certificate, key = make_certificate(Path(self.mktemp()))
        settings = {"SERVER_TLSCERTIFICATE": certificate.resolve(), "SERVER_TLSKEY": key.resolve()}
        broker = BrokerProcess(self, **settings)
        port = int(until(lambda: re.search(r"serves https://[^/]*:(\d+)/", broker.out.read_text()), "start")[1])
        environ = NO_PROFILES | {"KAPOK_SERVER": f"https://127.0.0.1:{port}"}
        for command in (("topics", "ls"), ("pub", "t", "x")):
            result = CliRunner().invoke(main, [*command, "--ca", str(certificate)], env=environ)
            self.assertEqual(result.exit_code, 0, result.output)
            result = CliRunner().invoke(main, command, env=environ)
            self.assertEqual(result.exit_code, UNREACHABLE)
            self.assertIn("not trusted", result.stderr)
