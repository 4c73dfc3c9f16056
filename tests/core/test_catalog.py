"""Topics and groups: made when first named, found again at the start."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.broadcast import BroadcastGroup
from kapokmq.core.broker import Broker
from kapokmq.core.errors import BadName
from kapokmq.core.queue import QueueGroup
from kapokmq.core.recovered import Recovered, RecoveredGroup, RecoveredTopic, Totals
from kapokmq.core.rules import Rules
from tests.core.naive_store import STORE_ID
from tests.core.rig import START, Rig


class NamingTests(SynchronousTestCase):
    """A topic comes into being when somebody names it."""

    def test_the_same_name_is_the_same_topic_and_group(self):
        rig = Rig(Rules())
        rig.connect("orders")
        rig.connect("orders")
        rig.publish("orders", ["a"])
        self.assertEqual((list(rig.broker.catalog.by_name), len(rig.broker.catalog.groups)), (["orders"], 1))

    def test_there_are_no_more_topics_than_a_node_may_have(self):
        rig = Rig(Rules(max_topics=2))
        rig.connect("a")
        rig.publish("b", ["x"])
        error = self.assertRaises(BadName, rig.publish, "c", ["x"])
        self.assertIn("2 already", str(error))
        rig.publish("a", ["x"])
        rig.commit()
        self.assertEqual(len(rig.store.topics), 2)

    def test_the_mode_is_the_rules(self):
        for broadcast, kind in ((False, QueueGroup), (True, BroadcastGroup)):
            rig = Rig(Rules(broadcast=broadcast))
            rig.connect("orders")
            [group] = rig.broker.catalog.groups.values()
            self.assertIs(type(group), kind)

    def test_a_node_that_was_queue_may_be_broadcast_after_a_restart(self):
        rig = Rig(Rules())
        rig.publish("orders", ["a"])
        rig.commit()
        rig.connect("orders")
        rig.commit()
        rig.rules = Rules(broadcast=True)
        rig.crash()
        consumers = [rig.connect("orders"), rig.connect("orders")]
        rig.publish("orders", ["b"])
        rig.commit()
        self.assertEqual([consumer.bodies for consumer in consumers], [["a", "b"], ["b"]])


class RecoveryTests(SynchronousTestCase):
    """The broker stands where the store says it stood."""

    def test_numbers_go_on_after_the_highest_found(self):
        rig = Rig(Rules())
        for topic in ("a", "b"):
            rig.connect(topic)
        rig.commit()
        rig.crash()
        rig.connect("c")
        rig.commit()
        self.assertEqual(rig.store.topics, {1: "a", 2: "b", 3: "c"})
        self.assertEqual([row.topic for row in rig.store.groups.values()], [1, 2, 3])

    def test_offsets_go_on_after_the_last_stored(self):
        rig = Rig(Rules())
        rig.publish("orders", ["a"])
        rig.commit()
        rig.publish("orders", ["lost"])
        rig.crash()
        rig.publish("orders", ["b"])
        rig.commit()
        self.assertEqual(rig.connect("orders").bodies, ["a", "b"])

    def test_what_was_in_flight_is_ready_again_and_what_was_done_is_not(self):
        rig = Rig(Rules())
        rig.publish("orders", [str(number) for number in range(6)])
        rig.commit()
        consumer = rig.connect("orders")
        rig.ack(consumer, [consumer.held[number] for number in (0, 2, 5)])
        rig.commit()
        rig.crash()
        self.assertEqual(rig.connect("orders").bodies, ["1", "3", "4"])

    def test_other_groups_of_a_topic_are_found_and_hold_messages_unconsumed(self):
        groups = [
            RecoveredGroup(1, 1, "default", "default", 0, [(1, 1)], []),
            RecoveredGroup(5, 1, "audit", "named", 1, [], []),
        ]
        topic = RecoveredTopic(1, "orders", 3, 0, Totals(published=4, consumed=2, cleaned=1, delayed=1))
        broker = Broker(
            Rules(broadcast=True), Recovered(STORE_ID, 2, [topic], groups), lambda members, n: [members[0]] * n, START
        )
        self.assertEqual(broker.counts(), (3, 1, 1, 1))
        self.assertIs(type(broker.catalog.groups[5]), QueueGroup)
        found = broker.catalog.by_name["orders"]
        self.assertEqual(found.consumed_part(0, 2), [])
        self.assertEqual(found.consumed_by_all(found.groups["default"], [(0, 2)]), [(0, 0)])
        other = broker.catalog.default_group(broker.catalog.topic("bills"))
        self.assertEqual(other.number, 6)
