"""Clients that do much of what is allowed: it must not cost the others more than their share."""

import json
import random
import threading
import time

from tests.integration.api_v1 import Fault
from tests.integration.broker import tell, until
from tests.integration.live import Live
from tests.integration.wire import Closed, frame, garbage
from tests.integration.wire_v2 import V2, Refused, op

FIELDS = [
    "id",
    "topic",
    "messages",
    "sub",
    "codes",
    "n",
    "credit",
    "group",
    "start",
    "ack",
    "delay",
    "reason",
    "durable",
    "session",
    "key",
    "junk",
]
VALUES = (None, 1, -1, 1e300, "x", "", [], {}, [1], ["a"], {"a": 1}, True, 1 << 53, "t.>", "*", 1.5, "new", "\ud800")
OPS = ("hello", "publish", "subscribe", "credit", "ack", "nack", "touch", "unsubscribe", "nonsense", None, 1)


class Storm(Live):
    """With somebody who works on meanwhile."""

    def setUp(self):
        super().setUp()
        self.brisk = V2(self, self.broker.port)
        self.sub = self.brisk.subscribe("brisk", "g")
        self.slowest = 0.0

    def work(self):
        """Publish, consume and acknowledge one message, and note how long that takes."""
        began = time.monotonic()
        self.brisk.publish("brisk", "x")
        self.assertEqual(self.brisk.bodies(self.sub, 1), ["x"])
        self.slowest = max(self.slowest, time.monotonic() - began)

    def spent(self, call):
        """Processor time of the broker for that, in seconds."""
        before = self.broker.cpu()
        call()
        return self.broker.cpu() - before


class NackTests(Storm):
    def test_one_who_refuses_everything_at_once(self):
        self.api.post("topics", name="t", policy={"maxAttempts": 0, "backoff": 0})
        sub = self.client.subscribe("t", "g", credit=1000)
        self.client.publish("t", *["x"] * 1000)
        ends, nacks = time.monotonic() + 8, []

        def refuse():
            while time.monotonic() < ends:
                if self.client.read(0.05):
                    codes = [one["code"] for one in self.client.messages[sub]]
                    self.client.messages[sub].clear()
                    self.client.send(op("nack", sub=sub, codes=codes, reason="never"))
                    nacks.append(len(codes))

        stubborn = threading.Thread(target=refuse)
        stubborn.start()
        while stubborn.is_alive():
            self.work()
        nacks = sum(nacks)
        tell(f"{nacks} nacks in 8 s; others took {self.slowest * 1000:.0f} ms at most")
        self.assertGreater(nacks, 1000)
        self.assertLess(self.slowest, 5)


class WildcardTests(Storm):
    def topics(self, first, end):
        """A message in each of so many topics."""
        for start in range(first, end, 500):
            asked = [self.brisk.number() for _ in range(min(500, end - start))]
            for number, request in enumerate(asked, start):
                self.brisk.send(op("publish", id=request, topic=f"w.{number}", messages=[{"data": "x"}]))
            for request in asked:
                self.brisk.answered(request)

    def test_one_comes_again_however_many_topics_match_by_now(self):
        sub = self.client.subscribe("w.*", "g", credit=10_000)
        self.topics(0, 1500)
        self.client.take(sub, 500)
        self.client.close()
        self.client = V2(self, self.broker.port)
        sub = self.client.subscribe("w.*", "g", credit=10_000)
        self.assertEqual(len({one["topic"] for one in self.client.take(sub, 1000)}), 1000)
        self.again()
        self.assertEqual(self.client.rest(self.client.subscribe("w.*", "g")), [])

    def test_an_ack_costs_the_same_however_many_topics_match(self):
        sub, spent = self.client.subscribe("w.*", "g", credit=10_000), []
        for first, end in ((0, 500), (500, 4500)):
            self.topics(first, end)
            self.client.until(lambda end=end, first=first: len(self.client.messages[sub]) == end - first)
            held = [self.client.messages[sub].popleft() for _ in range(500)]
            spent.append(self.spent(lambda held=held: [self.client.settle("touch", sub, one) for one in held]))
            self.client.settle("ack", sub, *held, *self.client.messages[sub])
            self.client.messages[sub].clear()
        tell(f"500 touches with 500 topics {spent[0]:.2f} s, with 4500 topics {spent[1]:.2f} s of processor time")
        self.assertLess(spent[1], 3 * spent[0] + 0.2)


class NonsenseTests(Storm):
    def test_four_thousand_random_ops_on_one_connection(self):
        chance = random.Random(3)  # noqa: S311 -- repeatable
        for number in range(4000):
            fields = {name: chance.choice(VALUES) for name in chance.sample(FIELDS, chance.randint(0, 8))}
            self.client.send(frame(json.dumps(fields | {"op": chance.choice(OPS)})))
            if number % 100 == 0:
                self.assertTrue(self.client.pump(0.01), fields)
                self.work()
        self.assertTrue(self.client.pump(0.2))
        self.client.answers.clear()
        self.assertEqual(len(self.client.publish("fine", "x")), 1)
        self.assertNotIn("Traceback", self.broker.said())

    def test_halves_and_garbage(self):
        chance = random.Random(4)  # noqa: S311 -- repeatable
        for number in range(150):
            client = V2(self, self.broker.port, key="test" if number % 4 else None)
            whole = op("publish", id=1, topic="half", messages=[{"data": "y" * chance.randint(0, 3000)}])
            half = whole[: chance.randint(1, len(whole) - 1)]
            client.send(chance.choice((half, half, garbage(chance.randint(1, 400)))))
            chance.choice((client.close, client.reset))()
            if number % 15 == 0:
                self.work()
        self.assertEqual(self.api.get("topics", "half"), Fault(404, "notFound"))
        self.assertNotIn("Traceback", self.broker.said())
        self.assertLess(self.slowest, 5)

    def test_a_text_that_is_none_is_refused_by_its_id(self):
        # What JSON.stringify makes of half a surrogate pair.
        self.client.send(frame('{"op":"publish","id":7,"topic":"t","messages":[{"data":"\\ud800"}]}'))
        with self.assertRaises(Refused) as refused:
            self.client.answered(7, 2)
        self.assertEqual(refused.exception.code, "badRequest")

    def test_batches_beyond_what_is_taken(self):
        self.assertEqual(self.client.ask_any("publish", topic="t", messages=[{"data": "x"}] * 5001)["code"], "tooMany")
        self.assertEqual(len(self.client.publish("t", *["x" * 1500] * 5000)), 5000)
        too_big = self.client.ask_any("publish", topic="t", messages=[{"data": "x" * ((1 << 20) + 1)}])
        self.assertEqual((too_big["code"], too_big["index"]), ("tooBig", 0))
        self.client.send(op("publish", id=9, topic="t", messages=[{"data": "x" * 1_000_000}] * 9))
        with self.assertRaises(Closed) as closed:
            self.client.answered(9)
        self.assertEqual(closed.exception.code, 1009)


class ConnectionTests(Storm):
    def test_a_thousand_subscriptions_and_not_one_more(self):
        requests = [self.client.number() for _ in range(1001)]
        for request in requests:
            self.client.send(op("subscribe", id=request, topic=f"s.{request}", group="g"))
        for request in requests[:1000]:
            self.client.answered(request)
        with self.assertRaises(Refused) as refused:
            self.client.answered(requests[-1])
        self.assertEqual(refused.exception.code, "tooMany")
        for request in requests[:1000]:
            self.brisk.send(op("publish", id=request, topic=f"s.{request}", messages=[{"data": "x"}]))
        self.client.until(lambda: sum(map(len, self.client.messages.values())) == 1000)
        self.client.reset()
        until(lambda: not any(one["inFlight"] for one in self.api.get("groups")["groups"]), "giving back of all")
        self.work()
        self.assertLess(self.slowest, 5)

    def test_two_hundred_that_come_and_go(self):
        for turn in range(5):
            clients = [V2(self, self.broker.port, session=f"{turn}/{number}") for number in range(200)]
            for client in clients:
                client.send(
                    op("subscribe", id=1, topic="storm", group="g")
                    + op("publish", id=2, topic="storm", messages=[{"data": "x"}])
                )
            self.work()
            for client in clients:
                client.answered(2)
                client.reset()
        until(lambda: len(self.api.get("clients")["clients"]) == 2, "departure of all")
        group = self.api.get("topics", "storm", "groups", "g")
        self.assertEqual((group["lag"], group["inFlight"], group["members"]), (1000, 0, 0))
        self.assertLess(self.slowest, 5)
