"""One v2 connection as a state machine."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.codec.v2 import Ack, Credit, Nack, Publish, Subscribe, Touch, Unsubscribe
from kapokmq.core.errors import Full, Gone, StoreUnavailable
from kapokmq.core.peers import Receipt
from kapokmq.core.session.v2 import SUBSCRIPTIONS, UNCONFIRMED, Stage, V2Session
from tests.protocols.wire import parse


def op(name, /, **fields):
    return json.dumps({"op": name, **fields}).encode()


def publish(number, count=1):
    return op("publish", id=number, topic="t", messages=[{"data": "x"}] * count)


class V2SessionCase(SynchronousTestCase):
    """A session, and what it says."""

    def setUp(self):
        self.session = V2Session(1000, "fsync")

    def ask(self, *frames):
        return list(self.session.receive(frames))

    def said(self):
        frames, rest = parse(self.session.take(1 << 30))
        self.assertEqual(rest, b"")
        return [json.loads(payload) for _, payload in frames]

    def live(self, sub=1):
        self.ask(op("subscribe", id=sub, topic="t"))
        self.session.joined(sub)
        self.said()


class PublishTests(V2SessionCase):
    def test_ops_come_out_in_order(self):
        frames = [op("subscribe", id=1, topic="t"), publish(2), op("ack", sub=1, codes=["c"]), op("credit", sub=1, n=5)]
        frames += [op("nack", sub=1, codes=["c"]), op("touch", sub=1, codes=["c"]), op("unsubscribe", sub=1)]
        asked = [type(one) for one in self.ask(*frames)]
        self.assertEqual(asked, [Subscribe, Publish, Ack, Credit, Nack, Touch, Unsubscribe])
        self.assertFalse(self.session.ready)

    def test_a_publish_is_owed_its_receipt(self):
        self.ask(publish(5), publish(6))
        self.assertFalse(self.session.settled)
        self.session.confirmed([Receipt(5, 0, 1), Receipt(6, 1, 1)])
        self.assertEqual([told["id"] for told in self.said()], [5, 6])
        self.assertTrue(self.session.settled)

    def test_what_was_stored_is_counted(self):
        self.ask(publish(1, 3), publish(2, 3), publish(3, 3))
        self.session.confirmed([Receipt(1, 0, 3), Receipt(2, 3, 3, duplicates={1: "c"}), Receipt(3, 0, 3, resent=True)])
        self.assertEqual(self.session.published, 5)

    def test_a_refusal_by_the_engine(self):
        (first,) = self.ask(publish(5))
        self.session.refused(first, Full("full up"))
        told = {"op": "error", "id": 5, "code": "full", "message": "full up", "retryAfter": 1.0}
        self.assertEqual(self.said(), [told])
        self.assertTrue(self.session.settled)

    def test_a_refusal_that_comes_later(self):
        self.ask(publish(5), publish(6))
        self.session.abandoned([Receipt(5, 0, 1), Receipt(6, 1, 1)], StoreUnavailable("no disk"))
        self.assertEqual([(told["id"], told["code"]) for told in self.said()], [(5, "unavailable"), (6, "unavailable")])
        self.assertTrue(self.session.settled)

    def test_a_faulty_frame_is_answered_and_the_next_is_read(self):
        asked = self.ask(b"junk", publish(1), op("hello", id=9), op("publish", id=2, topic="t", messages=[{}]))
        self.assertEqual([one.id for one in asked], [1])
        told = [(one.get("id"), one["code"], one.get("index")) for one in self.said()]
        self.assertEqual(told, [(None, "badRequest", None), (9, "badRequest", None), (2, "badRequest", 0)])

    def test_a_frame_that_is_no_text_ends_it(self):
        asked = self.ask(publish(1), b"\xff", publish(2))
        self.assertEqual([one.id for one in asked], [1])
        self.assertEqual(str(self.session.fault), "not UTF-8 at byte 0")

    def test_a_frame_is_read_when_the_op_before_it_is_carried_out(self):
        self.live()
        for asked in self.session.receive([op("unsubscribe", sub=1), op("ack", sub=1, id=2, codes=["c"])]):
            self.session.left(asked)
        self.assertEqual([told["code"] for told in self.said()], ["unknownSub"])


class BoundTests(V2SessionCase):
    def test_a_client_that_is_owed_much_is_busy(self):
        self.ask(*[publish(number) for number in range(UNCONFIRMED - 1)])
        self.assertFalse(self.session.busy)
        self.ask(publish(UNCONFIRMED))
        self.assertTrue(self.session.busy)
        self.session.confirmed([Receipt(0, 0, 1)])
        self.assertTrue(self.session.busy)  # what it has not read counts as well
        self.said()
        self.assertFalse(self.session.busy)

    def test_acks_that_are_to_be_told_count(self):
        self.live()
        acks = [op("ack", sub=1, id=number, codes=["c"]) for number in range(UNCONFIRMED)]
        self.ask(*acks, op("touch", sub=1, id=1, codes=["c"]), op("nack", sub=1, codes=["c"]))
        self.assertTrue(self.session.busy)

    def test_answers_that_are_not_read_are_bounded_in_bytes(self):
        self.live()
        codes = ["c"] * 1000
        for number in range(300):
            (asked,) = self.ask(op("touch", sub=1, id=number, codes=codes))
            self.session.answered(asked, codes)
        self.assertTrue(self.session.busy)
        self.session.take(1 << 18)
        self.assertFalse(self.session.busy)

    def test_answers_are_taken_in_pieces(self):
        for _ in range(3):
            self.session.drain("x" * 100)
        self.assertEqual(len(parse(self.session.take(1)).frames), 1)
        self.assertEqual(len(parse(self.session.take(150)).frames), 2)
        self.assertEqual(self.session.take(1), b"")

    def test_subscriptions_are_bounded(self):
        self.ask(*[op("subscribe", id=number, topic="t") for number in range(SUBSCRIPTIONS + 1)])
        self.assertEqual([(told["id"], told["code"]) for told in self.said()], [(SUBSCRIPTIONS, "tooMany")])


class SubscriptionTests(V2SessionCase):
    """Each turn a subscription may take."""

    def test_it_joins(self):
        self.ask(op("subscribe", id=1, topic="t"))
        self.assertIs(self.session.joined(1), Stage.LIVE)
        self.assertEqual(self.said(), [{"op": "ok", "id": 1}])

    def test_it_does_not_join(self):
        (asked,) = self.ask(op("subscribe", id=1, topic="t"))
        self.session.refused(asked, StoreUnavailable("no disk"))
        (told,) = self.said()
        self.assertEqual((told["id"], told["sub"], told["code"]), (1, 1, "unavailable"))
        self.ask(op("subscribe", id=1, topic="t"))
        self.assertEqual(self.said(), [])

    def test_its_id_is_taken_until_it_is_over(self):
        self.live()
        self.ask(op("subscribe", id=1, topic="u"))
        self.assertEqual([told["code"] for told in self.said()], ["subTaken"])
        (asked,) = self.ask(op("unsubscribe", sub=1))
        self.session.left(asked)
        self.ask(op("subscribe", id=1, topic="u"))
        self.assertEqual(self.said(), [])

    def test_it_is_left(self):
        self.live()
        (asked,) = self.ask(op("unsubscribe", sub=1, id=2))
        self.session.left(asked)
        self.assertEqual(self.said(), [{"op": "ok", "id": 2}])

    def test_it_is_left_before_it_has_joined(self):
        _, asked = self.ask(op("subscribe", id=1, topic="t"), op("unsubscribe", sub=1, id=2))
        self.session.left(asked)
        self.ask(op("ack", sub=1, codes=["c"]), op("subscribe", id=1, topic="t"))
        self.assertEqual([told["code"] for told in self.said()], ["unknownSub", "subTaken"])
        self.assertIs(self.session.joined(1), Stage.LEAVING)
        self.assertEqual(self.said(), [{"op": "ok", "id": 1}, {"op": "ok", "id": 2}])

    def test_it_is_left_and_can_t_join(self):
        first, asked = self.ask(op("subscribe", id=1, topic="t"), op("unsubscribe", sub=1, id=2))
        self.session.left(asked)
        self.session.refused(first, StoreUnavailable("no disk"))
        self.assertEqual([(told["op"], told["id"]) for told in self.said()], [("error", 1), ("ok", 2)])

    def test_it_is_dismissed(self):
        self.live()
        self.session.dismissed(1, Gone("deleted"))
        self.assertEqual(self.said(), [{"op": "error", "sub": 1, "code": "gone", "message": "deleted"}])
        self.ask(op("ack", sub=1, codes=["c"]))
        self.assertEqual([told["code"] for told in self.said()], ["unknownSub"])

    def test_it_is_dismissed_before_it_has_joined(self):
        (first,) = self.ask(op("subscribe", id=1, topic="t"))
        self.session.dismissed(1, Gone("deleted"))
        (told,) = self.said()
        self.assertEqual((told["id"], told["sub"], told["code"]), (1, 1, "gone"))
        self.assertIs(self.session.joined(1), Stage.DISMISSED)
        self.ask(op("subscribe", id=1, topic="t"))
        self.session.dismissed(1, Gone("deleted"))
        self.said()
        self.session.refused(first, StoreUnavailable("no disk"))
        self.assertEqual(self.said(), [])

    def test_it_is_dismissed_while_it_is_left(self):
        _, asked = self.ask(op("subscribe", id=1, topic="t"), op("unsubscribe", sub=1, id=2))
        self.session.left(asked)
        self.session.dismissed(1, Gone("deleted"))
        self.assertEqual([(told["op"], told["id"]) for told in self.said()], [("error", 1), ("ok", 2)])

    def test_an_op_on_none_is_refused(self):
        for name, fields in (("credit", {"n": 1}), ("ack", {"codes": ["c"]}), ("touch", {"codes": ["c"]})):
            self.assertEqual(self.ask(op(name, sub=5, **fields), op(name, sub=5, id=6, **fields)), [])
            told = [(one.get("id"), one["sub"], one["code"]) for one in self.said()]
            self.assertEqual(told, [(None, 5, "unknownSub"), (6, 5, "unknownSub")])
        self.assertEqual(self.ask(op("unsubscribe", sub=5)), [])


class SettlingTests(V2SessionCase):
    def setUp(self):
        super().setUp()
        self.live()

    def test_acks_and_nacks_are_told_with_what_is_durable(self):
        for name in ("ack", "nack"):
            (asked,) = self.ask(op(name, sub=1, id=5, codes=["a", "b", "c"]))
            self.assertFalse(self.session.settled)
            self.session.answered(asked, ["b"])
            self.assertEqual(self.said(), [{"op": "ok", "id": 5, "durable": "fsync", "unknown": [1]}])
            (asked,) = self.ask(op(name, sub=1, id=6, codes=["a", "b", "c"]))
            self.session.answered(asked, ["c", "a"])
            self.assertEqual(self.said(), [{"op": "ok", "id": 6, "durable": "fsync", "unknown": [0, 2]}])
            self.assertTrue(self.session.settled)

    def test_a_touch_and_credit_are_just_told(self):
        for frame in (op("touch", sub=1, id=5, codes=["a"]), op("credit", sub=1, id=5, n=1)):
            (asked,) = self.ask(frame)
            self.session.answered(asked)
            self.assertEqual(self.said(), [{"op": "ok", "id": 5}])

    def test_what_has_no_id_is_not_answered(self):
        frames = [op(name, sub=1, codes=["a"]) for name in ("ack", "nack", "touch")]
        for asked in self.ask(*frames, op("credit", sub=1, n=1)):
            self.session.answered(asked, [])
        self.assertEqual(self.said(), [])
        self.assertTrue(self.session.settled)

    def test_what_fails_is_told(self):
        frames = [op("ack", sub=1, id=5, codes=["a"]), op("touch", sub=1, codes=["a"]), op("unsubscribe", sub=1, id=6)]
        for asked in self.ask(*frames):
            self.session.refused(asked, StoreUnavailable("no disk"))
        told = [(one.get("id"), one["sub"], one["code"]) for one in self.said()]
        self.assertEqual(told, [(5, 1, "unavailable"), (None, 1, "unavailable"), (6, 1, "unavailable")])
        self.assertTrue(self.session.settled)
