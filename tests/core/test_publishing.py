"""Publishes: what is refused, and what an eager node holds back."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import (
    Draining,
    Full,
    NotDurable,
    NotKept,
    Paused,
)
from kapokmq.core.message import Draft
from kapokmq.core.policy import TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig
from tests.core.steps import keyed, other


class EagerTests(SynchronousTestCase):
    """Where confirmations leave at once, some wait for their commit all the same."""

    def setUp(self):
        self.rig = Rig(Rules(eager=True, durable="interval"))
        self.consumer = self.rig.connect("a")

    def test_what_has_a_key_waits_and_so_does_what_comes_behind_it_in_its_topic(self):
        rig = self.rig
        producers = [rig.publish("a", ["1"]), rig.send("a", keyed(("k", "2"))), rig.publish("a", ["3"])]
        apart = rig.publish("b", ["4"])
        self.assertEqual([one.confirmed_count for one in [*producers, apart]], [1, 0, 0, 1])
        self.assertEqual((self.consumer.bodies, rig.broker.publishing.held), (["1"], 2))
        rig.commit()
        self.assertEqual([one.confirmed_count for one in producers], [1, 1, 1])
        self.assertEqual([one.receipts[0].durable for one in producers], ["interval", "fsync", "fsync"])
        self.assertEqual((self.consumer.bodies, rig.broker.publishing.held), (["1", "2", "3"], 0))
        self.assertEqual(rig.publish("a", ["5"]).confirmed_count, 1, "at once again")
        self.assertEqual(self.consumer.bodies[3:], ["5"])
        rig.commit()
        rig.ack(self.consumer, list(self.consumer.held))
        self.assertEqual((rig.broker.counts(), rig.broker.figures().memory), ((5, 4, 0, 1), 0))

    def test_what_is_to_be_synced_waits(self):
        asked = self.rig.send("a", [Draft("1")], durable=True)
        self.rig.broker.steering.set_policy(self.rig.topic("a"), TopicPolicy(durability="fsync"))
        by_policy = self.rig.publish("a", ["2"])
        self.assertEqual((asked.receipts, by_policy.receipts, self.consumer.bodies), ([], [], []))
        self.rig.commit()
        self.assertEqual([one.receipts[0].durable for one in (asked, by_policy)], ["fsync", "fsync"])
        self.assertEqual(self.consumer.bodies, ["1", "2"])

    def test_where_the_disk_does_not_keep_up_confirmations_wait_for_it(self):
        rig = self.rig = Rig(Rules(eager=True, durable="interval", pending_bytes=998))
        producers = [rig.publish("a", ["x" * 299]), rig.publish("a", ["y"]), rig.publish("b", ["z"])]
        self.assertEqual([one.confirmed_count for one in producers], [1, 0, 0], "half of the bytes are pending")
        rig.commit()
        self.assertEqual([one.receipts[0].durable for one in producers], ["interval", "fsync", "fsync"])
        self.assertEqual(rig.publish("a", ["5"]).confirmed_count, 1, "at once again")

    def test_when_the_commit_fails_who_can_be_told_is_and_order_is_kept(self):
        rig = self.rig
        rig.publish("a", ["1"])
        told, classic = rig.send("a", keyed(("k", "2")), other()), rig.send("a", keyed(("j", "3")))
        rig.begin_commit()
        rig.fail_commit()
        self.assertEqual((told.refused_count, rig.broker.publishing.held), (1, 1))
        behind = rig.publish("a", ["4"])
        self.assertEqual(behind.confirmed_count, 0)
        rig.commit()
        self.assertEqual((classic.confirmed_count, behind.confirmed_count), (1, 1))
        self.assertEqual((self.consumer.bodies, rig.broker.publishing.held), (["1", "3", "4"], 0))
        self.assertEqual(rig.topic("a").pending_bytes, 0)

    def test_when_it_is_given_up_nothing_is_held_any_more(self):
        rig = self.rig
        rig.send("a", keyed(("k", "1")))
        rig.begin_commit()
        rig.fail_commit(give_up=True)
        self.assertEqual((rig.topic("a").held, rig.broker.publishing.held), (0, 0))
        rig.publish("a", ["2"])
        self.assertEqual(self.consumer.bodies, ["2"])

    def test_a_delayed_one_that_waited_is_not_taken_for_unsaved(self):
        rig = self.rig
        rig.send("a", [Draft("1", key="k", delay_ms=5000)])
        rig.commit()
        self.assertEqual(rig.broker.arrivals._unsaved, {})
        rig.wait(5.0)
        self.assertEqual(self.consumer.bodies, ["1"])


class RefusalTests(SynchronousTestCase):
    """What is not taken leaves nothing behind."""

    def refused(self, rig, error, drafts=None, topic="a", **call):
        known = rig.broker.catalog.by_name.get(topic)
        before = known.next if known else 0
        raised = self.assertRaises(error, rig.send, topic, drafts or [Draft("x")], other(), **call)
        self.assertEqual(rig.topic(topic).next if known else 0, before)
        return str(raised)

    def test_nothing_is_taken_while_the_node_drains(self):
        rig = Rig(Rules())
        rig.broker.draining = True
        self.refused(rig, Draining)
        self.assertRaises(Draining, rig.publish, "a", ["x"])

    def test_a_paused_topic_takes_nothing_and_delivers_what_it_has(self):
        rig = Rig(Rules())
        rig.publish("a", ["1"])
        rig.commit()
        rig.broker.steering.set_policy(rig.topic("a"), TopicPolicy(paused=True))
        self.refused(rig, Paused)
        self.assertEqual(rig.connect("a").bodies, ["1"])
        rig.commit()
        rig.crash()
        self.refused(rig, Paused)
        rig.broker.steering.set_policy(rig.topic("a"), TopicPolicy())
        rig.publish("a", ["2"])

    def test_who_asks_for_more_than_the_node_has_is_told(self):
        rig = Rig(Rules(durable="memory"))
        self.assertIn("nothing on disk", self.refused(rig, NotDurable, durable=True))
        rig = Rig(Rules(policies=(("a", TopicPolicy(retention="none")),)))
        self.assertIn("nothing is kept", self.refused(rig, NotDurable, durable=True))

    def test_a_topic_that_keeps_nothing_has_no_delays_and_no_keys(self):
        rig = Rig(Rules(policies=(("a", TopicPolicy(retention="none")),)))
        for draft in (Draft("x", delay_ms=5), Draft("x", due=START.wall + 5), Draft("x", key="k")):
            self.refused(rig, NotKept, [draft])
        [receipt] = rig.send("a", [Draft("x", headers='{"a":"b"}')], other()).receipts
        self.assertEqual(receipt.durable, "memory")

    def test_a_node_that_is_full_takes_no_more_from_who_can_be_told(self):
        rig = Rig(Rules(buffer=1))
        rig.publish("a", ["x"])
        rig.commit()
        self.refused(rig, Full)
