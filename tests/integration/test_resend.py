"""Sending again what was not confirmed, over kill -9: each message is stored once, by session and number or by key."""

import random
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import folder, start, tell, until
from tests.integration.wire_v2 import V2, op

ROUNDS = 12
LOAD = (0.15, 0.5)  # seconds of load before a kill
WINDOW = 12  # publishes under way
SIZES = (1, 3, 40, 400)  # messages of a publish


class Sender:
    """Publishes under one session over all rounds. `calls` are its publishes by number; `codes` what confirmed them."""

    def __init__(self, case, name, topic, *, keyed):
        self.session, self.topic, self.keyed = name, topic, keyed
        self.calls, self.codes, self.open = {}, {}, set()
        self.resent = 0
        self._case = case

    def connect(self, port):
        """Come (again), and send again what was not confirmed, in order."""
        self.client = V2(self._case, port, session=self.session)
        for number in sorted(self.open):
            self.send(number)

    def call(self):
        """The messages of a new publish."""
        number = len(self.calls) + 1
        bodies = [f"{self.session}/{number}/{index}" for index in range(SIZES[number % len(SIZES)])]
        return number, [{"data": body, "key": body} if self.keyed else {"data": body} for body in bodies]

    def send(self, number):
        """Write it out, for the first time or again."""
        self.client.send(op("publish", id=number, topic=self.topic, messages=self.calls[number]))

    def work(self):
        """Fill the window, and read what was answered."""
        while len(self.open) < WINDOW:
            number, messages = self.call()
            self.calls[number] = messages
            self.open.add(number)
            self.send(number)
        self.client.read(0.02)
        self.gather()

    def gather(self):
        """Note answers, which must not contradict earlier ones."""
        for number, answer in list(self.client.answers.items()):
            del self.client.answers[number]
            self._case.assertEqual(answer["op"], "ok", answer)
            self._case.assertEqual(len(answer["codes"]), len(self.calls[number]))
            self._case.assertEqual(self.codes.setdefault(number, answer["codes"]), answer["codes"])
            self.resent += answer.get("resent", False)
            self.open.discard(number)

    def last_words(self):
        """What the kernel still has of a broker that was killed."""
        self.client.pump(5)
        self.gather()

    @property
    def bodies(self):
        """All it ever published, whether confirmed or not."""
        return {one["data"] for messages in self.calls.values() for one in messages}

    @property
    def confirmed(self):
        """Body by code, of what was confirmed."""
        pairs = ((self.codes[number], self.calls[number]) for number in self.codes)
        return {code: one["data"] for codes, messages in pairs for code, one in zip(codes, messages, strict=True)}


def consumed(case, port, topic):
    """Body by code of all that a topic has, and how many messages that were."""
    client, found, count = V2(case, port), {}, 0
    sub = client.subscribe(topic, "all", start="all", credit=100_000)
    while client.read(1.5):
        messages = client.messages.pop(sub, ())
        count += len(messages)
        found |= {one["code"]: one["data"] for one in messages}
        if messages:
            client.send(op("ack", sub=sub, codes=[one["code"] for one in messages]))
    return found, count


class ResendTests(SynchronousTestCase):
    def rounds(self, senders, **settings):
        """Kill, start and send again, and at the end let everything be confirmed. Gives the last broker."""
        chance = random.Random(7)  # noqa: S311 -- repeatable
        place = folder(self)
        for _ in range(ROUNDS):
            broker = start(self, place, **settings)
            for sender in senders:
                sender.connect(broker.port)
            ends = time.monotonic() + chance.uniform(*LOAD)
            while time.monotonic() < ends:
                for sender in senders:
                    sender.work()
            broker.kill()
            for sender in senders:
                sender.last_words()
        broker = start(self, place, **settings)
        for sender in senders:
            sender.connect(broker.port)
            sender.client.until(lambda sender=sender: sender.open <= set(sender.client.answers))
            sender.gather()
        return broker

    def test_by_session_plain_and_keyed(self):
        senders = [Sender(self, "plain", "a", keyed=False), Sender(self, "keyed", "b", keyed=True)]
        broker = self.rounds(senders)
        for sender in senders:
            found, count = consumed(self, broker.port, sender.topic)
            tell(
                f"{ROUNDS} kills, {sender.session}: {count} messages in {len(sender.calls)} publishes,"
                f" {sender.resent} were sent again though stored"
            )
            self.assertEqual(count, len(sender.bodies), "some are lost, or stored twice")
            self.assertEqual(found, sender.confirmed)
            self.assertGreater(len(sender.calls), ROUNDS * WINDOW // 2)
        self.assertGreater(sum(sender.resent for sender in senders), 0, "no kill came between storing and telling")

    def test_again_after_all_was_confirmed(self):
        broker = start(self)
        sender = Sender(self, "again", "t", keyed=False)
        double = Sender(self, "double", "t", keyed=True)
        for each in (sender, double):
            each.connect(broker.port)
            until(lambda each=each: each.work() or len(each.codes) > 50, "confirmation of 50")
            each.client.until(lambda each=each: each.open <= set(each.client.answers))
            each.gather()
        counted = broker.api.counts()["all"]
        for kill in (False, True, True):
            if kill:
                broker.kill()
                broker = start(self, broker.folder)
            for each in (sender, double):
                before = each.resent
                each.open = set(each.calls)
                each.connect(broker.port)
                each.client.until(lambda each=each: each.open <= set(each.client.answers))
                each.gather()
                self.assertEqual(each.resent - before, len(each.calls))
            self.assertEqual(broker.api.counts()["all"], counted)

    def test_duplicates_are_told_alike_over_a_kill(self):
        broker = start(self)
        first = V2(self, broker.port).publish("t", {"data": "old", "key": "k"})
        messages = [{"data": "a", "key": "n"}, {"data": "b", "key": "k"}, {"data": "c"}, {"data": "d", "key": "n"}]
        client = V2(self, broker.port, session="s")
        said = client.ask("publish", id=1, topic="t", messages=messages)
        self.assertEqual(said["duplicates"], [1, 3])
        self.assertEqual((said["codes"][1], said["codes"][3]), (first[0], said["codes"][0]))
        for kill in (False, True):
            if kill:
                broker.kill()
                broker = start(self, broker.folder)
            client = V2(self, broker.port, session="s")
            again = client.ask("publish", id=1, topic="t", messages=messages)
            self.assertEqual(again, said | {"resent": True})
        self.assertEqual(broker.api.counts()["all"], 3)

    def test_at_the_interval_level_nothing_is_doubled(self):
        # What was confirmed may be lost by a kill here, and then its re-send is a new message: once, all the same.
        settings = {"MQ_ISPERSISTENT": 1, "MQ_PERSISTENTTIME": 0.1}
        senders = [Sender(self, "plain", "a", keyed=False), Sender(self, "keyed", "b", keyed=True)]
        broker = self.rounds(senders, **settings)
        for sender in senders:
            found, count = consumed(self, broker.port, sender.topic)
            bodies = list(found.values())
            tell(f"{ROUNDS} kills at isPersistent 1, {sender.session}: {count} of {len(sender.bodies)} are there")
            self.assertEqual(len(bodies), len(set(bodies)), "stored twice")
            self.assertEqual(count, len(bodies))
            self.assertLessEqual(set(bodies), sender.bodies)
            if sender.keyed:  # a key waits for its commit, at every level
                self.assertEqual(set(bodies), sender.bodies)
            self.assertGreater(count, len(sender.bodies) // 2)


class KeyTests(SynchronousTestCase):
    def test_two_send_the_same_keys_at_once_over_kills(self):
        place, total, batch, stored = folder(self), 6000, 50, {}
        turn, at = 0, [0, 0]
        while min(at) < total:
            broker = start(self, place)
            clients = [V2(self, broker.port) for _ in at]
            ends = time.monotonic() + 0.4 + 0.2 * turn
            while time.monotonic() < ends and min(at) < total:
                asked = [self.batch(client, first, batch) for client, first in zip(clients, at, strict=True)]
                for number, (client, request) in enumerate(zip(clients, asked, strict=True)):
                    if request is not None:
                        at[number] = self.confirmed(stored, client.answered(request), at[number], batch)
            # Two publishes whose answers nobody waits for; they are sent again in the next round.
            for client, first in zip(clients, at, strict=True):
                self.batch(client, first, batch)
            broker.kill()
            turn += 1
        broker = start(self, place)
        found, count = consumed(self, broker.port, "t")
        tell(f"{turn} kills: {total} keys published twice, {count} messages stored")
        self.assertEqual(count, total)
        self.assertEqual({body: code for code, body in found.items()}, stored)

    def batch(self, client, first, size):
        """Publish so many keys from that one on. Gives the request."""
        if first >= 6000:
            return None
        request = client.number()
        messages = [{"data": f"{number}", "key": f"key-{number}"} for number in range(first, first + size)]
        client.send(op("publish", id=request, topic="t", messages=messages))
        return request

    def confirmed(self, stored, answer, first, size):
        """Note the codes: each key has one, whoever published it."""
        for number, code in zip(range(first, first + size), answer["codes"], strict=True):
            self.assertEqual(stored.setdefault(f"{number}", code), code)
        return first + size
