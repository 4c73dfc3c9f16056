"""What has waited longest, also where nobody consumes."""

import gc
from itertools import pairwise

from kapokmq.core.policy import GroupConfig
from kapokmq.core.vitals import Backlog, Oldest
from kapokmq.services import backlogs
from tests.services.backlog_case import BacklogCase
from tests.services.engine import BEGIN


class BacklogTests(BacklogCase):
    # ---- where nobody consumes

    def test_nothing_waits(self):
        self.assertEqual(self.survey(), Backlog(None, 0))
        self.group("a", "g")
        self.assertEqual((self.survey(), self.dated()), (Backlog(None, 0), {"g": None}))

    def test_the_first_that_waits(self):
        for name in ("g", "h"):
            self.group("a", name)
        self.group("b", "g")
        self.publish("b", "1")
        self.publish("a", "2", "3")
        self.publish("a", "4")
        self.assertEqual(self.survey(), Backlog(Oldest(BEGIN + 1000, "b", "g"), 3))
        self.assertEqual(self.dated(), {"g": 2.0, "h": 2.0})
        self.answer(self.admin.purge_group("b", "g"))
        self.assertEqual(self.oldest(), ((2.0, "a", "g"), 2))
        self.answer(self.admin.purge_group("a", "g"))
        self.publish("a", "5")
        self.assertEqual(self.dated(), {"g": 4.0, "h": 2.0})
        self.assertEqual(self.oldest(), ((2.0, "a", "h"), 2))

    def test_what_was_said_holds_as_long_as_it_begins_there(self):
        for name in ("g", "h"):
            self.group("a", name)
        self.publish("a", "1")
        self.survey()
        self.assertEqual([len(asked) for asked in self.store.looked_for], [2])
        self.publish("a", "2")
        self.survey(), self.dated()
        self.assertEqual(len(self.store.looked_for), 1)
        self.answer(self.admin.purge_group("a", "g"))
        self.publish("a", "3")
        self.assertEqual(self.dated(), {"g": 3.0, "h": 1.0})
        self.assertEqual([len(asked) for asked in self.store.looked_for], [2, 1])

    def test_dead_letters_wait_for_nothing(self):
        consumer = self.joined("a", "g", 1)
        self.publish("a", "1")
        self.engine.nack(consumer.handle, consumer.codes, 0, "no")
        self.engine.unsubscribe(consumer.handle)
        self.turn()
        self.assertEqual(self.engine.broker.dead, 1)
        self.assertEqual((self.oldest(), self.dated()), ((None, 0), {"g": None}))
        self.publish("a", "2")
        self.assertEqual((self.oldest(), self.dated()), (((2.0, "a", "g"), 1), {"g": 2.0}))
        self.answer(self.admin.send_one_again(consumer.codes[0], "g", "ann"))
        self.assertEqual((self.oldest(), self.dated()), (((1.0, "a", "g"), 1), {"g": 1.0}))

    # ---- where somebody consumes

    def test_what_is_in_flight_waits_too(self):
        consumer = self.joined("a", "g", 1)
        self.publish("a", "1")
        self.publish("a", "2")
        self.assertEqual((len(consumer.codes), self.dated(), self.oldest()), (1, {"g": 1.0}, ((1.0, "a", "g"), 0)))
        self.engine.ack(consumer.handle, consumer.codes[:1])
        self.turn()
        self.assertEqual(self.dated(), {"g": 2.0})
        self.engine.ack(consumer.handle, consumer.codes[1:])
        self.turn()
        self.assertEqual((self.dated(), self.oldest()), ({"g": None}, (None, 0)))

    def test_what_begins_there_no_more_is_not_told_of(self):
        consumer = self.joined("a", "g", 1)
        self.publish("a", "1")
        self.publish("a", "2")
        self.assertEqual(self.dated(), {"g": 1.0})
        self.engine.nack(consumer.handle, consumer.codes, 0, "no")
        self.turn()
        self.assertEqual((self.engine.broker.dead, self.dated()), (1, {"g": 2.0}))

    def test_what_is_done_and_still_in_memory_does_not_wait(self):
        self.joined("a", "g", 0)
        self.publish("a", "1", "2")
        position = self.engine.broker.catalog.by_name["a"].groups["g"].position
        self.answer(self.admin.purge_group("a", "g"))
        self.assertTrue(position.queued)
        self.assertEqual((self.dated(), self.oldest()), ({"g": None}, (None, 0)))

    def test_who_is_paused_is_not_deserted(self):
        self.group("a", "g", paused=True)
        self.publish("a", "1")
        self.assertEqual(self.oldest(), ((1.0, "a", "g"), 0))
        self.answer(self.admin.set_config("a", "g", GroupConfig()))
        self.assertEqual(self.oldest()[1], 1)
        consumer = self.joined("a", "g", 0)
        self.assertEqual(self.oldest()[1], 0)
        self.engine.unsubscribe(consumer.handle)
        self.turn()
        self.assertEqual(self.oldest()[1], 1)

    def test_private_groups_are_left_out(self):
        self.joined("a", None, 0)
        self.publish("a", "1")
        self.assertEqual(self.oldest(), (None, 0))

    # ---- what may go wrong

    def test_a_disk_that_refuses(self):
        self.group("a", "g")
        self.publish("a", "1")
        self.store.reads_fail = True
        self.assertEqual((self.oldest(), self.dated()), ((None, 1), {"g": None}))
        self.store.reads_fail = False
        self.assertEqual((self.oldest(), self.dated()), (((1.0, "a", "g"), 1), {"g": 1.0}))

    def test_what_begins_with_something_that_the_store_has_not(self):
        consumer = self.joined("a", "g", 5)
        for body in "123":
            self.publish("a", body)
        self.engine.ack(consumer.handle, consumer.codes[1:2])
        self.turn()
        self.store.naive.messages.pop(min(self.store.naive.messages))
        self.assertEqual(self.dated(), {"g": 3.0})
        self.engine.ack(consumer.handle, consumer.codes[2:3])
        self.turn()
        self.publish("a", "4")
        self.assertEqual(self.dated(), {"g": 4.0})

    def test_it_is_deleted_meanwhile(self):
        self.group("a", "g")
        self.group("b", "g")
        self.publish("a", "1")
        self.publish("b", "2")
        self.store.asked = []
        asked = self.coroutine(self.backlogs.survey())
        self.store.asked, waiting = None, self.store.asked
        self.answer(self.admin.delete_group("a", "g"))
        for waiter, value in waiting:
            waiter.callback(value)
        self.assertEqual(self.successResultOf(asked).deserted, 1)
        self.assertEqual(self.oldest(), ((2.0, "b", "g"), 1))
        self.assertEqual(len(self.backlogs._known), 1, "what is gone is forgotten")

    def test_many_are_asked_for_a_few_at_a_time(self):
        self.patch(backlogs, "AT_ONCE", 2)
        self.patch(backlogs, "ASKED", 3)
        for at in range(5):
            self.group("a", f"g{at}")
        self.publish("a", "1")
        self.assertEqual(self.oldest(), ((1.0, "a", "g0"), 5))
        self.assertEqual([len(asked) for asked in self.store.looked_for], [2, 1])
        self.survey()
        self.assertEqual([len(asked) for asked in self.store.looked_for], [2, 1, 2])
        self.survey()
        self.assertEqual(len(self.store.looked_for), 3)

    def test_nothing_is_kept_of_what_is_gone(self):
        self.publish("a", "1")
        for _ in range(3):
            self.group("a", "g")
            self.dated()
            self.answer(self.admin.delete_group("a", "g"))
        gc.collect()
        self.assertEqual(len(self.backlogs._known), 0)

    def test_a_topic_that_is_on_its_way_out_is_left_out(self):
        self.group("a", "g")
        self.publish("a", "1")
        self.engine.broker.catalog.by_name["a"].deleting = True
        self.assertEqual(self.survey(), Backlog(None, 0))

    def test_where_nothing_is_in_memory_the_store_is_asked_first(self):
        self.patch(backlogs, "ASKED", 1)
        self.joined("a", "g", 0)
        self.group("b", "g")
        self.publish("b", "1")
        self.publish("a", "2")
        self.assertEqual(self.oldest(), ((1.0, "b", "g"), 1))

    def test_no_turn_takes_long(self):
        for at in range(20):
            self.group("a", f"g{at}")
        self.publish("a", "1")
        clock, seek, call_later, asked, turns = self.clock, backlogs.seek, self.clock.callLater, [], [0]

        def slowly(*given):
            clock.rightNow += 0.001
            asked.append(given)
            return seek(*given)

        def later(wait, *rest):
            turns.append(len(asked))
            return call_later(wait, *rest)

        self.patch(backlogs, "seek", slowly)
        self.patch(clock, "callLater", later)
        self.assertEqual(self.survey().deserted, 20)
        self.assertEqual(len(asked), 20)
        self.assertLessEqual(max(after - before for before, after in pairwise(turns)), 5)
        self.assertGreater(len(turns), 4)
