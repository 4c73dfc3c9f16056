"""What a group goes by."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from kapokmq.core.terms import DISCONNECTED, NACKED, TIMED_OUT, Terms, config_for, policy_for, terms_of

NAMED = Terms(backoff=1.0, backoff_max=5.0, patience=2)
CLASSIC = Terms(backoff=1.0, backoff_max=5.0, patience=2, classic_wait=45.0)


class WaitTests(SynchronousTestCase):
    """Seconds until the next attempt."""

    def test_by_how_often_and_why(self):
        for terms, tries, reason, seconds in (
            (NAMED, 1, NACKED, 1.0),
            (NAMED, 2, NACKED, 2.0),
            (NAMED, 4, NACKED, 5.0),
            (NAMED, 10_000, NACKED, 5.0),
            (NAMED, 1, TIMED_OUT, 1.0),
            (NAMED, 2, DISCONNECTED, 0.0),
            (NAMED, 3, DISCONNECTED, 4.0),
            (CLASSIC, 2, DISCONNECTED, 0.0),
            (CLASSIC, 3, DISCONNECTED, 45.0),
            (CLASSIC, 99, TIMED_OUT, 0.0),
            (CLASSIC, 2, NACKED, 2.0),
        ):
            self.assertEqual(terms.wait(tries, reason), seconds, (terms.classic_wait, tries, reason))

    def test_it_is_given_up_after_the_last_attempt_if_there_is_a_last(self):
        self.assertEqual([Terms(max_attempts=2).gives_up(tries) for tries in (1, 2, 3)], [False, True, True])
        self.assertFalse(Terms(max_attempts=0).gives_up(10_000))


class SourceTests(SynchronousTestCase):
    """The group's own word counts first, then its topic's, then the node's."""

    rules = Rules(
        ack_wait=10.0,
        lease_seconds=None,
        max_attempts=7,
        retry_seconds=33.0,
        policies=(("a.*", TopicPolicy(ack_wait=20.0)), ("a.>", TopicPolicy(ack_wait=30.0, max_attempts=3))),
    )

    def test_of_the_settings_patterns_the_first_that_matches_counts(self):
        self.assertEqual(policy_for("a.b", TopicPolicy(), self.rules).ack_wait, 20.0)
        self.assertEqual(policy_for("a.b.c", TopicPolicy(), self.rules).max_attempts, 3)
        self.assertEqual(policy_for("b", TopicPolicy(max_attempts=1), self.rules), TopicPolicy(max_attempts=1))

    def test_each_field_comes_from_the_first_that_says_something(self):
        config = config_for(GroupConfig(backoff=9.0), TopicPolicy(ack_wait=20.0), self.rules, default=False)
        self.assertEqual(
            (config.backoff, config.ack_wait, config.max_attempts, config.choice), (9.0, 20.0, 7, "random")
        )

    def test_classic_groups_have_terms_of_their_own(self):
        terms = terms_of(GroupConfig(), TopicPolicy(), self.rules, default=True)
        self.assertEqual((terms.lease_seconds, terms.max_attempts, terms.classic_wait), (None, 0, 33.0))
        terms = terms_of(GroupConfig(choice="roundRobin", paused=True), TopicPolicy(), self.rules, default=False)
        self.assertEqual((terms.lease_seconds, terms.classic_wait), (10.0, None))
        self.assertTrue(terms.round_robin and terms.paused)
