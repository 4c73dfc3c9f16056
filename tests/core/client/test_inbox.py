"""One v2 client as a state machine: subscriptions, deliveries, acks."""

from kapokmq.core.client.errors import Gone, Refused
from kapokmq.core.client.events import Arrived, Complaint, Ended, Joined
from kapokmq.core.client.inbox import Stage, Terms
from kapokmq.core.client.message import Message
from tests.core.client.test_session import SessionCase


def message(code, **more):
    return {"code": code, "topic": "t", "data": '{"n":1}', "createTime": 1.5, "attempt": 1} | more


class InboxCase(SessionCase):
    """A session that is welcomed, and subscribed to `t` in a group unless it is said otherwise."""

    def subscribed(self, **terms):
        if not self.session.live:
            self.welcome()
        inbox = self.session.subscribe("t", Terms(**({"group": "g"} | terms)))
        self.said()
        self.hear("ok", id=inbox.sub)
        return inbox

    def deliver(self, inbox, *codes):
        return self.hear("deliver", sub=inbox.sub, messages=[message(code) for code in codes])

    def taken(self, inbox):
        return [each.code for each in iter(inbox.next, None)]

    def ack(self, inbox, *codes):
        for code in codes:
            inbox.ack(code)
        self.session.stir(inbox)

    def nack(self, inbox, code, delay=None, reason=""):
        inbox.nack(code, delay, reason)
        self.session.stir(inbox)


class SubscribeTests(InboxCase):
    def test_before_there_is_a_connection(self):
        inbox = self.session.subscribe("t.*", Terms(credit=5, start={"time": 3}, acks=False))
        self.assertEqual(self.said(), [])
        self.welcome()
        asked = {"op": "subscribe", "id": inbox.sub, "topic": "t.*", "credit": 5, "start": {"time": 3}, "ack": "none"}
        self.assertEqual(self.said(), [asked])
        self.assertEqual(self.hear("ok", id=inbox.sub), [Joined(inbox.sub)])

    def test_again_on_each_connection(self):
        inbox = self.subscribed(start="all")
        events, said = self.again()
        asked = {"op": "subscribe", "id": inbox.sub, "topic": "t", "credit": 1000, "group": "g", "start": "all"}
        self.assertEqual((events, said), ([], [asked]))

    def test_refused(self):
        self.welcome()
        inbox = self.session.subscribe("a..*", Terms())
        (event,) = self.hear("error", id=inbox.sub, sub=inbox.sub, code="badName", message="no")
        self.assertEqual(event.sub, inbox.sub)
        self.assertEqual(event.error.code, "badName")
        self.session.stir(inbox)
        self.assertEqual(self.again(), ([], []))

    def test_refused_for_a_while_when_it_was_there(self):
        inbox = self.subscribed()
        self.again()
        (event,) = self.hear("error", now=10.0, id=inbox.sub, code="deleting", message="no", retryAfter=2)
        self.assertIsInstance(event, Complaint)
        self.assertEqual(self.session.deadline(), 12.0)
        self.session.tick(11.0)
        self.assertEqual(self.said(), [])
        self.session.tick(12.0)
        self.assertEqual([each["op"] for each in self.said()], ["subscribe"])
        self.assertIsNone(self.session.deadline())

    def test_what_is_done_meanwhile_is_told_when_it_is_there(self):
        inbox = self.subscribed()
        self.again()
        self.ack(inbox, "a")
        self.hear("error", id=inbox.sub, code="deleting", message="no", retryAfter=2)
        self.assertEqual(self.said(), [])
        self.session.tick(2.0)
        self.assertEqual([each["op"] for each in self.said()], ["subscribe", "ack"])

    def test_the_while_ends_as_the_node_drains(self):
        inbox = self.subscribed()
        self.again()
        self.hear("error", now=10.0, id=inbox.sub, code="deleting", message="no", retryAfter=2)
        self.hear("drain", reason="bye")
        self.session.tick(12.0)
        self.assertEqual(self.said(), [])
        self.assertEqual([each["op"] for each in self.again()[1]], ["subscribe"])

    def test_a_draining_node_refuses(self):
        self.welcome()
        inbox = self.session.subscribe("t", Terms())
        self.said()
        self.hear("error", id=inbox.sub, sub=inbox.sub, code="draining", message="bye", retryAfter=5)
        self.assertEqual([each["id"] for each in self.again()[1]], [inbox.sub])

    def test_gone(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a")
        (event,) = self.hear("error", sub=inbox.sub, code="gone", message="deleted")
        self.assertIsInstance(event.error, Gone)
        self.assertEqual(self.taken(inbox), [])
        self.assertEqual(self.deliver(inbox, "b"), [])
        self.assertEqual(self.session.unsubscribe(inbox), [])
        self.ack(inbox, "a")
        self.assertEqual(self.said(), [])
        inbox = self.subscribed(acks=False)
        self.deliver(inbox, "a")
        self.hear("error", sub=inbox.sub, code="gone", message="deleted")
        self.assertEqual(self.taken(inbox), ["a"])

    def test_errors_that_nobody_waits_for(self):
        inbox = self.subscribed()
        for fields in ({}, {"sub": 99}, {"sub": inbox.sub}):
            (event,) = self.hear("error", code="unknownSub", message="no", **fields)
            self.assertIsInstance(event, Complaint)

    def test_credit(self):
        inbox = self.subscribed()
        self.session.set_credit(inbox, 5)
        (said,) = self.said()
        self.assertEqual(said, {"op": "credit", "sub": inbox.sub, "n": 5, "id": said["id"]})
        self.hear("ok", id=said["id"])
        self.session.lost()
        self.session.set_credit(inbox, 7)
        self.welcome()
        self.assertEqual([each["credit"] for each in self.said()], [7])


class UnsubscribeTests(InboxCase):
    def test_acks_are_told_before(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a", "b")
        self.ack(inbox, inbox.next().code)
        self.assertEqual(self.session.unsubscribe(inbox), [])
        self.assertEqual(self.session.unsubscribe(inbox), [])
        ack, leave = self.said()
        self.assertEqual((ack["op"], leave["op"], ack["codes"]), ("ack", "unsubscribe", ["a"]))
        self.deliver(inbox, "c")
        self.assertEqual(self.taken(inbox), [])
        self.hear("ok", id=ack["id"])
        self.assertEqual(self.hear("ok", id=leave["id"]), [Ended(inbox.sub, None)])
        self.assertIs(inbox.stage, Stage.OVER)

    def test_without_a_connection(self):
        inbox = self.subscribed()
        self.session.lost()
        self.assertEqual(self.session.unsubscribe(inbox), [Ended(inbox.sub, None)])
        self.assertEqual(self.again(), ([], []))

    def test_the_connection_ends_meanwhile(self):
        inbox = self.subscribed()
        self.session.unsubscribe(inbox)
        self.said()
        self.assertEqual(self.again(), ([Ended(inbox.sub, None)], []))

    def test_it_was_gone_meanwhile(self):
        for late in ("ok", "error"):
            inbox = self.subscribed()
            self.session.unsubscribe(inbox)
            (leave,) = self.said()
            self.hear("error", sub=inbox.sub, code="gone", message="deleted")
            self.assertEqual(self.hear(late, id=leave["id"], code="unknownSub"), [])

    def test_refused(self):
        inbox = self.subscribed()
        self.session.unsubscribe(inbox)
        (leave,) = self.said()
        complaint, ended = self.hear("error", id=leave["id"], code="internal", message="bug")
        self.assertIsInstance(complaint, Complaint)
        self.assertEqual(ended, Ended(inbox.sub, None))

    def test_while_it_joins(self):
        inbox = self.subscribed()
        self.again()
        self.session.unsubscribe(inbox)
        self.hear("error", id=inbox.sub, sub=inbox.sub, code="full", message="no", retryAfter=1)
        self.assertIs(inbox.stage, Stage.OVER)


class DeliveryTests(InboxCase):
    def test_a_message(self):
        inbox = self.subscribed()
        sent = [message("a", key="k", headers={"h": "v"}, attempt=2, later=1), message("b")]
        self.assertEqual(self.hear("deliver", sub=inbox.sub, messages=sent), [Arrived(inbox.sub)])
        first, second = inbox.next(), inbox.next()
        self.assertEqual((first.code, first.topic, first.json(), first.create_time), ("a", "t", {"n": 1}, 1.5))
        self.assertEqual((first.attempt, first.key, first.headers), (2, "k", {"h": "v"}))
        self.assertEqual((second.attempt, second.key, second.headers), (1, None, {}))
        self.assertIsNone(inbox.next())

    def test_what_is_told_of_it_goes_to_its_source(self):
        told = []

        class Recorder:
            def ack(self, *args):
                told.append(("ack", *args))

            def nack(self, *args):
                told.append(("nack", *args))

            def touch(self, *args):
                told.append(("touch", *args))

        one = Message("a", "t", "", 0.0, 1, source=Recorder())
        one.ack()
        one.nack()
        one.nack(5, "why")
        one.touch()
        self.assertEqual(told, [("ack", "a"), ("nack", "a", None, ""), ("nack", "a", 5, "why"), ("touch", "a")])

    def test_acks_nacks_and_touches_go_in_batches(self):
        inbox = self.subscribed()
        self.deliver(inbox, *"abcdef")
        self.taken(inbox)
        self.ack(inbox, "a", "b", "a")
        self.nack(inbox, "c", 5, "why")
        self.nack(inbox, "d", 5, "why")
        self.nack(inbox, "e")
        inbox.touch("f")
        said = self.said()
        kinds = [(each["op"], each["codes"], each.get("delay"), each.get("reason")) for each in said]
        wanted = [("ack", ["a", "b"], None, None), ("nack", ["c", "d"], 5, "why"), ("nack", ["e"], None, None)]
        self.assertEqual(kinds, [*wanted, ("touch", ["f"], None, None)])
        self.assertFalse(self.session.settled)
        for each in said:
            self.assertEqual(self.hear("ok", id=each["id"], durable="fsync"), [])
        self.assertTrue(self.session.settled)

    def test_many_codes_are_several_frames(self):
        inbox = self.subscribed()
        self.ack(inbox, *map(str, range(10_001)))
        for code in range(1001):
            inbox.nack(str(code), None, "")
            inbox.touch(str(code))
        counts = [(each["op"], len(each["codes"])) for each in self.said()]
        wanted = [("ack", 10_000), ("ack", 1), ("nack", 1000), ("nack", 1), ("touch", 1000), ("touch", 1)]
        self.assertEqual(counts, wanted)

    def test_with_many_unanswered_the_next_wait(self):
        inbox = self.subscribed()
        said = []
        for code in range(120):
            self.ack(inbox, str(code))
            said += self.said()
        self.assertEqual(len(said), 100)
        self.hear("ok", id=said[0]["id"])
        (late,) = self.said()
        self.assertEqual(late["codes"], [str(code) for code in range(100, 120)])

    def test_acks_are_told_again_and_what_they_are_of_is_not_handed_out_again(self):
        inbox = self.subscribed()
        self.deliver(inbox, *"abcd")
        self.taken(inbox)
        self.ack(inbox, "a")
        self.said()
        self.ack(inbox, "b")
        (second,) = self.said()
        self.nack(inbox, "d")
        self.session.lost()
        self.ack(inbox, "c")
        self.assertFalse(self.session.dispensable)
        self.welcome()
        _, ack = self.said()
        self.assertEqual((ack["op"], ack["codes"]), ("ack", ["a", "b", "c"]))
        self.deliver(inbox, "a", "c", "d")
        self.assertEqual(self.taken(inbox), ["d"])
        self.hear("ok", id=second["id"])
        self.hear("ok", id=ack["id"], unknown=[2])
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])

    def test_what_came_again_while_it_was_in_hand_is_settled_with_it(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a", "b")
        self.taken(inbox)
        self.deliver(inbox, "a", "b")
        self.ack(inbox, "a")
        self.nack(inbox, "b")
        self.assertEqual(self.taken(inbox), [])

    def told_again(self):
        """An inbox whose ack of `a` was told again to a broker that was restarted; and that ack."""
        inbox = self.subscribed()
        self.deliver(inbox, "a")
        self.taken(inbox)
        self.ack(inbox, "a")
        self.said()
        self.session.lost()
        self.welcome()
        _, ack = self.said()
        return inbox, ack

    def test_an_ack_told_before_its_message_came_again(self):
        inbox, ack = self.told_again()
        self.hear("ok", id=ack["id"], unknown=[0])
        self.assertEqual(self.said(), [])
        self.deliver(inbox, "a", "b")
        self.assertEqual(self.taken(inbox), ["b"])
        (again,) = self.said()
        self.assertEqual((again["op"], again["codes"]), ("ack", ["a"]))
        self.hear("ok", id=again["id"])
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])

    def test_acks_that_came_too_late_are_counted(self):
        inbox, ack = self.told_again()
        self.hear("ok", id=ack["id"], unknown=[0])
        self.assertEqual(inbox.unknown, 0)
        self.deliver(inbox, "b", "c")
        self.taken(inbox)
        self.ack(inbox, "b")
        self.ack(inbox, "c")
        (ack,) = self.said()
        self.hear("ok", id=ack["id"], unknown=[1])
        self.assertEqual(inbox.unknown, 1)

    def test_an_ack_told_as_its_message_came_again(self):
        inbox, ack = self.told_again()
        self.deliver(inbox, "a")
        self.hear("ok", id=ack["id"], unknown=[0])
        self.assertEqual(self.taken(inbox), [])
        (again,) = self.said()
        self.assertEqual((again["op"], again["codes"]), ("ack", ["a"]))

    def test_that_is_forgotten_after_a_while_so_that_it_can_be_replayed(self):
        inbox, ack = self.told_again()
        self.hear("ok", now=5.0, id=ack["id"], unknown=[0])
        self.assertEqual(self.session.deadline(), 35.0)
        self.session.tick(35.0)
        self.assertIsNone(self.session.deadline())
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])

    def test_an_ack_that_was_never_known_is_none_of_these(self):
        inbox = self.subscribed()
        self.ack(inbox, "a")
        (ack,) = self.said()
        self.hear("ok", id=ack["id"], unknown=[0])
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])

    def test_a_private_group_ends_with_the_connection(self):
        inbox = self.subscribed(group=None)
        self.deliver(inbox, *"ab")
        self.taken(inbox)
        self.ack(inbox, "a")
        self.said()
        self.ack(inbox, "b")
        self.assertEqual([each["op"] for each in self.again()[1]], ["subscribe"])

    def test_what_waits_is_dropped_with_the_connection(self):
        inbox = self.subscribed()
        self.deliver(inbox, "a", "b")
        self.assertEqual(inbox.next().code, "a")
        self.again()
        self.assertIsNone(inbox.next())
        self.deliver(inbox, "b", "a", "b")
        self.assertEqual(self.taken(inbox), ["b", "a"])

    def test_an_ack_that_is_not_on_disk(self):
        inbox = self.subscribed()
        self.ack(inbox, "a")
        (said,) = self.said()
        (event,) = self.hear("error", id=said["id"], code="unavailable", message="no disk", retryAfter=1)
        self.assertIsInstance(event, Complaint)
        self.assertIsInstance(event.error, Refused)
        self.assertTrue(self.session.settled)
        self.nack(inbox, "a")
        (said,) = self.said()
        self.assertEqual(len(self.hear("error", id=said["id"], code="unavailable", message="no disk")), 1)

    def test_an_ack_for_a_subscription_that_was_not_there_again(self):
        inbox = self.subscribed()
        self.session.lost()
        self.ack(inbox, "a")
        self.welcome()
        _, ack = self.said()
        self.hear("error", id=inbox.sub, sub=inbox.sub, code="draining", message="bye")
        self.assertEqual(self.hear("error", id=ack["id"], sub=inbox.sub, code="unknownSub", message="no"), [])
        self.assertEqual([each.get("codes") for each in self.again()[1]], [None, ["a"]])

    def test_whoever_settles_nothing_costs_little(self):
        inbox = self.subscribed(credit=1)
        for code in range(30_000):
            self.deliver(inbox, str(code))
            inbox.next()
        self.assertLess(len(inbox.in_hand), 15_000)

    def test_another_thread_was_quicker(self):
        inbox = self.subscribed()

        class Emptied:
            def __len__(self):
                return 1

            def popleft(self):
                raise IndexError

        inbox.messages = Emptied()
        self.assertIsNone(inbox.next())

    def test_drain(self):
        inbox, other = self.subscribed(), self.subscribed(acks=False)
        self.deliver(inbox, "a", "b")
        self.deliver(other, "x")
        inbox.next()
        self.hear("drain", reason="bye")
        self.assertIsNone(inbox.next())
        self.assertFalse(self.session.dispensable)
        self.ack(inbox, "a")
        (said,) = self.said()
        self.assertFalse(self.session.dispensable)
        self.assertEqual(self.deliver(inbox, "c"), [])
        self.deliver(other, "y")
        self.assertEqual(self.taken(other), ["x", "y"])
        self.hear("ok", id=said["id"])
        self.assertTrue(self.session.dispensable)


class TouchTests(InboxCase):
    def test_what_waits_is_touched(self):
        inbox = self.subscribed(touch_every=10.0)
        self.assertEqual(self.session.deadline(), 10.0)
        self.deliver(inbox, "a", "b")
        inbox.next()
        self.session.tick(9.0)
        self.assertEqual(self.said(), [])
        self.session.tick(10.0)
        self.assertEqual([(each["op"], each["codes"]) for each in self.said()], [("touch", ["b"])])
        self.assertEqual(self.session.deadline(), 20.0)
        self.session.lost()
        self.assertIsNone(self.session.deadline())

    def test_and_what_is_in_hand_where_that_is_kept(self):
        inbox = self.subscribed(touch_every=10.0, keeps=True)
        self.deliver(inbox, "a", "b", "c")
        self.ack(inbox, inbox.next().code)
        inbox.next()
        self.said()
        self.session.tick(10.0)
        self.assertEqual([sorted(each["codes"]) for each in self.said()], [["b", "c"]])

    def test_what_somebody_else_has_is_not_handed_out(self):
        inbox = self.subscribed(touch_every=10.0)
        self.deliver(inbox, "a", "b", "c")
        self.session.tick(10.0)
        (said,) = self.said()
        self.hear("ok", id=said["id"], unknown=[1])
        self.assertEqual(self.taken(inbox), ["a", "c"])

    def test_a_delivery_of_what_is_kept_in_hand_is_no_other(self):
        inbox = self.subscribed(keeps=True)
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])
        self.again()
        self.deliver(inbox, "a", "b")
        self.assertEqual(self.taken(inbox), ["b"])
        self.nack(inbox, "a")
        self.deliver(inbox, "a")
        self.assertEqual(self.taken(inbox), ["a"])


class WithoutAcksTests(InboxCase):
    def test_nothing_is_told(self):
        inbox = self.subscribed(acks=False, touch_every=1.0)
        self.deliver(inbox, "a")
        self.taken(inbox)
        self.ack(inbox, "a")
        self.nack(inbox, "a")
        inbox.touch("a")
        self.assertEqual(self.said(), [])
        self.assertIsNone(self.session.deadline())

    def test_more_may_come_as_they_are_taken(self):
        inbox = self.subscribed(acks=False, credit=4)
        self.deliver(inbox, "a", "b", "c", "d")
        inbox.next()
        self.session.stir(inbox)
        self.assertEqual(self.said(), [], "there is room for little")
        inbox.next()
        self.session.stir(inbox)
        (said,) = self.said()
        self.assertEqual((said["op"], said["n"]), ("credit", 2))
        self.session.stir(inbox)
        self.assertEqual(self.said(), [])

    def test_it_never_holds_more_than_its_credit_however_late_they_come(self):
        inbox = self.subscribed(acks=False, credit=4)
        self.deliver(inbox, "a", "b", "c")
        self.assertEqual(self.taken(inbox), ["a", "b", "c"])
        self.session.stir(inbox)
        self.assertEqual(self.said(), [], "one is on its way")
        self.deliver(inbox, "d")
        (said,) = self.said()
        self.assertEqual(said["n"], 3)

    def test_on_the_next_connection_as_many_as_there_is_room_for(self):
        inbox = self.subscribed(acks=False, credit=4)
        self.deliver(inbox, "a", "b", "c")
        self.assertEqual([each["credit"] for each in self.again()[1]], [1])
        self.assertEqual(self.taken(inbox), ["a", "b", "c"])
        self.session.stir(inbox)
        self.session.lost()
        self.assertEqual(self.said(), [])

    def test_a_draining_node_is_not_asked_for_more(self):
        inbox = self.subscribed(acks=False, credit=2)
        self.deliver(inbox, "a", "b")
        self.hear("drain", reason="bye")
        self.taken(inbox)
        self.session.stir(inbox)
        self.assertEqual(self.said(), [])

    def test_paused(self):
        inbox = self.subscribed(acks=False)
        self.session.set_credit(inbox, 0)
        self.assertEqual([each["n"] for each in self.said()], [0])
        self.session.stir(inbox)
        self.assertEqual(self.said(), [])
