"""What operators change while traffic goes on."""

from kapokmq.core.errors import Unsupported
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.rules import Rules
from tests.core.rig import Rig
from tests.core.steering_case import SteeringCase


class PauseTests(SteeringCase):
    """A group that is paused delivers nothing, and everything when it goes on."""

    def pause(self, name, *, paused):
        self.steering.set_config(self.rig.topic("a"), self.rig.group("a", name), GroupConfig(paused=paused))
        self.rig.commit()
        self.rig.settle()

    def test_others_go_on(self):
        one, other = self.rig.join("a", "g"), self.rig.join("a", "h")
        self.pause("g", paused=True)
        self.publish("1")
        self.assertEqual((one.bodies, other.bodies), ([], ["1"]))
        self.pause("g", paused=False)
        self.assertEqual(one.bodies, ["1"])

    def test_it_stays_so_over_a_restart_and_reads_nothing(self):
        self.rig.join("a", "g")
        self.publish("1")
        self.pause("g", paused=True)
        self.rig.crash()
        self.rig.reads.clear()
        consumer = self.rig.join("a", "g")
        self.assertEqual((consumer.bodies, self.rig.reads), ([], []))
        self.pause("g", paused=False)
        self.assertEqual(consumer.bodies, ["1"])

    def test_so_it_is_with_a_broadcast(self):
        self.rig = Rig(Rules(broadcast=True))
        consumer = self.rig.connect("a")
        self.pause("default", paused=True)
        self.publish("1")
        self.assertEqual(consumer.bodies, [])
        self.pause("default", paused=False)
        self.assertEqual(consumer.bodies, ["1"])


class PolicyTests(SteeringCase):
    """A topic's own policy."""

    def test_it_counts_at_once_and_after_a_restart(self):
        consumer = self.rig.join("a", "g")
        policy = TopicPolicy(ack_wait=5.0)
        self.steering.set_policy(self.rig.topic("a"), policy)
        self.assertEqual(self.rig.group("a", "g").terms.lease_seconds, 5.0)
        self.rig.commit()
        self.rig.crash()
        self.assertEqual((self.rig.topic("a").policy, self.rig.group("a", "g").terms.lease_seconds), (policy, 5.0))
        self.assertIsNotNone(consumer)

    def test_whether_messages_are_kept_does_not_change(self):
        for before, after in ((TopicPolicy(), "none"), (TopicPolicy(retention="none"), "queue")):
            name = f"to {after}"
            topic = self.rig.broker.catalog.make_topic(name, before)
            self.assertRaises(Unsupported, self.steering.set_policy, topic, TopicPolicy(retention=after))
            self.assertEqual((topic.policy, topic.effective.retention), (before, before.retention))
            self.rig.commit()
            self.rig.crash()
            self.assertEqual(self.rig.topic(name).policy, before)

    def test_a_log_keeps_what_is_consumed(self):
        rig = Rig(Rules(clean_consumed=True, policies=(("log", TopicPolicy(retention="log")),)))
        for topic in ("log", "queue"):
            consumer = rig.join(topic, "g")
            rig.publish(topic, [topic])
            rig.commit()
            rig.ack(consumer, list(consumer.held))
            rig.commit()
        self.assertEqual([message.data for message in rig.store.messages.values()], ["log"])
        self.assertEqual(rig.broker.counts(), (1, 1, 0, 0))
        self.assertEqual(rig.join("log", "replay", start="all").bodies, ["log"])
