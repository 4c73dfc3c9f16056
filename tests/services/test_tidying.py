"""Forgetting old keys and sessions, a slice at a time."""

from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from kapokmq.services.tidying import AT_ONCE, TOPICS_AT_ONCE
from tests.services.engine import BEGIN, EngineCase


class TidyingTests(EngineCase):
    rules = Rules(dedup_window=600.0)

    def check(self):
        self.engine.check()
        self.turn()

    def test_what_the_store_is_to_forget(self):
        self.make(prompt=True)
        self.answer(self.admin.create_topic("t", TopicPolicy()))
        self.answer(self.admin.create_topic("u", TopicPolicy(dedup_window=60.0)))
        self.clock.advance(1)
        self.check()
        wall = BEGIN + 1000
        self.assertEqual(self.store.tidied, [(wall - 600_000, [(1, wall // 600_000), (2, wall // 60_000)])])

    def test_many_topics_take_turns(self):
        self.make(prompt=True)
        for index in range(TOPICS_AT_ONCE + 5):
            self.answer(self.admin.create_topic(f"t{index}", TopicPolicy()))
        self.answer(self.admin.delete_topic("t3"))
        for _ in range(3):
            self.check()
        asked = [[number for number, _ in buckets] for _, buckets in self.store.tidied]
        numbers = [number for number in range(1, TOPICS_AT_ONCE + 6) if number != 4]
        self.assertEqual(asked[0], numbers[:TOPICS_AT_ONCE])
        self.assertEqual(asked[1], numbers[TOPICS_AT_ONCE:])
        self.assertEqual(asked[2], asked[0])

    def test_it_goes_on_while_there_is_more(self):
        self.make(prompt=True)
        self.store.untidy = [AT_ONCE - 1, AT_ONCE + 7, AT_ONCE]
        self.check()
        self.assertEqual(len(self.store.tidied), 3)

    def test_one_slice_at_a_time(self):
        self.make(prompt=True)
        self.store.asked = []
        self.check()
        self.check()
        self.assertEqual(len(self.store.tidied), 1)
        asked, self.store.asked = self.store.asked, None
        for waiting, value in asked:
            waiting.callback(value)
        self.check()
        self.assertEqual(len(self.store.tidied), 2)

    def test_a_disk_that_fails_is_asked_again_at_the_next_check(self):
        self.make(prompt=True)
        self.store.reads_fail = True
        self.check()
        self.check()
        self.store.reads_fail = False
        self.check()
        self.assertEqual(len(self.store.tidied), 3)

    def test_a_bug_is_logged_and_does_not_end_it(self):
        self.make(prompt=True)
        self.store.untidy = ["not a number"]
        self.check()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.check()
        self.assertEqual(len(self.store.tidied), 2)
