"""The life of a message, group by group, in every state."""

from kapokmq.core.lives import Event, GroupLife, Holder
from kapokmq.core.message import Draft, Status
from kapokmq.core.rules import Rules
from tests.services.engine import BEGIN, EngineCase, Receiver


class LifeTests(EngineCase):
    rules = Rules(ack_wait=60.0, lease_seconds=None, backoff=4.0, max_attempts=2)

    def setUp(self):
        self.make(prompt=True)

    def life(self, code):
        """Its life in each group, by name."""
        return {one.group: one for one in self.answer(self.admin.life(code)).groups}

    def states(self, code):
        return {name: one.state for name, one in self.life(code).items()}

    def test_the_message_itself(self):
        batch = [Draft("a", key="k", headers='{"n":"1"}', expire_ms=9000)]
        (code,) = self.answer(self.engine.send("t", batch)).codes
        life = self.answer(self.admin.life(code))
        self.assertEqual(life.groups, [])
        self.assertEqual(life.message, self.answer(self.engine.find(code)))
        self.assertEqual(
            (life.message.key, life.message.headers, life.message.expire), ("k", '{"n":"1"}', BEGIN + 9000)
        )

    def test_unknown_ones(self):
        (code,) = self.send("t", "a")
        for wrong in ("", "junk", "f" * 40, code[:-1] + "f", code[:16] + "00000009" + code[24:]):
            self.assertIsNone(self.answer(self.admin.life(wrong)))
        self.answer(self.admin.bulk([code]))
        self.assertIsNone(self.answer(self.admin.life(code)))

    def test_waiting(self):
        self.join("t", credit=0)
        (code,) = self.send("t", "a")
        self.assertEqual(self.life(code), {"g": GroupLife("g", "waiting", 0, None, None, [], [])})

    def test_not_due_to_a_group_that_began_later(self):
        self.join("t", "first", credit=0)
        (code,) = self.send("t", "a")
        self.join("t", "later")
        (late,) = self.send("t", "b", delay=50)
        self.join("t", "latest")
        self.assertEqual(self.states(code), {"first": "waiting", "later": "notDue", "latest": "notDue"})
        self.assertEqual(self.states(late), {"first": "delayed", "later": "delayed", "latest": "notDue"})

    def test_delayed(self):
        self.join("t")
        (code,) = self.send("t", "a", delay=50)
        self.assertEqual(self.life(code)["g"], GroupLife("g", "delayed", 0, None, BEGIN + 50_000, [], []))
        self.answer(self.admin.reschedule(code, BEGIN + 60_000))
        self.assertEqual(self.life(code)["g"].until, BEGIN + 60_000)
        self.wait(60)
        self.assertEqual(self.states(code), {"g": "leased"})

    def test_leased(self):
        receiver, subscription = self.join("t", label="worker 7")
        self.clock.advance(1)
        (code,) = self.send("t", "a")
        self.assertEqual(self.life(code)["g"].holders, [Holder("worker 7", BEGIN + 1000, BEGIN + 61_000)])
        self.clock.advance(10)
        self.engine.touch(subscription, receiver.codes)
        self.assertEqual(self.life(code)["g"].holders, [Holder("worker 7", BEGIN + 1000, BEGIN + 71_000)])

    def test_leased_by_many_and_for_ever(self):
        self.make(Rules(broadcast=True, lease_seconds=None), prompt=True)
        subscriptions = [self.engine.subscribe(Receiver(label=label), "t", 10) for label in "xyz"]
        (code,) = self.send("t", "a")
        self.engine.ack(subscriptions[1], [code])
        life = self.life(code)["default"]
        self.assertEqual((life.state, life.holders), ("leased", [Holder(label, BEGIN, None) for label in "xz"]))

    def test_retrying_with_the_reasons(self):
        _, subscription = self.join("t", label="w")
        (code,) = self.send("t", "a")
        self.clock.advance(1)
        self.engine.nack(subscription, [code], None, "busy")
        self.clock.advance(1)
        nacked = Event(BEGIN + 1000, "nacked", 1, "w", "busy")
        self.assertEqual(self.life(code)["g"], GroupLife("g", "retrying", 1, None, BEGIN + 5000, [], [nacked]))
        self.wait(3)
        self.assertEqual((self.life(code)["g"].state, self.life(code)["g"].attempts), ("leased", 1))

    def test_retrying_after_a_restart(self):
        _, subscription = self.join("t")
        (code,) = self.send("t", "a")
        self.engine.nack(subscription, [code], 60_000, "busy")
        self.turn()
        self.make(again=True)
        life = self.life(code)["g"]
        self.assertEqual((life.state, life.attempts, life.until), ("retrying", 1, BEGIN + 60_000))
        self.wait(61)
        self.assertEqual((self.life(code)["g"].state, self.life(code)["g"].attempts), ("waiting", 1))

    def test_acknowledged(self):
        _, subscription = self.join("t")
        codes = self.send("t", "a", "b")
        self.clock.advance(1)
        self.engine.ack(subscription, codes[:1])
        life = self.life(codes[0])["g"]
        self.assertEqual(life, GroupLife("g", "acknowledged", 0, BEGIN + 1000, None, [], []))
        _, other = self.join("t", "other", start="all")
        self.clock.advance(1)
        self.engine.ack(other, codes)
        self.clock.advance(1)
        self.engine.ack(subscription, codes[1:])
        for code, since in ((codes[0], (1000, 2000)), (codes[1], (3000, 2000))):
            lives = self.life(code)
            self.assertEqual([lives[name].state for name in ("g", "other")], ["acknowledged"] * 2)
            self.assertEqual(tuple(lives[name].since - BEGIN for name in ("g", "other")), since)
        self.make(again=True)
        self.assertEqual(self.life(codes[1])["other"].since, BEGIN + 2000)

    def test_acknowledged_when_nobody_noted(self):
        self.join("t", credit=0)
        self.join("t", "other", credit=0)
        (code,) = self.send("t", "a")
        self.answer(self.admin.purge_group("t", "g"))
        self.turn()
        self.assertEqual(self.life(code)["g"], GroupLife("g", "acknowledged", 0, None, None, [], []))

    def test_what_was_acknowledged_may_still_be_held_elsewhere(self):
        _, subscription = self.join("t")
        (code,) = self.send("t", "a")
        self.engine.ack(subscription, [code])
        self.join("t", "replay", start="all")
        self.assertEqual(self.states(code), {"g": "acknowledged", "replay": "leased"})
        self.assertEqual(self.answer(self.admin.life(code)).message.status, Status.CONSUMED)

    def test_dead_and_sent_again(self):
        _, subscription = self.join("t", label="w")
        (code,) = self.send("t", "a")
        self.engine.nack(subscription, [code], 1000, "one")
        self.wait(1)
        self.wait(60)
        lost = "the lease timed out"
        events = [
            Event(BEGIN, "nacked", 1, "w", "one"),
            Event(BEGIN + 61_000, "lost", 2, "w", lost),
            Event(BEGIN + 61_000, "dead", 2, "", lost),
        ]
        self.assertEqual(self.life(code)["g"], GroupLife("g", "dead", 2, BEGIN + 61_000, None, [], events))
        self.assertEqual(self.answer(self.admin.life(code)).message.status, Status.DEAD)
        self.make(again=True)
        self.assertEqual(self.life(code)["g"], GroupLife("g", "dead", 2, BEGIN + 61_000, None, [], events))
        self.wait(1)
        self.answer(self.admin.send_one_again(code, "g", "somebody"))
        events.append(Event(BEGIN + 62_000, "sentAgain", 0, "somebody", ""))
        self.assertEqual(self.life(code)["g"], GroupLife("g", "waiting", 0, None, None, [], events))

    def test_a_purged_dead_letter_is_done_with(self):
        _, subscription = self.join("t")
        (code,) = self.send("t", "a")
        for _ in range(2):
            self.engine.nack(subscription, [code], 0, "no")
            self.turn()
        self.answer(self.admin.purge_one_dead(code, "g", "somebody"))
        life = self.life(code)["g"]
        self.assertEqual((life.state, life.events[-1]), ("acknowledged", Event(BEGIN, "purged", 0, "somebody", "")))

    def test_it_ended_badly_here_and_well_there(self):
        _, one = self.join("t", "one")
        _, two = self.join("t", "two")
        (code,) = self.send("t", "a")
        self.engine.nack(one, [code], None, "no")
        self.engine.ack(two, [code])
        lives = self.life(code)
        self.assertEqual((lives["one"].state, lives["two"].state), ("retrying", "acknowledged"))
        self.assertEqual((len(lives["one"].events), lives["two"].events), (1, []))

    def test_expired(self):
        _, subscription = self.join("t", "acks")
        self.join("t", "late", credit=0)
        (code,) = self.answer(self.engine.send("t", [Draft("a", expire_ms=9000)])).codes
        self.turn()
        self.engine.ack(subscription, [code])
        self.assertEqual(self.states(code), {"acks": "acknowledged", "late": "waiting"})
        self.wait(9)
        lives = self.life(code)
        self.assertEqual(lives["late"], GroupLife("late", "expired", 0, BEGIN + 9000, None, [], []))
        self.assertEqual(lives["acks"].state, "acknowledged")

    def test_attempts_are_those_that_failed(self):
        _, subscription = self.join("t")
        (code,) = self.send("t", "a")
        self.turn()
        self.assertEqual((self.life(code)["g"].state, self.life(code)["g"].attempts), ("leased", 0))
        self.engine.nack(subscription, [code], 0, "no")
        self.turn()
        self.assertEqual((self.life(code)["g"].state, self.life(code)["g"].attempts), ("leased", 1))

    def test_a_topic_on_its_way_out_has_no_groups_left(self):
        self.join("t")
        (code,) = self.send("t", "a")
        self.store.asked = []
        self.answer(self.admin.delete_topic("t"))
        looking = self.coroutine(self.admin.life(code))
        while self.store.asked:
            self.store.asked.reverse()  # the life before the sweep
            self.store.tell()
            self.turn()
        self.assertEqual(self.successResultOf(looking).groups, [])

    def test_a_disk_that_fails(self):
        (code,) = self.send("t", "a")
        self.store.reads_fail = True
        self.fails(self.admin.life(code))
