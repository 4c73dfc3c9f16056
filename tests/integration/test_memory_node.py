"""The same scenarios with a MemoryNode, with one that serves sockets, and with a real broker process.

What a test of somebody else sees in memory is what the program meets later.
"""

import asyncio
import json
import socket
import threading
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.testing import MemoryNode, Refused
from tests.integration.api_v1 import ApiV1, Fault
from tests.integration.broker import start
from tests.integration.http import Api
from tests.integration.wire import Closed, Consumer, Producer
from tests.integration.wire_v2 import V2
from tests.integration.wire_v2 import Refused as Told

WAIT = 0.3  # seconds that things take here


class Direct:
    """A MemoryNode, called."""

    def __init__(self, case):
        self.node = MemoryNode()
        case.addCleanup(self.node.close)

    def publish(self, topic, data, **options):
        try:
            return tuple(self.node.publish(topic, data, **options))
        except Refused as no:
            return no.code

    def subscribe(self, topic, group=None, **options):
        try:
            return DirectWorker(self.node.subscribe(topic, group, **options))
        except Refused as no:
            return no.code

    def configure(self, topic, group, **config):
        self.node.create_group(topic, group, **config)

    def pause(self, topic):
        self.node.create_topic(topic, paused=True)

    def dead(self, topic, group):
        letters = self.node.dead(topic, group)
        return [(one.data, one.groups[group].failures, one.groups[group].reason) for one in letters]

    def state(self, code, group):
        (found,) = [one for one in self.node.messages() if one.code == code]
        return found.groups[group].state

    def wait(self, seconds):
        """Let time pass, where it does not by itself."""
        self.node.advance(seconds)


class DirectWorker:
    """Somebody who consumes. What it gets are the fields of the wire's deliveries."""

    def __init__(self, subscription):
        self.subscription = subscription
        self.held = {}

    def get(self, count):
        taken = self.subscription.take(count)
        self.held |= {one.code: one for one in taken}
        names = ("code", "topic", "data", "attempt", "key", "headers")
        return [
            {name: getattr(one, name) for name in names if getattr(one, name)} | {"data": one.data} for one in taken
        ]

    def nothing(self):
        return not self.subscription.take()

    def ack(self, code):
        return self.held[code].ack()

    def nack(self, code, delay=None, reason=""):
        return self.held[code].nack(delay, reason)

    def touch(self, code):
        return self.held[code].touch()

    def leave(self):
        self.subscription.close()


class Wired:
    """A broker behind a socket."""

    def __init__(self, case, port):
        self.wire = V2(case, port)
        self.api = ApiV1(SimpleNamespace(port=port))

    def publish(self, topic, data, **options):
        try:
            told = self.wire.ask("publish", topic=topic, messages=[{"data": data} | options])
        except Told as no:
            return no.code
        return told["codes"][0], bool(told.get("duplicates"))

    def subscribe(self, topic, group=None, *, acks=True, start=None, credit=None):
        try:
            sub = self.wire.subscribe(
                topic,
                group,
                ack=None if acks else "none",
                credit=credit,
                start=start if start is None or isinstance(start, str) else {"time": start},
            )
        except Told as no:
            return no.code
        return WiredWorker(self.wire, sub)

    def configure(self, topic, group, **config):
        self._make("topics", topic, "groups", name=group, config=config)

    def pause(self, topic):
        self._make("topics", name=topic, policy={"paused": True})

    def _make(self, *path, **fields):
        answer = self.api.post(*path, **fields)
        assert not isinstance(answer, Fault), answer

    def dead(self, topic, group):
        found = self.api.get("topics", topic, "groups", group, "dead")
        return [(one["message"]["data"], one["attempts"], one["reason"]) for one in found["dead"]]

    def state(self, code, group):
        return self.api.state(code, group)

    def wait(self, seconds):
        """It passes by itself: what is waited for is read."""


class WiredWorker:
    """A subscription."""

    def __init__(self, wire, sub):
        self.wire = wire
        self.sub = sub

    def get(self, count):
        names = ("code", "topic", "data", "attempt", "key", "headers")
        taken = self.wire.take(self.sub, count, ack=False)
        return [{name: one[name] for name in names if name in one} for one in taken]

    def nothing(self):
        """Whether nothing is on its way: the answer to a question comes behind it."""
        self.wire.ask("touch", sub=self.sub, codes=["0" * 40])
        return not self.wire.messages[self.sub]

    def _settle(self, kind, code, **more):
        return not self.wire.ask(kind, sub=self.sub, codes=[code], **more).get("unknown")

    def ack(self, code):
        return self._settle("ack", code)

    def nack(self, code, delay=None, reason=""):
        return self._settle("nack", code, delay=delay, reason=reason)

    def touch(self, code):
        return self._settle("touch", code)

    def leave(self):
        self.wire.ask("unsubscribe", sub=self.sub)


class Served(Wired):
    """A MemoryNode behind a socket."""

    def __init__(self, case):
        self.node = MemoryNode()
        case.addCleanup(self.node.close)
        self.node.serve()
        super().__init__(case, self.node.port)

    def wait(self, seconds):
        self.node.advance(seconds)


class Contract:
    """What all of them do alike."""

    def test_publish_consume_and_acknowledge(self):
        world = self.world()
        worker = world.subscribe("t", "g")
        code, duplicate = world.publish("t", 'ä\u0000"', key="k", headers={"a": "b"})
        (got,) = worker.get(1)
        self.assertEqual(
            got, {"code": code, "topic": "t", "data": 'ä\u0000"', "attempt": 1, "key": "k", "headers": {"a": "b"}}
        )
        self.assertEqual((duplicate, world.state(code, "g")), (False, "leased"))
        self.assertTrue(worker.touch(code))
        self.assertEqual((worker.ack(code), worker.ack(code), worker.touch(code)), (True, False, False))
        self.assertEqual(world.state(code, "g"), "acknowledged")
        self.assertTrue(worker.nothing())

    def test_a_value_is_carried_as_its_json(self):
        world = self.world()
        worker = world.subscribe("t", "g")
        for value in ({"n": [1, None]}, 5, True):
            world.publish("t", value)
        self.assertEqual([json.loads(one["data"]) for one in worker.get(3)], [{"n": [1, None]}, 5, True])

    def test_a_nack_waits_and_the_last_is_a_dead_letter(self):
        world = self.world()
        world.configure("t", "g", maxAttempts=2, backoff=WAIT)
        worker = world.subscribe("t", "g")
        code, _ = world.publish("t", "x")
        (first,) = worker.get(1)
        self.assertTrue(worker.nack(first["code"], WAIT, "no stock"))
        self.assertEqual(world.state(code, "g"), "retrying")
        self.assertTrue(worker.nothing())
        world.wait(WAIT)
        (second,) = worker.get(1)
        self.assertEqual((second["code"], second["attempt"]), (code, 2))
        self.assertTrue(worker.nack(code, reason="really"))
        self.assertEqual(world.state(code, "g"), "dead")
        self.assertEqual(world.dead("t", "g"), [("x", 2, "really")])

    def test_a_lease_that_runs_out_is_another_attempt(self):
        world = self.world()
        world.configure("t", "g", ackWait=WAIT, backoff=0)
        worker = world.subscribe("t", "g")
        world.publish("t", "x")
        worker.get(1)
        world.wait(WAIT)
        (again,) = worker.get(1)
        self.assertEqual((again["data"], again["attempt"]), ("x", 2))
        self.assertTrue(worker.ack(again["code"]))

    def test_delays(self):
        world = self.world()
        worker = world.subscribe("t", "g")
        code, _ = world.publish("t", "late", delay=2 * WAIT)
        world.publish("t", "soon", delay=WAIT)
        world.publish("t", "now")
        self.assertEqual([one["data"] for one in worker.get(1)], ["now"])
        self.assertEqual((world.state(code, "g"), worker.nothing()), ("delayed", True))
        world.wait(2 * WAIT)
        self.assertEqual([one["data"] for one in worker.get(2)], ["soon", "late"])

    def test_a_key_is_stored_once(self):
        world = self.world()
        worker = world.subscribe("t", "g")
        first = world.publish("t", "a", key="k")
        self.assertEqual(world.publish("t", "b", key="k"), (first[0], True))
        self.assertEqual([one["data"] for one in worker.get(1)], ["a"])
        self.assertTrue(worker.nothing())

    def test_groups_patterns_and_starts(self):
        world = self.world()
        one, two, other = (world.subscribe("a.*", group) for group in ("g", "g", "other"))
        alone, tail = world.subscribe("a.x"), world.subscribe("a.x", acks=False)
        texts = [f"{n}" for n in range(20)]
        for text in texts:
            world.publish("a.x", text)
        for worker in (other, alone, tail):
            self.assertEqual([got["data"] for got in worker.get(20)], texts)
        late = world.subscribe("a.x", "late", start="all")
        self.assertEqual([got["data"] for got in late.get(20)], texts)
        one.leave()
        self.assertEqual(len({got["code"] for got in two.get(20)}), 20)

    def test_credit(self):
        world = self.world()
        worker = world.subscribe("t", "g", credit=1)
        for text in "ab":
            world.publish("t", text)
        (first,) = worker.get(1)
        self.assertTrue(worker.nothing())
        worker.ack(first["code"])
        self.assertEqual([one["data"] for one in worker.get(1)], ["b"])

    def test_refusals(self):
        world = self.world()
        self.assertEqual(world.publish("a.*", "x"), "badName")
        self.assertEqual(world.publish("t", "x" * ((1 << 20) + 1)), "tooBig")
        self.assertEqual(world.publish("t", "x", delay=-1), "badRequest")
        self.assertEqual(world.publish("t", "x", delay=1, at=1), "badMessage")
        self.assertEqual(world.publish("t", "x", key=""), "badName")
        self.assertEqual(world.subscribe("a..*"), "badName")
        self.assertEqual(world.subscribe("t", "g", credit=-1), "badRequest")
        world.pause("p")
        self.assertEqual(world.publish("p", "x"), "paused")


class MemoryContractTests(Contract, SynchronousTestCase):
    def world(self):
        return Direct(self)


class ServedContractTests(Contract, SynchronousTestCase):
    def world(self):
        return Served(self)


class RealContractTests(Contract, SynchronousTestCase):
    def world(self):
        return Wired(self, start(self).port)


class ServingTests(SynchronousTestCase):
    """What only a MemoryNode with sockets can do."""

    def setUp(self):
        self.node = MemoryNode()
        self.addCleanup(self.node.close)

    def served(self):
        self.node.serve()
        return self.node.port

    def test_calls_and_clients_meet(self):
        wire = V2(self, self.served(), session="s")
        worker = self.node.subscribe("t", "g")
        (code,) = wire.publish("t", "x", durable=True)
        message = worker.one(timeout=30)
        self.assertEqual((message.code, message.data), (code, "x"))
        sub = wire.subscribe("u", "g")
        self.node.publish("u", "later", delay=3600)
        self.node.advance(3600)
        self.assertEqual(wire.bodies(sub, 1), ["later"])
        self.assertEqual([one.data for one in self.node.until(lambda: self.node.acknowledged("u"))], ["later"])
        self.assertRaises(TimeoutError, self.node.until, lambda: self.node.leased("u"), timeout=0.01)
        self.assertEqual(self.node.serve(), self.node.url)
        self.assertTrue(self.node.url.endswith(f":{self.node.port}/v2"))

    def test_the_classic_wire_and_http(self):
        port = self.served()
        producer, consumer = Producer(self, port), Consumer(self, port)
        producer.publish("x")
        self.assertEqual(consumer.receive()["MessageData"], "x")
        api = Api(port)
        self.assertEqual([one["name"] for one in api.get("/api/v1/topics").json["topics"]], ["t"])
        self.assertEqual(api.get("/metrics").status, 200)
        self.assertEqual(api.figure('kapokmq_connections{kind="producer"}'), 1.0)
        self.assertEqual(self.node.http_url, f"http://127.0.0.1:{port}")

    def test_large_bodies_and_a_slow_reader(self):
        wire = V2(self, self.served(), read_buffer=4096)
        sub = wire.subscribe("t", "g")
        body = "x" * (1 << 20)
        self.node.publish_many("t", [body] * 8)
        self.assertEqual([len(one) for one in wire.bodies(sub, 8)], [1 << 20] * 8)
        self.assertEqual(len(self.node.acknowledged("t")), 8)

    def test_a_resent_publish_is_stored_once(self):
        port = self.served()
        for resent in (None, True):
            wire = V2(self, port, session="s")
            told = wire.ask("publish", id=7, topic="t", messages=[{"data": "x"}])
            self.assertEqual(told.get("resent"), resent)
            self.assertEqual(self.node.drop_connections(), 1)
            self.assertRaises(Closed, wire.read)
        self.assertEqual(len(self.node.messages("t")), 1)

    def test_a_drain_is_told_and_the_end_too(self):
        wire = V2(self, self.served())
        self.node.drain()
        wire.until(lambda: wire.others)
        self.assertEqual(wire.others[0]["op"], "drain")
        self.assertEqual(wire.ask_any("publish", topic="t", messages=[{"data": "x"}])["code"], "draining")
        ends = []
        reader = threading.Thread(target=lambda: ends.append(wire.closed()))
        reader.start()
        self.node.close()
        reader.join()
        self.assertEqual(ends, [(1001, "this node stops")])

    def test_a_wrong_key(self):
        wire = V2(self, self.served(), key=None)
        self.assertEqual(wire.ask_any("hello", key="guess")["code"], "unauthorized")

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            before = threading.active_count()
            self.assertRaises(OSError, self.node.serve, taken.getsockname()[1])
            self.assertEqual(threading.active_count(), before)
        self.assertRaises(RuntimeError, lambda: self.node.url)
        self.node.publish("t", "x")

    def test_no_thread_stays(self):
        before = threading.active_count()
        for _ in range(3):
            with MemoryNode() as node:
                node.serve()
                V2(self, node.port)
        self.assertEqual(threading.active_count(), before)

    def test_clients_within_one_event_loop(self):
        async def scenario():
            from websockets.asyncio.client import connect  # noqa: PLC0415 -- nobody else here needs it

            async with MemoryNode() as node:
                worker = node.subscribe("t", "g")
                async with connect(node.serve()) as wire:
                    await wire.send('{"op":"hello","key":"test"}')
                    await wire.send('{"op":"publish","id":1,"topic":"t","messages":[{"data":"x"}]}')
                    return (await asyncio.wait_for(worker.receive(), 30)).data

        self.assertEqual(asyncio.run(scenario()), "x")
