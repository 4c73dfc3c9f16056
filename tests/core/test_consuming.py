"""Groups and who is a member of them."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadName, Unsupported
from kapokmq.core.policy import GroupConfig
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steps import acked, published


class NamedTests(SynchronousTestCase):
    """Durable groups: each is due every message once."""

    def setUp(self):
        self.rig = Rig(Rules())

    def test_every_group_gets_every_message_and_its_members_share_them(self):
        rig = self.rig
        one, other = rig.join("a", "sales"), rig.join("a", "sales")
        audit = rig.join("a", "audit")
        published(rig, "a", "1", "2")
        self.assertEqual((one.bodies, other.bodies, audit.bodies), (["1"], ["2"], ["1", "2"]))

    def test_the_first_group_of_a_topic_takes_all_it_has_whatever_it_asks_for(self):
        published(self.rig, "a", "1", "2")
        self.assertEqual(self.rig.join("a", "sales", start="new").bodies, ["1", "2"])

    def test_a_later_one_begins_with_what_is_new_unless_it_asks_for_more(self):
        rig = self.rig
        rig.join("a", "first")
        published(rig, "a", "1")
        rig.wait(10.0)
        published(rig, "a", "2")
        late = [rig.join("a", "new"), rig.join("a", "all", start="all")]
        late.append(rig.join("a", "time", start=rig.now.wall - 5_000))
        late.append(rig.join("a", "future", start=rig.now.wall + 5_000))
        published(rig, "a", "3")
        self.assertEqual([consumer.bodies for consumer in late], [["3"], ["1", "2", "3"], ["2", "3"], ["3"]])

    def test_the_default_group_takes_all_even_where_others_were_there_before(self):
        self.rig.join("a", "first")
        published(self.rig, "a", "1")
        self.assertEqual(self.rig.connect("a").bodies, ["1"])
        self.assertEqual(self.rig.topic("a").groups.keys(), {"first", "default"})

    def test_who_names_the_default_group_is_its_member(self):
        classic, named = self.rig.connect("a"), self.rig.join("a", "default")
        published(self.rig, "a", "1", "2")
        self.assertEqual((classic.bodies, named.bodies), (["1"], ["2"]))

    def test_that_is_refused_where_it_is_a_broadcast(self):
        rig = Rig(Rules(broadcast=True))
        self.assertRaises(Unsupported, rig.join, "a", "default")
        self.assertEqual((rig.broker.consuming.consumers, rig.broker.catalog.by_name), ({}, {}))
        rig.join("a", "named")

    def test_a_message_is_consumed_when_every_group_is_done_with_it(self):
        rig = self.rig
        one, other = rig.join("a", "one"), rig.join("a", "other")
        published(rig, "a", "1", "2")
        rig.ack(one, list(one.held))
        rig.commit()
        self.assertEqual((rig.broker.counts().consumed, rig.store.consumed), (0, set()))
        rig.ack(other, other.held[:1])
        rig.commit()
        self.assertEqual(rig.broker.counts(), (2, 1, 0, 1))
        self.assertEqual(rig.store.consumed, {rig.stored("1").id})
        rig.crash()
        self.assertEqual(rig.broker.counts(), (2, 1, 0, 1))

    def test_acks_in_a_row_within_a_second_are_one_row(self):
        rig = self.rig
        one = rig.join("a", "one")
        rig.join("a", "other")
        published(rig, "a", *"12345")
        for count, seconds, runs in ((1, 0.0, (0, 0)), (2, 0.5, (0, 2)), (1, 0.6, (3, 3))):
            rig.wait(seconds)
            rig.ack(one, one.held[:count])
            rig.begin_commit()
            [row] = rig.taken.commit.acked
            self.assertEqual((row.first, row.last), runs)
            rig.end_commit()

    def test_when_each_was_done_is_recorded_where_there_are_several(self):
        rig = self.rig
        one = rig.join("a", "one")
        published(rig, "a", "alone")
        acked(rig, one)
        other = rig.join("a", "other")
        published(rig, "a", "1")
        acked(rig, one)
        rig.wait(2.0)
        acked(rig, other)
        self.assertEqual(rig.store.acked_at, {(1, 1): rig.now.wall - 2000, (2, 1): rig.now.wall})

    def test_replay_changes_no_status(self):
        rig = self.rig
        acked_one = rig.join("a", "one")
        published(rig, "a", "1")
        acked(rig, acked_one)
        replay = rig.join("a", "replay", start="all")
        self.assertEqual((replay.bodies, rig.broker.counts()), (["1"], (1, 1, 0, 0)))
        acked(rig, replay)
        self.assertEqual((rig.broker.counts(), rig.store.hours[1][2]), ((1, 1, 0, 0), 1))
        rig.crash()
        self.assertEqual(rig.broker.counts(), (1, 1, 0, 0))

    def test_groups_go_on_where_they_were_after_a_restart(self):
        rig = self.rig
        one, other = rig.join("a", "one"), rig.join("a", "other")
        published(rig, "a", "1", "2", "3")
        rig.ack(one, one.held[:2])
        rig.ack(other, other.held[1:2])
        rig.commit()
        rig.crash()
        self.assertEqual(rig.join("a", "one").bodies, ["3"])
        self.assertEqual(rig.join("a", "other").bodies, ["1", "3"])
        self.assertEqual(rig.group("a", "one").position.mark, 2)

    def test_a_group_made_by_an_operator_has_what_was_set_for_it(self):
        rig = self.rig
        rig.join("a", "one")
        published(rig, "a", "1")
        config = GroupConfig(ack_wait=5.0)
        rig.broker.consuming.group(rig.topic("a"), "two", "all", None, config)
        rig.commit()
        rig.crash()
        group = rig.group("a", "two")
        self.assertEqual((group.config, group.terms.lease_seconds), (config, 5.0))
        self.assertEqual(rig.join("a", "two").bodies, ["1"])

    def test_names_are_checked_and_nothing_is_made_where_they_are_wrong(self):
        for topic, group in (("", "g"), ("a", ""), ("a", "g\n"), ("a.>.b", "g"), ("a..*", None)):
            self.assertRaises(BadName, self.rig.join, topic, group)
        self.assertEqual(self.rig.broker.catalog.by_name, {})

    def test_only_a_new_group_that_begins_at_a_time_asks_the_store(self):
        rig = self.rig
        seeks = rig.broker.consuming.seeks
        self.assertEqual(seeks("a", Wish("g", 1, start=5)), [])
        rig.join("a", "one")
        self.assertEqual(seeks("a", Wish("one", 1, start=5)), [])
        self.assertEqual(seeks("a", Wish(None, 1, start=5)), [])
        self.assertEqual(seeks("a", Wish("g", 1, start="all")), [])
        self.assertEqual(seeks("a", Wish("g", 1, start=5)), [rig.topic("a")])
        self.assertEqual(seeks(">", Wish("g", 1, start=5)), [rig.topic("a")])


class PrivateTests(SynchronousTestCase):
    """Groups of one subscription, which nobody else is touched by."""

    def setUp(self):
        self.rig = Rig(Rules())

    def test_it_starts_now_and_each_gets_everything(self):
        rig = self.rig
        published(rig, "a", "old")
        one, other = rig.join("a", None), rig.join("a", None)
        published(rig, "a", "1", "2")
        self.assertEqual((one.bodies, other.bodies), (["1", "2"], ["1", "2"]))

    def test_it_stores_nothing_and_vanishes_with_its_subscription(self):
        rig = self.rig
        published(rig, "a", "old")
        commits = rig.store.commits
        consumer = rig.join("a", None)
        rig.commit()
        self.assertEqual((rig.store.commits, rig.store.groups), (commits, {}))
        published(rig, "a", "1", "2")
        rig.ack(consumer, consumer.held[:1])
        rig.nack(consumer, consumer.held[:1])
        self.assertFalse(rig.broker.ledger)
        self.assertGreater(rig.broker.figures().memory, 0)
        rig.disconnect(consumer)
        self.assertEqual((rig.topic("a").privates, rig.broker.figures().memory), ({}, 0))
        self.assertEqual((rig.broker.figures().in_flight, rig.store.attempts, rig.store.events), (0, {}, []))
        rig.wait(1000.0)
        self.assertIsNone(rig.broker.next_wait(rig.now))

    def test_it_holds_nothing_back(self):
        rig = self.rig
        durable, private = rig.join("a", "g"), rig.join("a", None)
        published(rig, "a", "1")
        acked(rig, durable)
        self.assertEqual(rig.broker.counts().consumed, 1)
        acked(rig, private)
        self.assertEqual(rig.broker.counts().consumed, 1)

    def test_a_topic_with_private_groups_alone_consumes_nothing(self):
        rig = self.rig
        private = rig.join("a", None)
        published(rig, "a", "1")
        acked(rig, private)
        self.assertEqual(rig.broker.counts(), (1, 0, 0, 1))
        self.assertEqual(rig.join("a", "g").bodies, ["1"])

    def test_it_retries_like_others_and_gives_up_without_a_trace(self):
        rig = Rig(Rules(max_attempts=2, backoff=1.0))
        consumer = rig.join("a", None)
        published(rig, "a", "1")
        for _ in range(2):
            rig.nack(consumer, list(consumer.held))
            rig.wait(1.0)
        self.assertEqual((consumer.bodies, consumer.attempts), (["1", "1"], [1, 2]))
        rig.commit()
        self.assertEqual((rig.store.dead, rig.store.events, rig.store.attempts), ({}, [], {}))
        figures = rig.broker.figures()
        self.assertEqual((figures.dead, figures.in_flight, figures.memory), (0, 0, 0))

    def test_what_does_not_fit_in_memory_is_read_from_the_store_for_it(self):
        rig = Rig(Rules(memory_budget=1))
        consumer = rig.join("a", None)
        published(rig, "a", "1", "2")
        self.assertEqual(consumer.bodies, ["1", "2"])

    def test_it_gets_what_falls_due_later(self):
        rig = self.rig
        consumer = rig.join("a", None)
        rig.publish("a", ["late"], delay=5)
        rig.commit()
        rig.wait(5.0)
        self.assertEqual(consumer.bodies, ["late"])

    def test_a_tail_owes_nothing(self):
        rig = self.rig
        tail = rig.join("a", None, None, owes=False)
        published(rig, "a", "1", "2")
        self.assertEqual((tail.bodies, tail.held, rig.broker.figures().in_flight), (["1", "2"], [], 0))
        self.assertEqual(rig.broker.figures().memory, 0)
