"""One subscription on all nodes."""

from kapokmq.core.client.errors import Gone, TryLater
from kapokmq.core.client.events import Arrived, Complaint, Ended, Joined
from kapokmq.core.client.inbox import Terms
from tests.core.client.cluster.cluster_case import ClusterCase


class InboxTests(ClusterCase):
    def setUp(self):
        super().setUp()
        self.up("a", "b")

    def subscribe(self, **terms):
        self.inbox = self.cluster.subscribe("t", Terms("g", **{"credit": 10} | terms), Terms("g", 10, {"time": 5}))
        return self.inbox

    def joined(self, *names):
        """Have these nodes carry out the subscription."""
        events = []
        for name in names:
            asked = next(each for each in reversed(self.said(name)) if each["op"] == "subscribe")
            self.subs[name] = asked["id"]
            events += self.hear(name, "ok", id=asked["id"])
        return events

    def delivered(self, name, *codes):
        messages = [{"code": each, "topic": "t", "data": each, "createTime": 1, "attempt": 1} for each in codes]
        return self.hear(name, "deliver", sub=self.subs[name], messages=messages)

    def begin(self, **terms):
        self.subscribe(**terms)
        self.assertEqual(self.joined("a"), [])
        self.assertEqual(self.joined("b"), [Joined(self.inbox.sub)])

    def test_messages_come_in_turn_and_acks_go_where_they_belong(self):
        self.begin()
        self.assertEqual(self.delivered("a", "a1", "a2", "a3"), [Arrived(self.inbox.sub)])
        self.delivered("b", "b1", "b2")
        self.assertEqual(len(self.inbox.messages), 5)
        got = [self.inbox.next().code for _ in range(5)]
        self.assertEqual(set(got[:4]), {"a1", "a2", "b1", "b2"})
        self.assertIsNone(self.inbox.next())
        self.assertEqual(self.inbox.in_hand, set(got))
        self.inbox.ack("a1")
        self.inbox.nack("b1", 2.0, "why")
        self.inbox.touch("b2")
        for unknown in ("a1", "nobody's"):
            self.inbox.ack(unknown)
            self.inbox.nack(unknown, None, "")
            self.inbox.touch(unknown)
        self.cluster.stirred.clear()
        self.cluster.stir(self.inbox)
        self.assertEqual(self.cluster.stirred, {"a", "b"})
        self.assertEqual([(each["op"], each["codes"]) for each in self.said("a")], [("ack", ["a1"])])
        self.assertEqual(
            [(each["op"], each["codes"]) for each in self.said("b")], [("nack", ["b1"]), ("touch", ["b2"])]
        )
        self.assertEqual(self.inbox.in_hand, {"a2", "a3", "b2"})
        self.assertFalse(self.cluster.settled)

    def test_who_settles_nothing_is_forgotten(self):
        self.begin(credit=1)
        for start in range(0, 40_000, 1000):
            self.delivered("a", *(f"{start + index}" for index in range(1000)))
            while self.inbox.next() is not None:
                pass
        self.assertLess(len(self.inbox.in_hand), 40_000)

    def test_the_credit_is_shared(self):
        self.subscribe(credit=5)
        self.assertEqual([self.said(name)[0]["credit"] for name in "ab"], [3, 3])
        self.up("c")
        self.assertEqual([self.said(name)[-1]["n"] for name in "ab"], [2, 2])
        self.cluster.set_credit(self.inbox, 0)
        self.assertEqual([self.said(name)[-1]["n"] for name in "abc"], [0, 0, 0])
        self.cluster.set_credit(self.inbox, 9)
        self.assertEqual([self.said(name)[-1]["n"] for name in "abc"], [3, 3, 3])
        self.down("b")
        self.assertEqual([self.said(name)[-1]["n"] for name in "ac"], [5, 5])

    def test_a_node_that_comes_later_begins_when_the_subscription_did(self):
        self.begin()
        self.up("c")
        asked = self.said("c")
        self.assertEqual((asked[0]["op"], asked[0]["start"]), ("subscribe", {"time": 5}))
        self.down("c")
        self.up("c")
        self.assertEqual(self.said("c")[0]["start"], {"time": 5})
        self.assertEqual(self.joined_late("c", asked[0]["id"]), [])
        self.assertEqual(self.delivered("c", "c1"), [Arrived(self.inbox.sub)])

    def joined_late(self, name, sub):
        self.subs[name] = sub
        return self.hear(name, "ok", id=sub)

    def test_so_does_one_that_is_known_and_not_there_yet(self):
        self.down("b")
        self.subscribe()
        self.assertNotIn("start", self.said("a")[-1])
        self.up("b")
        self.assertEqual(self.said("b")[0]["start"], {"time": 5})

    def test_who_goes_away_is_not_waited_for(self):
        self.subscribe()
        self.assertEqual(self.joined("a"), [])
        self.assertEqual(self.down("b"), [Joined(self.inbox.sub)])

    def test_nobody_is_there(self):
        self.down("a")
        self.down("b")
        self.subscribe()
        self.up("a")
        self.assertEqual(self.joined("a"), [Joined(self.inbox.sub)])

    def test_what_was_done_is_told_when_a_node_comes_back_and_is_not_handed_out_again(self):
        self.begin()
        self.delivered("a", "a1")
        self.inbox.next().source = None
        self.down("a")
        self.listed(away="a")
        self.inbox.ack("a1")
        self.cluster.stir(self.inbox)
        self.assertTrue(self.cluster.settled, "one that is gone is not waited for")
        self.listed("a")
        self.assertFalse(self.cluster.settled)
        self.up("a")
        self.assertIn("ack", [each["op"] for each in self.said("a")])
        self.delivered("a", "a1")
        self.assertIsNone(self.inbox.next())

    def test_unsubscribed(self):
        self.begin()
        self.down("b")
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [])
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [])
        last = self.said("a")[-1]
        self.assertEqual(last["op"], "unsubscribe")
        self.up("c")
        self.assertEqual(self.said("c"), [])
        self.assertEqual(self.hear("a", "ok", id=last["id"]), [Ended(self.inbox.sub, None)])
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [])
        self.assertEqual(self.delivered("a", "a1"), [])

    def test_unsubscribed_where_nobody_is_there(self):
        self.down("a")
        self.down("b")
        self.subscribe()
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [Ended(self.inbox.sub, None)])

    def test_what_was_done_is_told_to_a_node_that_was_away_as_it_was_unsubscribed(self):
        self.begin()
        self.delivered("b", "b1")
        self.inbox.next()
        self.down("b")
        self.inbox.ack("b1")
        self.cluster.stir(self.inbox)
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [])
        leave = self.said("a")[-1]
        self.assertEqual(self.hear("a", "ok", id=leave["id"]), [Ended(self.inbox.sub, None)])
        self.assertFalse(self.cluster.settled)
        self.up("b")
        asked, ack, leave = self.said("b")
        self.assertEqual(
            (asked["op"], asked["credit"], ack["codes"], leave["op"]), ("subscribe", 0, ["b1"], "unsubscribe")
        )
        for each in (asked, ack, leave):
            self.assertEqual(self.hear("b", "ok", id=each["id"]), [])
        self.assertTrue(self.cluster.settled)

    def test_what_makes_no_sense(self):
        self.begin()
        self.delivered("a", "a1")
        self.inbox.next()
        for reason, error in ((5, TypeError), (None, TypeError)):
            with self.assertRaises(error):
                self.inbox.nack("a1", None, reason)
        self.assertEqual(self.inbox.in_hand, {"a1"})
        with self.assertRaises(ValueError):
            self.cluster.set_credit(self.inbox, -1)
        self.fresh()
        for topic, terms, error in ((b"t", Terms("g"), TypeError), ("t", Terms("g", -1), ValueError)):
            with self.assertRaises(error):
                self.cluster.subscribe(topic, terms)

    def test_without_any_node(self):
        self.fresh()
        self.subscribe()
        self.assertEqual(self.cluster.unsubscribe(self.inbox), [Ended(self.inbox.sub, None)])

    def test_the_first_refusal_ends_it(self):
        self.subscribe()
        asked = self.said("a")[-1]
        sub = self.said("b")[-1]["id"]
        (event,) = self.hear("a", "error", id=asked["id"], code="badName", message="no")
        self.assertEqual((event.sub, event.error.code), (self.inbox.sub, "badName"))
        last = self.said("b")
        self.assertEqual(last[-1]["op"], "unsubscribe")
        self.assertEqual(self.joined_late("b", sub), [])
        self.assertEqual(self.delivered("b", "b1"), [])
        self.assertEqual(self.hear("b", "ok", id=last[-1]["id"]), [])

    def test_a_refusal_where_all_others_wait(self):
        self.down("b")
        self.subscribe()
        (event,) = self.hear("a", "error", id=self.said("a")[-1]["id"], code="badName", message="no")
        self.assertIsInstance(event, Ended)

    def test_a_node_that_comes_later_may_refuse_for_a_while(self):
        self.begin()
        self.up("c")
        sub = self.said("c")[0]["id"]
        (event,) = self.hear("c", "error", id=sub, code="full", message="no", retryAfter=1.0)
        self.assertIsInstance(event, Complaint)
        self.assertIsInstance(event.error, TryLater)
        self.cluster.nodes["c"].session.tick(2.0)
        self.assertEqual(self.said("c")[0]["op"], "subscribe")

    def test_gone_on_one_node_and_then_on_all(self):
        self.begin()
        (event,) = self.hear("a", "error", sub=self.subs["a"], code="gone", message="deleted")
        self.assertIsInstance(event, Complaint)
        self.cluster.set_credit(self.inbox, 20)
        self.assertEqual(self.said("a"), [])
        (event,) = self.hear("b", "error", sub=self.subs["b"], code="gone", message="deleted")
        self.assertEqual((event.sub, type(event.error)), (self.inbox.sub, Gone))

    def test_without_acks(self):
        self.begin(acks=False, credit=4)
        self.delivered("a", "a1", "a2")
        self.assertEqual(self.inbox.next().code, "a1")
        self.inbox.ack("a1")
        self.cluster.stirred.clear()
        self.cluster.stir(self.inbox)
        self.assertEqual(self.cluster.stirred, {"a", "b"})
        self.assertEqual(self.inbox.in_hand, set())
        self.down("a")
        self.assertEqual(self.inbox.next().code, "a2")
