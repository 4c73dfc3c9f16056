"""kapokmq.testing: a broker for tests of others, without sockets, and what only it can do."""

import asyncio
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import MisuseError
from kapokmq.core.settings import AccessSettings, DeliverySettings, NodeSettings, RetentionSettings
from kapokmq.testing import Ended, MemoryNode, Refused, Subscription

ROOT = Path(__file__).parents[1]
HOUR = 3600.0
ENGINE_S = {"deliver", "dismissed", "joined", "settled", "refused", "extended"}  # not for tests
NOW = 1_800_000_000.0


def data(messages):
    return [message.data for message in messages]


def done(messages):
    """Their texts, acknowledged."""
    return [message.data for message in messages if message.ack()]


class Case(SynchronousTestCase):
    def make(self, **options):
        node = MemoryNode(now=NOW, **options)
        self.addCleanup(node.close)
        return node

    def setUp(self):
        self.node = self.make()

    def refused(self, code, call, *arguments, **options):
        self.assertEqual(self.assertRaises(Refused, call, *arguments, **options).code, code)


class PublishTests(Case):
    def test_texts_and_values(self):
        for given, carried in (("a", "a"), ({"n": [1, None]}, '{"n":[1,null]}'), (5, "5"), (None, "null"), ("", "")):
            self.node.publish("t", given)
            (message,) = self.node.lease("t")
            self.assertEqual(message.data, carried)
        self.assertEqual(data(self.node.leased("t")), ["a", '{"n":[1,null]}', "5", "null", ""])
        self.assertEqual(self.node.messages("t")[1].json(), {"n": [1, None]})

    def test_what_a_message_has(self):
        told = self.node.publish("t", {"n": 1}, key="k", headers={"a": "b"})
        self.node.advance(1)
        (message,) = self.node.lease("t", "g")
        self.assertEqual((message.code, message.topic, message.create_time, message.attempt), (told.code, "t", NOW, 1))
        self.assertEqual((message.key, message.headers, message.json()), ("k", {"a": "b"}, {"n": 1}))
        self.assertIn("attempt 1", repr(message))
        (record,) = self.node.messages()
        self.assertEqual(
            (record.code, record.create_time, record.key, record.headers), (told.code, NOW, "k", {"a": "b"})
        )

    def test_a_key_counts_within_its_window(self):
        first = self.node.publish("t", "a", key="k")
        second = self.node.publish("t", "b", key="k")
        self.assertEqual((first.duplicate, second), (False, (first.code, True)))
        self.node.advance(2 * 600 + 1)
        self.assertFalse(self.node.publish("t", "c", key="k").duplicate)
        self.assertEqual(data(self.node.messages("t")), ["a", "c"])

    def test_many_or_none(self):
        self.assertEqual(len({told.code for told in self.node.publish_many("t", ["a", 1])}), 2)
        self.refused("tooBig", self.node.publish_many, "t", ["a", "x" * ((1 << 20) + 1)])
        self.assertEqual(data(self.node.messages("t")), ["a", "1"])

    def test_refusals_are_the_wire_s(self):
        for code, topic, more in (
            ("badName", "", {}),
            ("badName", "a.*", {}),
            ("badName", "t", {"key": "x" * 256}),
            ("badRequest", "t", {"delay": -1}),
            ("badRequest", "t", {"headers": {"a": 1}}),
            ("badMessage", "t", {"delay": 1, "at": NOW}),
        ):
            self.refused(code, self.node.publish, topic, "x", **more)
        self.refused("badRequest", self.node.publish, "t", "\ud800")
        self.refused("badName", self.node.subscribe, "a..*")
        self.refused("badRequest", self.node.subscribe, "t", credit=-1)
        self.refused("badMessage", self.node.create_group, "t", "g", ackWait=-1)
        self.assertRaises(TypeError, self.node.publish, "t", b"bytes")
        self.assertRaises(ValueError, self.node.publish, "t", float("nan"))
        self.assertEqual(self.node.messages(), [])

    def test_a_topic_that_is_paused_refuses_with_when_to_come_again(self):
        self.node.create_topic("t", paused=True)
        fault = self.assertRaises(Refused, self.node.publish, "t", "x")
        self.assertEqual((fault.code, fault.retry_after), ("paused", 5.0))
        self.assertIn("paused", str(fault))
        self.node.create_topic("t")
        self.node.publish("t", "x")


class TimeTests(Case):
    def test_delays(self):
        worker = self.node.subscribe("t", "g")
        for delay in (HOUR, 0.25, 30):
            self.node.publish("t", f"{delay:g}", delay=delay)
        self.node.publish("t", "at", at=NOW + 2 * HOUR)
        self.assertEqual((worker.take(), len(self.node.delayed("t"))), ([], 4))
        self.node.advance(0.25)
        self.assertEqual(done(worker), ["0.25"])
        self.node.advance(29.7)
        self.assertEqual(done(worker), [])
        self.node.advance(0.05)
        self.assertEqual(done(worker), ["30"])
        self.node.advance(HOUR - 30)
        self.assertEqual(done(worker), ["3600"])
        self.node.advance(HOUR)
        self.assertEqual((done(worker), self.node.delayed("t")), (["at"], []))
        self.assertAlmostEqual(self.node.now, NOW + 2 * HOUR)

    def test_many_small_steps_come_to_the_same(self):
        self.node.publish("t", "x", delay=1)
        worker = self.node.subscribe("t", "g")
        for _ in range(10):
            self.assertEqual(worker.take(), [])
            self.node.advance(0.1)
        self.assertEqual(data(worker), ["x"])

    def test_what_expires_is_not_delivered(self):
        self.node.publish("t", "short", expire=5)
        self.node.publish("t", "long", expire=HOUR)
        self.node.advance(5)
        self.assertEqual(data(self.node.lease("t", count=9)), ["long"])

    def test_a_lease_runs_out_unless_it_is_touched(self):
        self.node.publish_many("t", ["a", "b"])
        a, b = self.node.lease("t", "g", 2)
        self.node.advance(50)
        self.assertTrue(a.touch())
        self.node.advance(50)
        self.assertFalse(b.touch())
        (again,) = self.node.lease("t", "g", 9)
        self.assertEqual((again.data, again.attempt, data(self.node.leased("t"))), ("b", 2, ["a", "b"]))
        self.assertTrue(b.ack())  # it counts, though its lease was lost
        self.assertFalse(again.ack())

    def test_what_lies_here_is_replaced_by_its_next_attempt(self):
        worker = self.node.subscribe("t", "g")
        self.node.publish("t", "x")
        self.node.advance(61)
        (message,) = worker.take()
        self.assertEqual(message.attempt, 2)
        self.assertTrue(message.ack())

    def test_retention(self):
        node = self.make(settings=NodeSettings(retention=RetentionSettings(clean_seconds=HOUR)))
        node.publish("t", "x")
        node.advance(HOUR - 1)
        self.assertEqual(len(node.messages()), 1)
        node.advance(2)
        self.assertEqual(node.messages(), [])

    def test_a_year_passes_quickly(self):
        self.node.publish("t", "x", delay=365 * 24 * HOUR)
        self.node.advance(365 * 24 * HOUR)
        self.assertEqual(data(self.node.lease("t")), ["x"])

    def test_time_goes_forward_only(self):
        for seconds in (-1, float("inf"), float("nan")):
            self.assertRaises(ValueError, self.node.advance, seconds)


class GroupTests(Case):
    def test_one_member_of_a_group_gets_a_message_and_each_group(self):
        a, b = self.node.subscribe("t", "g"), self.node.subscribe("t", "g")
        other, mine = self.node.subscribe("t", "other"), self.node.subscribe("t")
        texts = [f"{n}" for n in range(40)]
        self.node.publish_many("t", texts)
        parts = [data(a), data(b)]
        self.assertTrue(all(parts))
        self.assertEqual(sorted(parts[0] + parts[1]), sorted(texts))
        self.assertEqual((data(other), data(mine)), (texts, texts))
        self.assertEqual(sorted(self.node.groups("t")), ["g", "other"])

    def test_the_same_seed_gives_the_same_shares(self):
        shares = []
        for seed in (1, 1, 2):
            node = self.make(seed=seed)
            a, _ = node.subscribe("t", "g"), node.subscribe("t", "g")
            node.publish_many("t", range(40))
            shares.append(data(a))
        self.assertEqual(shares[0], shares[1])
        self.assertNotEqual(shares[0], shares[2])

    def test_patterns_and_starts(self):
        self.node.publish("a.x", "old")
        self.node.create_group("a.x", "first")
        self.assertEqual(data(self.node.subscribe("a.*", "all", start="all")), ["old"])
        self.assertEqual(data(self.node.subscribe("a.x", "since", start=NOW)), ["old"])
        self.assertEqual(data(self.node.subscribe("a.x", "later", start=NOW + 1)), [])
        worker = self.node.subscribe("a.>", "new")
        self.node.publish("a.y.z", "new")
        self.assertEqual([(one.topic, one.data) for one in worker], [("a.y.z", "new")])
        self.assertEqual(self.node.topics(), ["a.x", "a.y.z"])

    def test_credit(self):
        worker = self.node.subscribe("t", "g", credit=2)
        self.node.publish_many("t", range(5))
        first = worker.take()
        self.assertEqual(data(first), ["0", "1"])
        self.assertTrue(first[0].ack())
        self.assertEqual(data(worker.take(1)), ["2"])
        worker.set_credit(0)
        self.assertTrue(first[1].ack())
        self.assertEqual(worker.take(), [])
        worker.set_credit(9)
        self.assertEqual(data(worker), ["3", "4"])

    def test_who_owes_nothing_has_acknowledged(self):
        tail = self.node.subscribe("t", "g", acks=False)
        self.node.publish_many("t", range(3))
        self.assertEqual((data(tail), data(self.node.acknowledged("t"))), (["0", "1", "2"], ["0", "1", "2"]))

    def test_what_a_member_held_goes_to_others(self):
        with self.node.subscribe("t", "g") as worker:
            self.node.publish_many("t", range(3))
            (held,) = worker.take(1)
        self.assertRaises(Ended, worker.take)
        self.assertRaises(Ended, held.ack)
        worker.close()
        self.assertEqual(sorted(data(self.node.lease("t", "g", 9))), ["0", "1", "2"])

    def test_a_group_or_topic_that_is_deleted_dismisses_its_members(self):
        worker = self.node.subscribe("t", "g")
        self.node.publish("t", "x")
        self.assertTrue(self.node.delete_group("t", "g"))
        self.assertEqual(data(worker.take()), ["x"])
        self.assertRaises(Ended, worker.take)
        other = self.node.subscribe("t", "other")
        self.assertEqual(data(other), ["x"])  # the topic's first durable group again
        self.assertTrue(self.node.delete_topic("t"))
        self.assertRaises(Ended, other.one)
        self.assertEqual((self.node.topics(), self.node.delete_topic("t")), ([], False))

    def test_a_group_that_is_leased_from_can_be_deleted(self):
        self.node.publish("t", "x")
        self.assertEqual(len(self.node.lease("t", "g")), 1)
        self.node.delete_group("t", "g")
        self.assertEqual(data(self.node.lease("t", "g")), ["x"])


class FailureTests(Case):
    def test_a_nack_waits_and_its_last_is_a_dead_letter(self):
        self.node.create_group("t", "g", maxAttempts=3, backoff=10)
        self.node.publish("t", "x")
        for delay, wait in ((5, 5), (None, 20)):
            (message,) = self.node.lease("t", "g")
            self.assertTrue(message.nack(delay, "no stock"))
            self.assertFalse(message.touch())
            (record,) = self.node.waiting("t")
            progress = record.groups["g"]
            self.assertEqual((record.state, progress.reason), ("retrying", "no stock"))
            self.assertAlmostEqual(progress.due, self.node.now + wait)
            self.node.advance(wait - 0.001)
            self.assertEqual(self.node.lease("t", "g"), [])
            self.node.advance(0.001)
        (message,) = self.node.lease("t", "g")
        self.assertEqual(message.attempt, 3)
        message.nack(reason="really")
        (letter,) = self.node.dead("t")
        self.assertEqual((letter.data, letter.groups["g"][:3]), ("x", ("dead", 3, "really")))
        self.assertEqual((self.node.waiting("t"), data(self.node.delivered("t"))), ([], ["x"]))
        self.assertEqual(self.node.retry_dead("t"), 1)
        (again,) = self.node.lease("t", "g")
        self.assertEqual((again.attempt, self.node.dead("t")), (1, []))

    def test_a_full_node(self):
        node = self.make(settings=NodeSettings(delivery=DeliverySettings(buffer=2)))
        node.publish_many("t", range(2))
        fault = self.assertRaises(Refused, node.publish, "t", "x")
        self.assertEqual((fault.code, fault.retry_after), ("full", 1.0))
        for message in node.lease("t", count=2):
            message.ack()
        node.publish("t", "x")

    def test_a_node_that_drains(self):
        (message,) = self.node.publish("t", "x") and self.node.lease("t")
        self.node.drain()
        self.refused("draining", self.node.publish, "t", "y")
        self.refused("draining", self.node.subscribe, "t")
        self.assertTrue(message.ack())

    def test_a_closed_node_says_so(self):
        worker = self.node.subscribe("t")
        with self.node as node:
            self.assertIs(node, self.node)
        self.node.close()
        self.assertRaises(MisuseError, self.node.publish, "t", "x")
        self.assertRaises(MisuseError, worker.close)

    def test_settings_of_a_node_hold(self):
        access = replace(AccessSettings(), max_message_bytes=10)
        node = self.make(settings=NodeSettings(access=access, delivery=DeliverySettings(ack_wait=5.0)))
        self.refused("tooBig", node.publish, "t", "x" * 11)
        node.publish("t", "x")
        node.lease("t", "g")
        node.advance(5)
        self.assertEqual([one.state for one in node.waiting("t")], ["retrying"])
        node.advance(1)
        self.assertEqual(data(node.lease("t", "g")), ["x"])


class AskTests(Case):
    def test_every_state(self):
        self.node.create_group("t", "g", maxAttempts=1)
        self.node.publish_many("t", ["acked", "dead", "leased", "waiting"])
        self.node.publish("t", "delayed", delay=5)
        self.node.lease("t", "g")[0].ack()
        self.node.lease("t", "g")[0].nack()
        self.node.lease("t", "g")
        states = {one.data: one.state for one in self.node.messages("t", "g")}
        self.assertEqual(
            states,
            {"acked": "acknowledged", "dead": "dead", "leased": "leased", "waiting": "waiting", "delayed": "delayed"},
        )
        asks = ("acknowledged", "dead", "leased", "waiting", "delayed")
        self.assertEqual(
            [data(getattr(self.node, ask)("t")) for ask in asks],
            [["acked"], ["dead"], ["leased"], ["waiting"], ["delayed"]],
        )
        self.assertEqual(data(self.node.delivered("t", "g")), ["acked", "dead", "leased"])

    def test_without_a_group(self):
        self.node.publish("t", "x")
        self.node.publish("t", "later", delay=5)
        self.assertEqual((data(self.node.waiting("t")), data(self.node.delayed("t"))), (["x"], ["later"]))
        self.assertEqual((self.node.leased("t"), self.node.waiting("nothing")), ([], []))

    def test_of_several_groups_one_is_named(self):
        for group in ("a", "b"):
            self.node.create_group("t", group)
        self.node.publish("t", "x")
        self.node.lease("t", "a")
        self.assertIn("name one: a, b", str(self.assertRaises(ValueError, self.node.waiting, "t")))
        self.assertIn("but: a, b", str(self.assertRaises(ValueError, self.node.waiting, "t", "c")))
        self.assertEqual((data(self.node.leased("t", "a")), data(self.node.waiting("t", "b"))), (["x"], ["x"]))
        self.assertEqual({name: one.state for name, one in self.node.messages("t")[0].groups.items()},
                         {"a": "leased", "b": "waiting"})  # fmt: skip

    def test_thousands(self):
        self.node.publish_many("t", range(2500))
        self.assertEqual([one.json() for one in self.node.messages("t")], list(range(2500)))


class DocumentTests(SynchronousTestCase):
    """What docs/testing.md says."""

    def test_its_examples_run(self):
        text = (ROOT / "docs" / "testing.md").read_text("utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        self.assertGreater(len(blocks), 6)
        if "pytest" not in sys.modules:
            sys.modules["pytest"] = SimpleNamespace(fixture=contextmanager)
            self.addCleanup(sys.modules.pop, "pytest")
        for block in blocks:
            names = {"__name__": "example"}
            exec(compile(block, "docs/testing.md", "exec"), names)  # noqa: S102 -- it is ours
            for name, call in list(names.items()):
                if name.startswith("test_") and "node" in names and call.__code__.co_argcount:
                    with names["node"]() as node:
                        call(node)
                elif name.startswith("test_"):
                    call()

    def test_it_names_all_there_is(self):
        text = (ROOT / "docs" / "testing.md").read_text("utf-8")
        for kind in (MemoryNode, Subscription):
            for name in set(dir(kind)) - set(dir(object)):
                if not name.startswith("_") and name not in ENGINE_S:
                    self.assertRegex(text, rf"\b{name}\b", kind.__name__)


class WaitingTests(Case):
    def test_another_thread_publishes(self):
        worker = self.node.subscribe("t", "g")
        self.assertRaises(TimeoutError, worker.one)
        self.assertRaises(TimeoutError, worker.one, timeout=0.01)
        thread = threading.Timer(0.02, self.node.publish, ("t", "x"))
        thread.start()
        self.addCleanup(thread.join)
        self.assertEqual(worker.one(timeout=30).data, "x")

    def test_tasks_wait_for_each_other(self):
        async def scenario():
            async with MemoryNode(now=NOW) as node:
                worker = node.subscribe("t", "g")
                first = asyncio.create_task(worker.receive())
                given_up = asyncio.create_task(worker.receive())
                await asyncio.sleep(0)
                given_up.cancel()
                node.publish_many("t", ["a", "b"])
                message = await first
                self.assertEqual((message.data, message.ack()), ("a", True))
                node.publish("t", "c", delay=HOUR)
                seen, came = [], asyncio.Event()

                async def consume():
                    async for message in worker:
                        seen.append(message.data)
                        message.ack()
                        came.set()

                task = asyncio.create_task(consume())
                await came.wait()
                came.clear()
                node.advance(HOUR)
                await came.wait()
                self.assertEqual(seen, ["b", "c"])
                worker.close()
                await asyncio.wait_for(task, 30)
                with self.assertRaises(Ended):
                    await worker.receive()

        asyncio.run(scenario())

    def test_a_live_clock_goes_with_the_real_one(self):
        begun = time.time()
        with MemoryNode() as node:
            time.sleep(0.05)
            worker = node.subscribe("t", "g")
            node.serve(live=True)
            self.assertGreaterEqual(node.now, begun + 0.05)
            node.publish("t", "x", delay=0.2)
            due = node.now + 0.2
            self.assertEqual(worker.one(timeout=30).data, "x")
            self.assertGreaterEqual(node.now, due - 0.02)
            self.assertLessEqual(node.now, time.time() + 0.02)
            node.until(lambda: time.time() - node.now < 0.5, timeout=30)
            node.advance(HOUR)
            self.assertGreater(node.now, time.time() + HOUR - 30)

    def test_a_live_clock_goes_on_from_where_it_was_set(self):
        with MemoryNode(NodeSettings(retention=RetentionSettings(clean_seconds=1)), now=NOW) as node:
            node.serve(live=True)
            self.assertLess(node.now, NOW + 30)
            node.publish("t", "x")
            node.until(lambda: not node.messages(), timeout=30)  # as the check loop does
            self.assertGreater(node.now, NOW + 1)

    def test_a_clock_stands_still_unless_it_is_to_be_live(self):
        node = self.make()
        node.serve()
        time.sleep(0.05)
        self.assertEqual(node.now, NOW)

    def test_it_makes_no_reactor(self):
        script = (
            "import sys; from kapokmq.testing import MemoryNode\n"
            "with MemoryNode() as node:\n"
            "    node.publish('t', 1); node.lease('t')[0].ack(); node.advance(60)\n"
            "print('twisted.internet.reactor' in sys.modules, 'klein' in sys.modules)"
        )
        told = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        )
        self.assertEqual(told.stdout, "False False\n")
