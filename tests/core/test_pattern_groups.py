"""Groups and consumers of many topics: those that a pattern stands for."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core import consuming
from kapokmq.core.errors import TooMany
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from tests.core.naive_store import STORE_ID
from tests.core.rig import Rig
from tests.core.steps import published


class PatternTests(SynchronousTestCase):
    """One subscription, many topics."""

    def setUp(self):
        self.rig = Rig(Rules())

    def test_codes_that_are_ignored_come_in_the_order_in_which_they_were_given(self):
        rig = self.rig
        published(rig, "orders.eu", "1")
        published(rig, "orders.us", "2")
        consumer = rig.join("orders.*", "g")
        (one, other), nobody = consumer.held[:], "f" * 40
        self.assertEqual(rig.ack(consumer, [other, one]), [])
        self.assertEqual(rig.ack(consumer, [other, nobody, one]), [other, nobody, one])
        self.assertEqual(rig.nack(consumer, [one, nobody, other]), [one, nobody, other])
        self.assertEqual(rig.touch(consumer, [nobody, other, one]), [nobody, other, one])

    def test_it_gets_what_is_in_the_topics_that_match_and_in_those_that_come_later(self):
        rig = self.rig
        published(rig, "orders.eu", "1")
        published(rig, "bills.eu", "no")
        consumer = rig.join("orders.*", "g")
        self.assertEqual(consumer.bodies, ["1"])
        published(rig, "orders.us", "2")
        published(rig, "orders.us.east", "no")
        self.assertEqual(consumer.bodies, ["1", "2"])
        self.assertEqual(sorted(rig.broker.catalog.patterns), [("orders.*", "g")])

    def test_the_groups_are_there_before_the_first_message_although_nobody_is(self):
        rig = self.rig
        rig.disconnect(rig.join("orders.>", "g", start="new"))
        rig.commit()
        rig.crash()
        published(rig, "orders.eu", "1")
        rig.join("orders.eu", "other", start="new")
        self.assertEqual(list(rig.topic("orders.eu").groups), ["g", "other"])
        published(rig, "orders.eu", "2")
        self.assertEqual(rig.join("orders.*", "g").bodies, ["1", "2"])

    def test_with_a_start_it_begins_there_in_what_exists_and_with_everything_in_what_comes(self):
        rig = self.rig
        rig.join("a.1", "first")
        published(rig, "a.1", "old")
        rig.wait(10.0)
        published(rig, "a.1", "young")
        timed = rig.join("a.*", "timed", start=rig.now.wall)
        published(rig, "a.2", "new")
        self.assertEqual(timed.bodies, ["young", "new"])

    def test_private_ones_start_now_in_what_exists_and_with_everything_in_what_comes(self):
        rig = self.rig
        published(rig, "a.1", "old")
        consumer = rig.join("a.>", None)
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, ["1", "2"])
        self.assertEqual(rig.broker.catalog.patterns, {})
        rig.disconnect(consumer)
        published(rig, "a.3", "3")
        self.assertEqual(consumer.bodies, ["1", "2"])
        self.assertEqual([len(topic.privates) for topic in rig.broker.catalog.by_name.values()], [0, 0, 0])

    def test_topics_share_its_credit_and_take_turns(self):
        rig = self.rig
        for topic in ("a.1", "a.2", "a.3"):
            published(rig, topic, *[f"{topic}:{number}" for number in range(4)])
        consumer = rig.join("a.*", "g", 2)
        self.assertEqual(len(consumer.held), 2)
        order = []
        for _ in range(12):
            order.append(consumer.got[len(order)][1][:3])
            rig.ack(consumer, consumer.held[:1])
            rig.settle()
        self.assertEqual(len(consumer.got), 12)
        # Two of the first come before anybody else knew; after that nobody has two turns more than another.
        for at in range(3, 13):
            counts = [order[:at].count(topic) for topic in ("a.1", "a.2", "a.3")]
            self.assertLessEqual(max(counts) - min(counts), 2, order)

    def test_acks_find_their_topics_and_codes_of_no_topic_are_ignored(self):
        rig = self.rig
        consumer = rig.join("a.*", "g")
        for topic in ("a.1", "a.2", "b"):
            published(rig, topic, topic)
        stranger = f"{STORE_ID:016x}{1:08x}{rig.stored('b').id:016x}"
        one, other = consumer.held
        self.assertEqual(rig.ack(consumer, [one, "junk", other, stranger, one]), ["junk", stranger, one])
        self.assertEqual(rig.broker.counts().consumed, 2)
        self.assertEqual((rig.broker.figures().acked, rig.broker.figures().ignored_acks), (2, 3))

    def test_a_lease_that_is_nacked_or_touched_is_found_too(self):
        rig = self.rig
        consumer = rig.join("a.*", "g")
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        one, other = consumer.held
        self.assertEqual(rig.touch(consumer, [one, "junk"]), ["junk"])
        self.assertEqual(rig.nack(consumer, ["junk", other], 0.0), ["junk"])
        rig.settle()
        self.assertEqual(consumer.bodies, ["1", "2", "2"])

    def test_when_credit_comes_back_in_one_topic_another_has_a_turn(self):
        rig = self.rig
        consumer = rig.join("a.*", "g", 1)
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, ["1"])
        rig.ack(consumer, list(consumer.held))
        rig.settle()
        self.assertEqual(consumer.bodies, ["1", "2"])

    def test_so_it_is_when_a_lease_times_out_and_its_message_is_given_up(self):
        rig = Rig(Rules(max_attempts=1, ack_wait=10.0))
        consumer = rig.join("a.*", "g", 1)
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, ["1"])
        rig.wait(10.0)
        self.assertEqual(consumer.bodies, ["1", "2"])

    def test_one_that_is_full_all_the_same_waits(self):
        rig = Rig(Rules(max_attempts=1, ack_wait=10.0))
        consumer = rig.join("a.*", "g", 2)
        published(rig, "a.1", "1")
        rig.wait(5.0)
        published(rig, "a.2", "2", "3")
        rig.credit(consumer, 1)
        rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["1", "2"])
        rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["1", "2", "3"])

    def test_and_when_another_member_acknowledges_late_what_it_holds(self):
        rig = Rig(Rules(ack_wait=10.0, backoff=0.0))
        late = rig.join("a.1", "g")
        published(rig, "a.1", "1")
        rig.flow(late, flowing=False)
        rig.wait(10.0)
        consumer = rig.join("a.*", "g", 1)
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, ["1"])
        self.assertEqual(rig.ack(late, [late.got[0][0]]), [])
        rig.settle()
        self.assertEqual(consumer.bodies, ["1", "2"])

    def test_and_when_the_group_that_it_held_something_of_is_deleted(self):
        rig = self.rig
        consumer = rig.join("a.*", "g", 1)
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, ["1"])
        rig.run(rig.broker.steering.delete_group(rig.topic("a.1"), rig.group("a.1", "g"), rig.now))
        rig.settle()
        self.assertIsNone(consumer.reason, "it has other places")
        self.assertEqual(consumer.bodies, ["1", "2"])

    def test_a_transport_that_takes_no_more_stops_all_of_it(self):
        rig = self.rig
        consumer = rig.join("a.*", "g")
        rig.flow(consumer, flowing=False)
        published(rig, "a.1", "1")
        published(rig, "a.2", "2")
        self.assertEqual(consumer.bodies, [])
        rig.flow(consumer, flowing=True)
        rig.settle()
        self.assertEqual(sorted(consumer.bodies), ["1", "2"])

    def test_deleted_its_members_go_and_topics_that_come_have_no_group_of_it(self):
        rig = self.rig
        published(rig, "a.1", "1")
        watching, plain = rig.join("a.*", "g"), rig.join("a.1", "g")
        other = rig.join("a.*", "other")
        rig.run(rig.broker.steering.delete_pattern("a.*", "g", rig.now))
        self.assertEqual(type(watching.reason).__name__, "Gone")
        self.assertIsNone(plain.reason, "the groups themselves stay")
        self.assertIsNone(other.reason)
        rig.commit()
        rig.crash()
        published(rig, "a.2", "2")
        self.assertEqual(list(rig.topic("a.2").groups), ["other"])

    def test_two_patterns_with_one_name_make_one_group(self):
        rig = self.rig
        rig.join("a.*", "g")
        rig.join("a.>", "g")
        published(rig, "a.1", "1")
        self.assertEqual((len(rig.broker.catalog.groups), len(rig.store.groups)), (1, 1))
        rig.crash()
        self.assertEqual(rig.join("a.1", "g").bodies, ["1"])

    def test_there_is_a_limit_to_what_a_pattern_may_match(self):
        rig = self.rig
        with patch.object(consuming, "MOST_MATCHES", 1):
            published(rig, "a.1", "1")
            rig.join("a.*", "g")
            published(rig, "a.2", "2")
            self.assertIn("2 topics", str(self.assertRaises(TooMany, rig.join, "a.*", "other")))
        self.assertEqual(sorted(rig.broker.catalog.patterns), [("a.*", "g")])

    def test_and_to_how_many_there_are(self):
        rig = self.rig
        with patch.object(consuming, "MOST_PATTERNS", 1):
            rig.disconnect(rig.join("a.*", "g"))
            self.assertIn("by pattern", str(self.assertRaises(TooMany, rig.join, "b.*", "g")))
            rig.join("b.*", None)
            self.assertIn("subscriptions", str(self.assertRaises(TooMany, rig.join, "c.*", None)))

    def test_one_made_before_anybody_subscribes_is_made_once(self):
        make = self.rig.broker.consuming.make_pattern
        self.assertTrue(make("a.*", "g", GroupConfig(backoff=3.0)))
        self.assertFalse(make("a.*", "g", GroupConfig()))
        published(self.rig, "a.1", "1")
        self.assertEqual(self.rig.group("a.1", "g").terms.backoff, 3.0)
