"""Reads that fail: they are asked for again, and said once."""

from kapokmq.core.rules import Rules
from tests.services.engine import EngineCase


class FailureTests(EngineCase):
    rules = Rules(memory_budget=1)

    def setUp(self):
        self.make(prompt=True)
        self.send("t", "a")
        self.store.reads_fail = True

    def test_a_node_that_can_not_read_for_somebody_is_not_ready(self):
        receiver, _ = self.join("t")
        self.assertFalse(self.engine.health().ready)
        self.assertIn("i/o error", self.engine.health().reason)
        self.store.reads_fail = False
        self.wait(1)
        self.assertEqual((receiver.got, self.engine.health().ready), (["a"], True))

    def test_it_is_ready_again_when_nobody_is_left_who_reads(self):
        _, subscription = self.join("t")
        self.assertFalse(self.engine.health().ready)
        self.engine.unsubscribe(subscription)
        self.assertTrue(self.engine.health().ready)
        self.join("t")
        self.assertFalse(self.engine.health().ready)
        self.store.reads_fail = False
        self.answer(self.admin.delete_group("t", "g"))
        self.assertTrue(self.engine.health().ready)

    def test_the_schedule_is_loaded_again(self):
        self.store.reads_fail = False
        self.send("t", "late", delay=5)
        self.make(again=True)
        self.store.reads_fail = True
        self.make(again=True)
        receiver, _ = self.join("t")
        self.assertFalse(self.engine.health().ready)
        self.store.reads_fail = False
        self.wait(1)
        self.wait(5)
        self.assertEqual((receiver.got, self.engine.health().ready), (["a", "late"], True))

    def test_what_is_old_is_swept_at_the_next_check(self):
        self.clock.advance(200_000)
        self.engine.check()
        self.turn()
        self.assertEqual((self.engine.counts().all, self.engine.health().ready), (1, False))
        self.store.reads_fail = False
        self.engine.check()
        self.turn()
        self.assertEqual((self.engine.counts().all, self.engine.health().ready), (0, True))
