"""kill -9 under load, again and again on the same store: what was confirmed is there, what was consumed stays so."""

import json
import random
import select
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import folder, start, tell, until
from tests.integration.http import CONSUMED, DELAYED
from tests.integration.wire import Closed, Consumer, Producer, frame, message

ROUNDS = 20
WINDOW = 60  # unconfirmed messages a producer
LOAD = (0.15, 0.6)  # seconds of load before a kill
DELAYS = (1, 3, 7)  # seconds; the latter two fall due rounds later
FAR = 5000  # seconds: never due here


class Sender(Producer):
    """Keeps WINDOW messages under way. Its bodies are unique and tell when they were sent."""

    def __init__(self, case, port, name, topic="load"):
        super().__init__(case, port, topic, name)
        self.bodies = []
        self._name = name

    def fill(self):
        """Send what the window allows."""
        batch = []
        while len(self.bodies) + len(batch) - self.confirmed < WINDOW:
            number = len(self.bodies) + len(batch)
            delay = 0 if number % 10 else (*DELAYS, FAR)[number // 10 % 4]
            batch.append((json.dumps([self._name, number, delay, time.time()]), delay))
        self.bodies += [body for body, _ in batch]
        if batch:
            self.send(b"".join(message(body, delay) for body, delay in batch))

    @property
    def safe(self):
        """The bodies that got their `ok`: the first ones, for `ok`s go by position."""
        return self.bodies[: self.confirmed]


class Diary:
    """What all rounds together saw of the consumers' side."""

    def __init__(self, case):
        self._case = case
        self.bodies = {}  # code -> body, of all that was delivered
        self.acked = set()  # codes that were acknowledged in any round
        self.shown = set()  # codes that the console showed consumed
        self.again = 0  # deliveries of what was acknowledged but not shown: the ack may have been lost

    def delivered(self, got, now):
        """Note a delivery, which must not be wrong."""
        code, body = got["MessageCode"], got["MessageData"]
        self._case.assertNotIn(code, self.shown, "delivered again although it was shown consumed")
        self.again += code in self.acked
        self._case.assertEqual(self.bodies.setdefault(code, body), body)
        _, _, delay, sent = json.loads(body)
        self._case.assertEqual(got["DelayTime"], delay)
        self._case.assertGreaterEqual(now, sent + delay - 0.002, "delivered before it was due")
        self.acked.add(code)

    def look(self, api, **more):
        """Note what the console shows consumed."""
        for row in api.messages(CONSUMED, **more):
            self.shown.add(row["MessageCode"])


def work(broker, diary, senders, consumer, seconds):
    """Load for that long: publish, consume and acknowledge, and look at the console now and then."""
    began = time.monotonic()
    looks = [began + seconds * share for share in (0.2, 0.5)]  # never near the end: a look has all committed first
    ends = began + seconds
    while time.monotonic() < ends:
        for sender in senders:
            sender.fill()
        ready, _, _ = select.select([*(sender.sock for sender in senders), consumer.sock], [], [], 0.005)
        for sender in senders:
            if sender.sock in ready:
                sender.drain()
        if consumer.sock in ready:
            consume(consumer, diary)
        if looks and time.monotonic() > looks[0]:
            del looks[0]
            diary.look(broker.api, limit=300, route="GetMessageEasy")


def consume(consumer, diary, seconds=0.0, most=200):
    """Acknowledge what is there."""
    acks = []
    while len(acks) < most and (got := consumer.receive(seconds)) is not None:
        diary.delivered(got, time.time())
        acks.append(frame(got["MessageCode"]))
        seconds = 0.0
    consumer.send(b"".join(acks))
    return len(acks)


def swallow(consumer, diary):
    """What had left the broker before the kill was delivered, too; nobody acknowledges it any more."""
    try:
        while (got := consumer.receive(5)) is not None:
            known = got["MessageCode"] in diary.acked
            diary.delivered(got, time.time())
            if not known:
                diary.acked.discard(got["MessageCode"])
    except Closed:
        pass


class KillTests(SynchronousTestCase):
    def test_twenty_rounds_on_one_store(self):
        chance = random.Random(20)  # noqa: S311 -- repeatable
        place, diary, safe = folder(self), Diary(self), []
        for turn in range(ROUNDS):
            broker = start(self, place)
            senders = [Sender(self, broker.port, f"{turn}-{name}") for name in "ab"]
            consumer = Consumer(self, broker.port, "load")
            work(broker, diary, senders, consumer, chance.uniform(*LOAD))
            broker.kill()
            for sender in senders:
                sender.drain(5)  # `ok`s that the kernel still has count
                safe += sender.safe
            swallow(consumer, diary)
        broker = start(self, place)
        consumer = Consumer(self, broker.port, "load")
        due = [body for body in safe if json.loads(body)[2] != FAR]
        latest = max(sent + delay for _, _, delay, sent in map(json.loads, due))
        until(lambda: self.emptied(broker, consumer, diary) and time.time() > latest, "end")
        self.none_lost(set(due) - set(diary.bodies.values()))
        self.far_ones_are_kept(broker, safe)
        diary.look(broker.api)
        tell(
            f"{ROUNDS} kills: {len(safe)} confirmed, {len(diary.bodies)} delivered, {len(diary.shown)} shown"
            f" consumed, {diary.again} delivered again whose ack was not committed"
        )
        self.assertGreater(len(safe), ROUNDS * 50)
        self.assertGreater(len(diary.shown), ROUNDS * 20)
        self.assertEqual(broker.stop(), 0)

    def emptied(self, broker, consumer, diary):
        """Consume until nothing comes for a while. Says whether nothing is left."""
        while consume(consumer, diary, 0.2):
            pass
        return broker.api.counts()["unconsumed"] == 0

    def none_lost(self, lost):
        """Fail where something is lost, without printing all of it."""
        self.assertEqual(sorted(lost)[:3], [], f"{len(lost)} were confirmed, and are lost")

    def far_ones_are_kept(self, broker, safe):
        """Every far delayed message is there, with its due time."""
        rows = broker.api.messages(DELAYED, topic="load")
        shown = {row["MessageData"]: row for row in rows}
        far = [body for body in safe if json.loads(body)[2] == FAR]
        self.none_lost(set(far) - set(shown))
        for body in far:
            row, sent = shown[body], json.loads(body)[3]
            self.assertEqual((row["DelayTime"], row["Status"]), (FAR, DELAYED))
            self.assertTrue(int(sent) <= row["CreateTime"] <= sent + 5, (sent, row))


class KillUnderAcksTests(SynchronousTestCase):
    def test_a_kill_while_a_backlog_is_consumed(self):
        chance = random.Random(5)  # noqa: S311 -- repeatable
        place, diary, total = folder(self), Diary(self), 6000
        broker = start(self, place)
        bodies = [json.dumps(["backlog", number, 0, time.time()]) for number in range(total)]
        Producer(self, broker.port, "load").publish(*bodies)
        kills = 0
        while len(diary.acked) < total:
            consumer = Consumer(self, broker.port, "load")
            stop_at = min(total, len(diary.acked) + chance.randint(400, 1000))
            while len(diary.acked) < stop_at:
                consume(consumer, diary, 5)
            if kills % 2:
                diary.look(broker.api, limit=5000)
                consume(consumer, diary)
            broker.kill()
            swallow(consumer, diary)
            kills += 1
            self.assertLess(kills, 40)
            broker = start(self, place)
        consumer = Consumer(self, broker.port, "load")
        while consume(consumer, diary, 0.3):
            pass
        self.assertEqual(set(diary.bodies.values()), set(bodies))
        until(lambda: broker.api.counts()["consumed"] == total, "consumption of all")
        tell(f"{kills} kills under acks: {len(diary.shown)} shown consumed, {diary.again} delivered again")
        self.assertGreater(len(diary.shown), 1000)
