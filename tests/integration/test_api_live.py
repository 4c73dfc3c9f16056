"""The API of a running node: work by poll, events as they come, v2 beside classic consumers."""

import threading
import time

from tests.integration.api_v1 import ApiV1, Events, Fault
from tests.integration.broker import until
from tests.integration.live import Live
from tests.integration.wire import Consumer, Producer
from tests.integration.wire_v2 import V2

GROUP = ("topics", "jobs", "groups", "workers")


class PollTests(Live):
    def lease(self, most=10, wait=0.0, **more):
        """Ask for work."""
        return self.api.post(*GROUP, "lease", max=most, wait=wait, **more)["messages"]

    def settle(self, what, *messages, **more):
        """Ack, nack or touch. Gives the indexes of those unknown."""
        return self.api.post(*GROUP, what, codes=[one["code"] for one in messages], **more)["unknown"]

    def test_a_worker_that_has_nothing_but_requests(self):
        self.api.publish("jobs", "one", "two", {"data": "three", "headers": {"a": "b"}, "key": "k"})
        got = self.lease(2)
        self.assertEqual([one["data"] for one in got], ["one", "two"])
        self.near(got[0]["leasedUntil"], time.time() + 60, 5)
        self.assertEqual(self.settle("touch", *got), [])
        self.assertEqual(self.settle("ack", got[0]), [])
        self.assertEqual(self.settle("ack", got[0]), [0])
        self.assertEqual(self.settle("nack", got[1], delay=0, reason="busy"), [])
        again = {one["data"]: one for one in self.lease(10)}
        self.assertEqual(set(again), {"two", "three"})
        self.assertEqual((again["two"]["attempt"], again["three"]["attempt"]), (2, 1))
        self.assertEqual((again["three"]["headers"], again["three"]["key"]), ({"a": "b"}, "k"))
        self.assertEqual(self.settle("ack", *again.values()), [])
        self.assertEqual(self.lease(10), [])
        self.again()
        self.assertEqual(self.lease(10), [])
        self.assertEqual(self.broker.api.counts()["consumed"], 3)
        self.assertEqual(self.api.post("topics", "jobs", "groups", "none", "ack", codes=["x"]), Fault(404, "notFound"))

    def test_a_poll_waits_for_what_comes(self):
        self.lease()
        came = []
        waiting = threading.Thread(target=lambda: came.extend(self.lease(10, wait=20)))
        waiting.start()
        until(lambda: self.api.get("clients")["members"], "member")
        began = time.monotonic()
        self.api.publish("jobs", "now")
        waiting.join(20)
        self.assertEqual([one["data"] for one in came], ["now"])
        self.assertLess(time.monotonic() - began, 5)

    def test_many_at_once_get_each_message_once(self):
        total, found, lock = 400, [], threading.Lock()
        self.api.publish("jobs", *map(str, range(total)))
        self.lease(1, start="all")  # which nobody acknowledges until it is given back below

        def work():
            while got := self.lease(7, wait=0.3):
                self.assertEqual(self.settle("ack", *got), [])
                with lock:
                    found.extend(one["data"] for one in got)

        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(len(found), total - 1)

    def test_what_was_leased_comes_back_after_its_time(self):
        self.api.post("topics", name="jobs", policy={"ackWait": 0.5, "backoff": 0})
        self.api.publish("jobs", "x")
        held = self.lease()
        self.assertEqual(len(held), 1)
        again = until(lambda: self.lease(1, wait=5), "second lease")
        self.assertEqual((again[0]["code"], again[0]["attempt"]), (held[0]["code"], 2))

    def test_whoever_hangs_up_while_waiting_takes_nothing_along(self):
        self.lease()
        for _ in range(5):
            gone = ApiV1(self.broker)
            with self.assertRaises(ValueError):  # an empty answer: we hung up
                gone.ask("POST", *GROUP, "lease", body={"wait": 30}, seconds=0.1)
        self.api.publish("jobs", "x")
        self.assertEqual([one["data"] for one in self.lease(1, wait=5)], ["x"])


class EventTests(Live):
    def test_counts(self):
        events = Events(self, self.broker.port, "counts?every=1")
        name, counts = events.next()
        self.assertEqual((name, counts["all"]), ("counts", 0))
        self.api.publish("t", "a", "b")
        self.assertEqual(until(lambda: events.next()[1]["all"], "counts"), 2)

    def test_a_tail_sees_what_comes_and_takes_nothing(self):
        self.api.publish("t.a", "before")
        one, all_ = Events(self, self.broker.port, "topics/t.a"), Events(self, self.broker.port, "topics/t.*")
        code = self.api.publish("t.a", {"data": "x", "headers": {"h": "1"}, "key": "k"})[0]
        self.api.publish("t.b", "y")
        name, seen = one.next()
        self.assertEqual((name, seen["data"], seen["code"]), ("message", "x", code))
        self.assertEqual((seen["headers"], seen["key"]), ({"h": "1"}, "k"))
        self.assertEqual([all_.next()[1]["data"] for _ in "xy"], ["x", "y"])
        self.assertEqual(self.broker.api.counts()["unconsumed"], 3)
        one.close()
        all_.close()
        until(lambda: not self.api.get("clients")["members"], "departure of both")

    def test_a_tail_that_does_not_read_costs_nothing(self):
        self.api.post("topics", name="t")
        self.tail = Events(self, self.broker.port, "topics/t")
        before = self.broker.rss()
        for _ in range(60):
            self.client.publish("t", *["x" * 1000] * 1000)
        self.assertLess(self.broker.rss() - before, (128 + 64) << 20)
        self.assertEqual(self.tail.next()[1]["data"], "x" * 1000)


class BroadcastTests(Live):
    settings = {"MQ_PUSHTYPE": 2}  # noqa: RUF012 -- never changed

    def test_classic_consumers_private_groups_and_named_ones(self):
        classic = [Consumer(self, self.broker.port, name=name) for name in "ab"]
        private = self.client.subscribe("t")
        other = V2(self, self.broker.port)
        tail = other.subscribe("t", ack="none")
        named = [(each, each.subscribe("t", "named")) for each in (self.client, other)]
        bodies = [str(number) for number in range(200)]
        Producer(self, self.broker.port).publish(*bodies)
        for consumer in classic:
            self.assertEqual(consumer.bodies(200), bodies)
        self.assertEqual(self.client.bodies(private, 200), bodies)
        self.assertEqual([one["data"] for one in other.take(tail, 200, ack=False)], bodies)
        got = [one["data"] for client, sub in named for one in client.rest(sub)]
        self.assertEqual(sorted(got, key=int), bodies)
        until(lambda: self.broker.api.counts()["consumed"] == 200, "consumption")

    def test_a_named_member_of_the_broadcast_is_refused_in_words(self):
        answer = self.client.ask_any("subscribe", topic="t", group="default")
        self.assertEqual((answer["op"], answer["code"]), ("error", "unsupported"))


class TogetherTests(Live):
    def test_v2_and_classic_consumers_share_the_default_group(self):
        classic = Consumer(self, self.broker.port)
        sub = self.client.subscribe("t", "default", credit=2000)
        bodies = [str(number) for number in range(3000)]
        Producer(self, self.broker.port).publish(*bodies[:1500])
        self.client.publish("t", *bodies[1500:])
        mine = [one["data"] for one in self.client.rest(sub, 0.5)]
        others = [one["MessageData"] for one in classic.rest(0.5)]
        self.assertEqual(sorted(mine + others, key=int), bodies)
        self.assertGreater(len(mine), 500)
        self.assertGreater(len(others), 500)
        until(lambda: self.broker.api.counts()["consumed"] == 3000, "consumption")
