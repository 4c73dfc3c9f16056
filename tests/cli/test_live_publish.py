"""Publishing and following, against a broker in a process of its own."""

import json
import signal
import time
from pathlib import Path

import kapokmq.cli.sub as following
from kapokmq.cli.exits import BUSY, NO, UNUSABLE, USAGE
from tests.cli.live import Live
from tests.integration.broker import start, until


class PublishTests(Live):
    def test_what_can_be_published(self):
        place = Path(self.mktemp())
        place.mkdir()
        (place / "whole.txt").write_bytes("two\nlines é\n".encode())
        (place / "lines.txt").write_bytes(b"l1\r\nl2\n\nl4")
        (place / "bad.txt").write_bytes(b"ok\n\xff\n")
        self.run_it("groups", "create", "t", "g", "--start", "all")
        self.run_it("pub", "t", "-f", place / "whole.txt", "--repeat", "2")
        self.run_it("pub", "t", "-l", place / "lines.txt")
        given = '{"data": {"n": 1}, "key": "k", "headers": {"a": "b"}}\n{"data": "x", "code": "c", "attempt": 2}\n'
        self.run_it("pub", "t", "--json", "-H", "c:d", given=given)
        self.assertIn("line 1", self.run_it("pub", "t", "--json", given="{}\n", ends=USAGE).stderr)
        self.assertIn("colour", self.run_it("pub", "t", "--json", given='{"data":1,"colour":2}', ends=USAGE).stderr)
        self.assertIn("UTF-8", self.run_it("pub", "t", "-l", place / "bad.txt", ends=UNUSABLE).stderr)
        self.run_it("pub", "t", "-l", place / "none.txt", ends=UNUSABLE)
        self.run_it("pub", "t", "x", "--delay", "1s", "--at", "now", ends=USAGE)
        self.run_it("pub", "t", "x", "-H", "novalue", ends=USAGE)
        rows = self.rows("sub", "t", "-g", "g", "-c", "8")
        texts = ["two\nlines é\n"] * 2 + ["l1", "l2", "", "l4", '{"n":1}', "x"]
        self.assertEqual([row["data"] for row in rows], texts)
        self.assertEqual(rows[6]["headers"], {"c": "d", "a": "b"})
        (stored,) = self.rows("pub", "t", "again", "--with-key", "k")
        self.assertEqual((stored["stored"], stored["duplicates"], stored["durable"]), (0, 1, "fsync"))

    def test_no_more_is_taken_than_is_asked_for(self):
        self.run_it("groups", "create", "t", "g")
        self.run_it("pub", "t", "x", "--repeat", "50")
        taken = self.rows("sub", "t", "-g", "g", "-c", "7") + self.rows(
            "sub", "t", "-g", "g", "-c", "20", "--credit", "3"
        )
        self.assertEqual([row["attempt"] for row in taken], [1] * 27)
        rest = self.run_it("sub", "t", "-g", "g", "-w", "0.3", "--raw").stdout
        self.assertEqual(rest, "x\n" * 23)
        self.assertEqual(self.broker.api.figure("kapokmq_messages_delivered_total"), 50)
        self.run_it("sub", "t", "-g", "g", "-c", "1", "-w", "0.05", ends=NO)

    def test_what_is_only_looked_at_does_not_come_again_meanwhile(self):
        self.patch(following, "TOUCH_EVERY", 0.3)
        self.run_it("groups", "create", "t", "g", "ackWait=1s")
        self.run_it("pub", "t", "one", "two")
        self.assertEqual([row["attempt"] for row in self.rows("sub", "t", "-g", "g", "--peek", "-w", "2.5")], [1, 1])
        self.assertEqual([row["attempt"] for row in self.rows("sub", "t", "-g", "g", "-c", "2")], [2, 2])

    def test_the_rate_is_kept(self):
        begun = time.monotonic()
        self.run_it("pub", "t", "x", "--repeat", "60", "--rate", "100")
        self.assertGreater(time.monotonic() - begun, 0.5)

    def test_lines_go_out_as_they_come_and_are_followed(self):
        self.run_it("topics", "create", "t")
        follower = self.begin("tail", "t", "--filter", "o", "-c", "2", "--with-key", "k")
        until(lambda: self.rows("clients", "ls"), "client")
        until(lambda: self.rows("clients", "ls", "--consumers"), "consumer")
        publisher = self.begin("pub", "t", "--with-key", "k", "--json")
        for data, key in (("one", "k"), ("two", "x"), ("three", "k"), ("four", "k2"), ("zero", "k")):
            publisher.stdin.write(json.dumps({"data": data, "key": key}).encode() + b"\n")
            publisher.stdin.flush()
        self.assertEqual(json.loads(follower.stdout.readline())["data"], "one")  # while the other still waits for lines
        self.run_it("pub", "u", "x")
        publisher.stdin.close()
        self.assertEqual(publisher.wait(20), 0)
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(20), 130)

    def test_a_consumer_takes_up_where_it_was(self):
        self.run_it("groups", "create", "t", "g")
        follower = self.begin("sub", "t", "-g", "g", "-c", "400")
        self.run_it("pub", "t", "--lines", "-", given="".join(f"{number}\n" for number in range(200)))
        lines = [follower.stdout.readline() for _ in range(150)]
        self.assertTrue(all(lines), None if all(lines) else follower.stderr.read())
        seen = {json.loads(line)["data"] for line in lines}
        self.broker.kill()
        self.broker = start(self, self.place, SERVER_PORT=self.broker.port)
        self.run_it("pub", "t", "--lines", "-", given="".join(f"{number}\n" for number in range(200, 600)))
        said, told = follower.stdout.read(), follower.stderr.read()
        seen |= {json.loads(line)["data"] for line in said.splitlines()}
        self.assertEqual(follower.wait(30), 0, told)
        self.assertIn(b"trying again", told)
        self.assertEqual(len(seen) + self.group()["lag"], 600)

    def test_it_does_not_wait_for_more_lines_when_it_can_not_go_on(self):
        self.run_it("topics", "create", "t", "paused=true")
        publisher = self.begin("pub", "t", "--patience", "0")
        publisher.stdin.write(b"x\n")
        publisher.stdin.flush()
        self.assertEqual(publisher.wait(20), BUSY)
        self.assertEqual(publisher.stderr.read().count(b"\n"), 1)

    def test_a_broker_that_is_killed_costs_nothing_and_doubles_nothing(self):
        self.run_it("groups", "create", "t", "g", "--start", "all")
        publisher = self.begin("pub", "t", "--batch", "20")
        for number in range(3000):
            publisher.stdin.write(b"%d\n" % number)
            if number == 1500:
                publisher.stdin.flush()
                until(lambda: self.group()["lag"] > 200, "messages")
                self.broker.kill()
        publisher.stdin.close()
        self.broker = start(self, self.place, SERVER_PORT=self.broker.port)
        told, said = publisher.stderr.read(), publisher.stdout.read()
        self.assertEqual(publisher.wait(30), 0, told)
        self.assertEqual(json.loads(said)["stored"], 3000)
        self.assertIn(b"trying again", told)
        taken = self.rows("sub", "t", "-g", "g", "-c", "3000")
        self.assertEqual([int(row["data"]) for row in taken], list(range(3000)))
        self.run_it("sub", "t", "-g", "g", "-c", "1", "-w", "0.1", ends=NO)
