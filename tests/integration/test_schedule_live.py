"""Delayed messages as objects, messages that expire, and what is known of a message at every turn of its life."""

import time

from tests.integration.api_v1 import Fault
from tests.integration.broker import until
from tests.integration.live import Live
from tests.integration.wire_v2 import V2

DONE = {"result": "done"}
FAR = 3600  # seconds
YEARS = 30 * 365 * 86_400


class ScheduleTests(Live):
    settings = {"MQ_CHECKSPEED": 1}  # noqa: RUF012 -- never changed

    def scheduled(self, topic="t"):
        """The texts of what is scheduled, by due time."""
        return [one["data"] for one in self.api.get("schedule", topic=topic)["messages"]]

    def test_cancel_reschedule_promote_and_a_kill(self):
        at = time.time() + YEARS
        texts = ("cancel", "promote", "sooner", "later", "years")
        codes = dict(
            zip(texts, self.client.publish("t", *({"data": text, "delay": FAR} for text in texts[:4])), strict=0)
        )
        codes["years"] = self.client.publish("t", {"data": "years", "at": at})[0]
        self.assertEqual(self.scheduled(), list(texts))
        shown = self.api.get("schedule", codes["years"])
        self.near(shown["dueTime"], at, 0.01)
        self.assertEqual(shown["status"], "delayed")

        self.assertEqual(self.api.delete("schedule", codes["cancel"]), DONE)
        self.assertEqual(self.api.post("schedule", codes["later"], "reschedule", delay=2 * FAR), DONE)
        self.again()
        self.assertEqual(self.scheduled(), ["promote", "sooner", "later", "years"])
        sub = self.client.subscribe("t", "g")
        self.assertEqual(self.api.post("schedule", codes["promote"], "promote"), DONE)
        self.assertEqual(self.client.bodies(sub, 1), ["promote"])
        due = time.time() + 0.7
        self.assertEqual(self.api.post("schedule", codes["sooner"], "reschedule", at=due), DONE)
        self.again()
        sub = self.client.subscribe("t", "g")
        self.assertEqual(self.client.bodies(sub, 1), ["sooner"])
        self.assertGreaterEqual(time.time(), due - 0.002)
        self.assertEqual(self.scheduled(), ["later", "years"])
        self.verdicts(codes)
        self.assertEqual(self.client.rest(sub), [])
        self.assertEqual(self.broker.api.counts()["delay"], 2)

    def verdicts(self, codes):
        """What can't be done any more, and what never could."""
        for code, fault in ((codes["promote"], Fault(409, "tooLate")), ("0" * 40, Fault(404, "notFound"))):
            self.assertEqual(self.api.delete("schedule", code), fault)
            self.assertEqual(self.api.post("schedule", code, "promote"), fault)
            self.assertEqual(self.api.post("schedule", code, "reschedule", delay=1), fault)
            self.assertEqual(self.api.get("schedule", code), Fault(404, "notFound"))
        self.assertEqual(self.api.delete("schedule", codes["cancel"]), Fault(404, "notFound"))
        self.assertEqual(self.api.post("schedule", codes["later"], "reschedule").status, 400)
        self.assertEqual(self.api.delete("schedule", "nonsense").status, 404)

    def test_the_verdict_is_kept_to_while_messages_fall_due(self):
        # Cancelled or delivered, never both and never neither, though they fall due while they are cancelled.
        sub = self.client.subscribe("t", "g")
        base = time.time() + 0.6
        codes = self.client.publish("t", *({"data": f"{n}", "at": base + n * 0.004} for n in range(300)))
        cancelled = set()
        for number, code in enumerate(codes):
            turn = base + number * 0.004 + (number % 5 - 2) * 0.006  # some before it falls due, some after
            until(lambda turn=turn: time.time() > turn, "its turn", every=0.0005)
            verdict = self.api.delete("schedule", code)
            if verdict == DONE:
                cancelled.add(code)
            else:
                self.assertEqual(verdict, Fault(409, "tooLate"))
        got = {one["code"] for one in self.client.rest(sub, 0.5)}
        self.assertEqual(cancelled & got, set())
        self.assertEqual(cancelled | got, set(codes))
        self.assertTrue(cancelled, "none was in time")
        self.assertTrue(got, "none was too late")

    def test_pages(self):
        self.client.publish("t", *({"data": f"{n}", "delay": FAR + n // 2} for n in range(250)))
        found, cursor = [], None
        while True:
            page = self.api.get("schedule", limit=60, **({} if cursor is None else {"cursor": cursor}))
            found += [one["data"] for one in page["messages"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        self.assertEqual(found, [str(number) for number in range(250)])

    def test_messages_that_expire(self):
        self.client.publish(
            "t",
            {"data": "short", "expire": 0.5},
            {"data": "stays"},
            {"data": "delayed", "delay": 1, "expire": 60},
            {"data": "delayed and short", "delay": 0.2, "expire": 0.3},
        )
        until(lambda: self.broker.api.counts()["all"] == 2, "expiry of two")
        self.again()
        sub = self.client.subscribe("t", "g")
        self.assertEqual(sorted(self.client.bodies(sub, 2)), ["delayed", "stays"])
        self.assertEqual(self.client.rest(sub), [])
        hours = self.api.get("counts", "hours", topic="t")["hours"]
        self.assertEqual(sum(hour["expired"] for hour in hours), 2)

    def test_what_expires_while_it_is_held(self):
        sub = self.client.subscribe("t", "g")
        self.client.publish("t", {"data": "x", "expire": 0.3})
        held = self.client.take(sub, 1, ack=False)
        until(lambda: self.broker.api.counts()["all"] == 0, "expiry")
        self.client.settle("nack", sub, *held, delay=0)
        self.assertEqual(self.client.rest(sub), [])


class LifeTests(Live):
    def test_every_turn(self):
        self.api.post("topics", name="t", policy={"maxAttempts": 2, "backoff": FAR, "ackWait": 60})
        sub = self.client.subscribe("t", "g", credit=10)
        self.api.post("topics", "t", "groups", name="empty", start="all")
        (code,) = self.client.publish("t", {"data": "x", "key": "k", "headers": {"a": "b"}, "delay": 0.3})
        self.assertEqual(self.api.state(code, "g"), "delayed")
        held = self.client.take(sub, 1, ack=False)
        life = self.api.life(code, "g")
        self.assertEqual((life["state"], life["attempts"]), ("leased", 0))
        (holder,) = life["holders"]
        self.assertIn("127.0.0.1", holder["label"])
        self.near(holder["until"] - holder["since"], 60, 1)
        self.assertEqual(self.api.state(code, "empty"), "waiting")

        self.client.settle("nack", sub, *held, reason="not now")
        life = self.api.life(code, "g")
        self.assertEqual((life["state"], life["attempts"]), ("retrying", 1))
        self.near(life["until"], time.time() + 300, 30)  # backoffMax
        self.again()
        life = self.api.life(code, "g")
        self.assertEqual((life["state"], life["attempts"]), ("retrying", 1))
        self.assertEqual([(one["kind"], one["reason"]) for one in life["events"]], [("nacked", "not now")])
        shown = self.api.get("messages", code)["message"]
        self.assertEqual((shown["key"], shown["headers"], shown["data"]), ("k", {"a": "b"}, "x"))

    def test_ends(self):
        self.api.post("topics", name="t", policy={"maxAttempts": 1})
        sub = self.client.subscribe("t", "g")
        good, bad, late = self.client.publish("t", "good", "bad", {"data": "late", "delay": FAR})
        took = time.time()
        held = {one["data"]: one for one in self.client.take(sub, 2, ack=False)}
        self.client.settle("ack", sub, held["good"])
        self.client.settle("nack", sub, held["bad"], reason="broken")
        for _ in range(2):
            self.assertEqual(
                [self.api.state(code, "g") for code in (good, bad, late)], ["acknowledged", "dead", "delayed"]
            )
            for code in (good, bad):
                self.near(self.api.life(code, "g")["since"], took, 5)
            statuses = [self.api.get("messages", code)["message"]["status"] for code in (good, bad, late)]
            self.assertEqual(statuses, ["consumed", "dead", "delayed"])
            self.again()
        later = self.client.subscribe("t", "younger", start="new")
        self.assertEqual(self.api.state(good, "younger"), "notDue")
        self.assertEqual(self.api.delete("messages", bad), DONE)
        self.assertEqual(self.api.get("messages", bad), Fault(404, "notFound"))
        self.assertEqual(self.api.get("topics", "t", "groups", "g", "dead")["dead"], [])
        self.assertEqual(self.client.rest(later), [])

    def test_a_member_that_leaves(self):
        (code,) = self.client.publish("t", "x")
        guest = V2(self, self.broker.port, name="guest")
        guest.take(guest.subscribe("t", "g"), 1, ack=False)
        self.assertIn("guest", self.api.life(code, "g")["holders"][0]["label"])
        guest.reset()
        until(lambda: self.api.state(code, "g") in {"waiting", "retrying"}, "giving back")
        self.assertEqual(self.client.take(self.client.subscribe("t", "g"), 1)[0]["code"], code)
