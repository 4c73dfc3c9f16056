"""A turn of the reactor deals so much; the next one begins anew."""

from itertools import pairwise
from unittest.mock import patch

from kapokmq.core import dealer
from tests.services.engine import EngineCase, drafts


class TurnTests(EngineCase):
    """Over an engine, whose clock is the reactor."""

    def setUp(self):
        limit = patch.object(dealer, "DEALT_AT_ONCE", 5)
        limit.start()
        self.addCleanup(limit.stop)
        self.make(prompt=True)

    def test_what_was_dealt_in_turns_before_does_not_count(self):
        receiver, _ = self.join("t", credit=1000)
        for number in range(12):
            self.send("t", f"{number}-1", f"{number}-2")
            self.assertEqual(len(receiver.got), 2 * number + 2, "with its commit")

    def test_one_turn_deals_no_more_than_it_should_and_the_rest_follows(self):
        receivers = [self.join(topic, credit=1000)[0] for topic in ("a", "b", "c")]

        def dealt():
            return sum(len(receiver.got) for receiver in receivers)

        publisher = self.publisher()
        for topic in ("a", "b", "c"):
            for body in "1234":
                self.engine.publish(publisher, topic, drafts(body), None)
        seen = [0]
        begin = self.engine.broker.dealer.new_turn
        self.patch(self.engine.broker.dealer, "new_turn", lambda: (seen.append(dealt()), begin()))
        self.turn()
        self.assertEqual((dealt(), max(after - before for before, after in pairwise(seen))), (12, 5))

    def test_none_is_left_when_the_engine_ends(self):
        self.join("t", credit=1000)
        self.engine.publish(self.publisher(), "t", drafts("x"), None)
        self.answer(self.engine.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])
