"""Groups in a running node: dead letters, pauses, purges, deletion under members, patterns."""

from tests.integration.api_v1 import Fault
from tests.integration.broker import tell, until
from tests.integration.live import Live
from tests.integration.wire import Consumer, Producer, message
from tests.integration.wire_v2 import Refused


class DeadLetterTests(Live):
    def fail(self, count, sub, reason):
        """Nack so many. Gives them."""
        held = self.client.take(sub, count, ack=False)
        for first in range(0, count, 1000):  # as many as one op takes
            some = held[first : first + 1000]
            self.assertEqual(self.client.settle("nack", sub, *some, delay=0, reason=reason), [])
        return held

    def test_from_the_second_failure_over_a_kill_to_a_third_try(self):
        self.api.post("topics", name="t")
        self.assertEqual(self.api.put("topics", "t", maxAttempts=2, backoff=0)["effective"]["maxAttempts"], 2)
        sub = self.client.subscribe("t", "g")
        codes = self.client.publish("t", *({"data": f"{n}", "headers": {"n": f"{n}"}} for n in range(10)))
        self.fail(10, sub, "first")
        last = self.fail(10, sub, "second")
        self.assertEqual({one["attempt"] for one in last}, {2})
        self.assertEqual(self.client.rest(sub), [])
        self.again()
        dead = self.api.get("topics", "t", "groups", "g", "dead")["dead"]
        self.assertEqual([one["message"]["code"] for one in dead], codes)
        self.assertEqual({(one["attempts"], one["reason"]) for one in dead}, {(2, "second")})
        self.assertEqual(dead[3]["message"]["headers"], {"n": "3"})
        self.assertEqual(self.api.state(codes[0], "g"), "dead")
        self.assertEqual([one["kind"] for one in self.api.life(codes[0], "g")["events"]], ["nacked", "nacked", "dead"])
        self.assertEqual(self.api.get("counts", topic="t")["topics"][0]["dead"], 10)
        sub = self.client.subscribe("t", "g")
        self.assertEqual(self.client.rest(sub), [], "dead letters are not delivered")
        self.send_again(sub, codes)

    def send_again(self, sub, codes):
        """One, then by filter, then what is left is purged."""
        place = ("topics", "t", "groups", "g", "dead")
        self.assertEqual(self.api.post(*place, codes[0], "send"), {"result": "done"})
        got = self.client.take(sub, 1)[0]
        self.assertEqual((got["code"], got["data"], got["attempt"]), (codes[0], "0", 1))
        self.assertEqual(self.api.post(*place, codes[0], "send"), Fault(409, "tooLate"))
        self.assertEqual(self.api.post(*place, "0" * 40, "send"), Fault(404, "notFound"))
        self.assertEqual(self.api.post(*place, "send", filter={"text": "7"})["count"], 1)
        self.assertEqual(self.client.bodies(sub, 1), ["7"])
        self.assertEqual(self.api.post(*place, "send", limit=5)["count"], 5)
        self.assertEqual(sorted(self.client.bodies(sub, 5)), ["1", "2", "3", "4", "5"])
        self.assertEqual(self.api.post(*place, "purge")["count"], 3)
        self.assertEqual(self.api.get(*place)["dead"], [])
        until(lambda: self.broker.api.counts()["consumed"] == 10, "consumption of all")
        self.again()
        self.assertEqual(self.api.get(*place)["dead"], [])
        self.assertEqual(self.broker.api.counts()["consumed"], 10)
        self.assertEqual(self.client.rest(self.client.subscribe("t", "g")), [])
        kinds = [one["kind"] for one in self.api.life(codes[0], "g")["events"]]
        self.assertEqual(kinds, ["nacked", "nacked", "dead", "sentAgain"])

    def test_silence_and_departure_count_as_failures(self):
        self.api.post("topics", name="t", policy={"maxAttempts": 2, "backoff": 0, "ackWait": 0.3})
        sub = self.client.subscribe("t", "g")
        self.client.publish("t", "silence")
        self.client.take(sub, 1, ack=False)
        self.client.take(sub, 1, ack=False)
        found = until(lambda: self.api.get("topics", "t", "groups", "g", "dead")["dead"], "dead letter")
        self.assertEqual(found[0]["attempts"], 2)
        tell(f"why it was given up: {found[0]['reason']!r}")

    def test_all_again_page_by_page(self):
        self.api.post("topics", name="t", policy={"maxAttempts": 1})
        sub = self.client.subscribe("t", "g", credit=20_000)
        self.client.publish("t", *map(str, range(2000)))
        self.fail(2000, sub, "no")
        place, cursor, count = ("topics", "t", "groups", "g", "dead"), None, 0
        while True:
            page = self.api.post(*place, "send", limit=700, **({} if cursor is None else {"cursor": cursor}))
            count, cursor = count + page["count"], page["cursor"]
            if cursor is None:
                break
        self.assertEqual(count, 2000)
        self.assertEqual(sorted(map(int, self.client.bodies(sub, 2000))), list(range(2000)))


class SteeringTests(Live):
    def test_a_paused_group_gets_nothing_and_a_paused_topic_takes_nothing(self):
        sub, other = self.client.subscribe("t", "g"), self.client.subscribe("t", "other")
        self.assertTrue(self.api.post("topics", "t", "groups", "g", "pause")["config"]["paused"])
        self.client.publish("t", "one")
        self.assertEqual(self.client.bodies(other, 1), ["one"])
        self.assertEqual(self.client.rest(sub), [])
        self.again()
        sub = self.client.subscribe("t", "g")
        self.assertEqual(self.client.rest(sub), [], "a pause outlives a kill")
        self.api.post("topics", "t", "groups", "g", "resume")
        self.assertEqual(self.client.bodies(sub, 1), ["one"])

        self.api.post("topics", "t", "pause")
        with self.assertRaises(Refused) as refused:
            self.client.publish("t", "two")
        self.assertEqual(refused.exception.code, "paused")
        self.assertGreater(refused.exception.answer["retryAfter"], 0)
        self.assertEqual(self.api.post("topics", "t", "messages", data="x"), Fault(503, "paused"))
        classic = Producer(self, self.broker.port)
        classic.send(message("x"))
        self.assertEqual(classic.closed()[0], 1013)
        self.assertEqual(self.broker.api.send("t", "x").status, 503)
        self.api.post("topics", "t", "resume")
        self.client.publish("t", "two")
        self.assertEqual(self.client.bodies(sub, 1), ["two"])

    def test_a_purged_group_is_done_with_what_nobody_holds(self):
        sub = self.client.subscribe("t", "g", credit=3)
        self.client.subscribe("t", "other", credit=0)
        self.client.publish("t", *map(str, range(10)))
        held = self.client.take(sub, 3, ack=False)
        self.assertEqual(self.api.post("topics", "t", "groups", "g", "purge"), {"count": 7})
        self.assertEqual(self.client.settle("nack", sub, held[0], delay=0), [])
        self.assertEqual(self.client.settle("ack", sub, *held[1:]), [])
        self.assertEqual([one["code"] for one in self.client.take(sub, 1)], [held[0]["code"]])
        self.assertEqual(self.client.rest(sub), [])
        self.again()
        self.assertEqual(self.client.rest(self.client.subscribe("t", "g")), [])
        sub = self.client.subscribe("t", "other")
        self.assertEqual(sorted(self.client.bodies(sub, 10)), [str(number) for number in range(10)])

    def test_a_purged_topic_is_empty(self):
        sub = self.client.subscribe("t", "g", credit=2)
        self.client.publish("t", *map(str, range(10)), {"data": "later", "delay": 600})
        held = self.client.take(sub, 2, ack=False)
        self.assertEqual(self.api.post("topics", "t", "purge"), {"count": 11})
        until(lambda: self.broker.api.counts()["all"] == 0, "emptiness")
        self.client.settle("ack", sub, *held)  # whether that still counts, it must do no harm
        self.client.publish("t", "fresh")
        self.assertEqual(self.client.bodies(sub, 1), ["fresh"])
        until(lambda: self.broker.api.counts() == self.broker.api.counts() | {"all": 1, "consumed": 1}, "counts")
        self.again()
        self.assertEqual(self.broker.api.counts(), self.broker.api.counts() | {"all": 1, "consumed": 1, "delay": 0})
        self.assertEqual(self.client.rest(self.client.subscribe("t", "g")), [])

    def test_a_deleted_group_dismisses_its_members_and_frees_the_topic(self):
        sub, other = self.client.subscribe("t", "g", credit=1), self.client.subscribe("t", "other")
        self.client.publish("t", "one", "two")
        self.client.take(sub, 1, ack=False)
        self.assertEqual(self.client.bodies(other, 2), ["one", "two"])
        self.assertEqual(self.api.delete("topics", "t", "groups", "g"), {"result": "done"})
        self.gone(self.client, sub)
        self.assertEqual(self.api.delete("topics", "t", "groups", "g"), Fault(404, "notFound"))
        until(lambda: self.broker.api.counts()["consumed"] == 2, "consumption: no group is left that wants them")
        fresh = self.client.subscribe("t", "g")
        self.client.publish("t", "three")
        self.assertEqual(self.client.bodies(fresh, 1), ["three"])
        self.again()
        self.assertEqual({one["name"] for one in self.api.get("topics", "t", "groups")["groups"]}, {"g", "other"})

    def test_a_deleted_topic_dismisses_all_and_its_name_is_free(self):
        sub, private = self.client.subscribe("t", "g", credit=1), self.client.subscribe("t")
        classic = Consumer(self, self.broker.port)
        self.client.publish("t", "one", "two", {"data": "later", "delay": 1})
        self.client.take(sub, 1, ack=False)
        self.assertEqual(self.api.delete("topics", "t"), {"result": "done"})
        self.gone(self.client, sub)
        self.gone(self.client, private)
        code, _ = classic.closed()
        self.assertEqual(code, 1001)
        self.assertEqual(self.api.get("topics", "t"), Fault(404, "notFound"))
        fresh = until(self.fresh, "free name")
        self.assertEqual(self.broker.api.counts()["all"], 0)
        self.client.publish("t", "three")
        self.assertEqual(self.client.bodies(fresh, 1), ["three"])
        self.assertEqual(self.client.rest(fresh, 1.2), [], "the delayed one is gone, too")
        self.again()
        self.assertEqual([one["name"] for one in self.api.get("topics")["topics"]], ["t"])
        self.assertEqual(self.broker.api.counts()["all"], 1)

    def fresh(self):
        """A subscription of the name that was deleted, None while it is not free."""
        try:
            return self.client.subscribe("t", "g")
        except Refused as refused:
            self.assertEqual(refused.code, "deleting")
            return None


class PatternTests(Live):
    def test_topics_that_come_later_have_the_group_before_their_first_message(self):
        sub = self.client.subscribe("orders.*", "billing")
        rest = self.client.subscribe("orders.>")
        for name in ("orders.eu", "orders.us", "orders", "orders.eu.paid", "other.eu"):
            self.client.publish(name, f"first of {name}")
        self.assertEqual(sorted(self.client.bodies(sub, 2)), ["first of orders.eu", "first of orders.us"])
        self.assertEqual(len(self.client.bodies(rest, 3)), 3)
        self.again()
        self.client.publish("orders.jp", "nobody is here")
        Producer(self, self.broker.port, "orders.cn").publish("nor here")
        sub = self.client.subscribe("orders.*", "billing", start="new")
        self.assertEqual(sorted(self.client.bodies(sub, 2)), ["nobody is here", "nor here"])
        self.assertEqual([one["pattern"] for one in self.api.get("patterns")["patterns"]], ["orders.*"])
        self.assertEqual(self.api.delete("topics", "orders.*", "groups", "billing"), {"result": "done"})
        self.gone(self.client, sub)
        self.client.publish("orders.kr", "too late")
        names = [one["topic"] for one in self.api.get("groups")["groups"] if one["name"] == "billing"]
        self.assertEqual(names, [])

    def test_one_credit_for_all_topics_which_take_turns(self):
        names = [f"t.{number}" for number in range(20)]
        sub = self.client.subscribe("t.*", "g", credit=10)
        for name in names:
            self.client.publish(name, *["x"] * 50)
        got = self.client.take(sub, 10, ack=False)
        self.client.pump(0.2)
        self.assertFalse(self.client.messages[sub], "more than its credit")
        self.client.settle("ack", sub, *got)
        rest = self.client.take(sub, 20 * 50 - 10)
        self.assertEqual({one["topic"] for one in got + rest}, set(names))
