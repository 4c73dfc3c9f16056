"""What people see of topics, groups and consumers."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.admin import GroupInfo, MemberInfo, TopicInfo
from kapokmq.core.overview import group_info, member_infos, topic_info
from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.core.query import TopicCounts
from kapokmq.core.rules import Rules
from tests.core.rig import START, Rig

RULES = Rules(max_attempts=1, policies=(("a", TopicPolicy(ack_wait=20.0)),))


class OverviewTests(SynchronousTestCase):
    def setUp(self):
        self.rig = Rig(RULES)

    def publish(self, *bodies, **delay):
        self.rig.publish("a", list(bodies), **delay)
        self.rig.commit()
        self.rig.settle()

    def info(self, name):
        return group_info(self.rig.topic("a"), self.rig.group("a", name), RULES, self.rig.delayed("a"))

    def test_a_topic_with_what_was_set_and_what_it_goes_by(self):
        self.rig.join("a", "z", 0), self.rig.join("a", "g", 0)
        policy = TopicPolicy(max_age=5.0)
        self.rig.broker.steering.set_policy(self.rig.topic("a"), policy)
        self.publish("x")
        counts = TopicCounts("a", 1, 0, 0, 1, 0, bytes=201)
        effective = TopicPolicy(
            retention="queue",
            max_age=5.0,
            overflow="reject",
            dedup_window=600.0,
            durability="fsync",
            ack_wait=20.0,
            max_attempts=1,
            backoff=1.0,
            backoff_max=300.0,
            choice="random",
        )
        self.assertEqual(topic_info(self.rig.topic("a"), RULES), TopicInfo(counts, policy, effective, ["g", "z"]))

    def test_a_groups_lag_is_what_it_has_not_done_of_what_is_due(self):
        consumer = self.rig.join("a", "g", 4)
        self.rig.wait(3.0)
        self.publish(*"0123456")
        self.publish("late", delay=50)
        self.rig.nack(consumer, consumer.held[:1])
        self.rig.ack(consumer, consumer.held[1:2])
        config = GroupConfig(backoff=9.0)
        self.rig.broker.steering.set_config(self.rig.topic("a"), self.rig.group("a", "g"), config)
        effective = GroupConfig(20.0, 1, 9.0, 300.0, "random")
        self.assertEqual(
            self.info("g"),
            GroupInfo("a", "g", "queue", config, effective, 0, 8, 5, 4, 1, 1, START.wall + 3000),
        )

    def test_one_that_is_done_with_all_lags_behind_in_nothing(self):
        consumer = self.rig.join("a", "g")
        self.publish("0", "1")
        self.rig.ack(consumer, list(consumer.held))
        info = self.info("g")
        self.assertEqual((info.mark, info.next, info.lag, info.oldest), (2, 2, 0, None))
        self.publish("late", delay=50)
        self.rig.join("a", "later", 0)
        self.assertEqual(self.info("later").lag, 0)
        self.publish("2")
        self.assertEqual(self.info("later").lag, 1, "what is delayed lies before its start")
        self.rig.run(self.rig.broker.steering.purge_group(self.rig.topic("a"), self.rig.group("a", "g"))[1])
        self.publish("3")
        self.assertEqual((self.info("g").lag, self.info("later").lag), (2, 2), "what it holds is not purged")

    def test_what_is_delayed_and_done_with_is_counted_once_however_many_there_are(self):
        consumer = self.rig.join("a", "g", 10)
        for delayed in ("late",), [f"late {at}" for at in range(5)]:
            self.publish(*delayed, delay=50)
            self.publish("0", "1", "2")
            # Of many messages one in two: runs.
            self.rig.ack(consumer, consumer.held[::2])
            self.rig.run(self.rig.broker.steering.purge_group(self.rig.topic("a"), self.rig.group("a", "g"))[1])
            self.assertEqual(self.info("g").lag, len(consumer.held))

    def test_consumers_and_what_they_hold(self):
        first, _ = self.rig.connect("a", 5), self.rig.connect("b", None)
        self.rig.wait(2.0)
        pattern = self.rig.join("*", "g", 7)
        self.rig.join("a", None, 0)
        self.publish("x")
        self.rig.credit(pattern, 0)
        came, later, where = START.wall, START.wall + 2000, (7, "192.0.2.7")
        self.assertEqual(
            member_infos(self.rig.broker.consuming.consumers),
            [
                MemberInfo("c", "a", "default", 4, 1, *where, came, 1, 0),
                MemberInfo("c", "b", "default", None, 0, *where, came, 0, 0),
                MemberInfo("c", "*", "g", 0, 1, *where, later, 1, 0),
                MemberInfo("c", "a", None, 0, 0, *where, later, 0, 0),
            ],
        )
        self.rig.ack(first, list(first.held))
        self.rig.ack(first, list(first.held))
        self.publish("y", "z")
        self.rig.nack(first, first.held[:1], 0.0)
        info = member_infos([first.consumer])[0]
        self.assertEqual((info.delivered, info.acked), (4, 1), "what comes again counts again")
