"""Answers that go on: counts and tails, slow readers, and how they end."""

import json
import re

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from kapokmq.core.engine import Wish
from kapokmq.core.errors import BadName, Gone
from kapokmq.core.policy import TopicPolicy
from serena.web import streams
from tests.protocols.api.test_routing import ApiTests
from tests.protocols.http_fakes import parse

TAIL = "GET /events/topics/t"
COUNTS = "GET /events/counts"


def events(wire):
    """What has come so far: (name, id, data), without pings."""
    body = wire.received().partition(b"\r\n\r\n")[2]
    chunks = re.split(rb"(?:^|\r\n)[0-9a-f]+\r\n", body)
    found = []
    for text in b"".join(chunks).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.strip().split("\n") if re.match(r"\w+: ", line))
        if fields:
            found.append((fields.get("event"), fields.get("id"), json.loads(fields["data"])))
    return found


class TailTests(ApiTests):
    def setUp(self):
        super().setUp()
        self.admin.policies["t"] = TopicPolicy()

    def watch(self, line=TAIL):
        wire = self.node.begin(line)
        return wire, self.engine.memberships[-1]

    def leave(self, wire):
        wire.protocol.connectionLost(Failure(ConnectionDone()))

    def test_messages_as_they_come(self):
        wire, member = self.watch()
        self.assertEqual((member.pattern, member.wish), ("t", Wish(None, None, owes=False)))
        self.assertEqual(member.receiver.label, "api: tail at 192.0.2.7")
        self.assertEqual((member.receiver.address, member.receiver.number), ("192.0.2.7", None))
        self.assertTrue(member.open)
        head = parse(wire.received()).headers
        self.assertEqual(head["Content-Type"], "text/event-stream")
        self.assertEqual(head["Transfer-Encoding"], "chunked")
        self.assertNotIn("Content-Length", head)
        delivery = member.deal("a\n\nb", "c")
        told = {"code": delivery.codes[0], "topic": "t", "data": "a\n\nb", "createTime": 1.0}
        self.assertEqual([one[2]["data"] for one in events(wire)], ["a\n\nb", "c"])
        self.assertEqual(events(wire)[0], (None, delivery.codes[0], told))

    def test_a_batch_is_written_once_for_all(self):
        _, member = self.watch()
        delivery = member.deal("a")
        self.assertEqual(len(delivery._rendered), 1)
        other, _ = self.watch()
        self.engine.memberships[-1].receiver.deliver(delivery)
        self.assertEqual(len(delivery._rendered), 1)
        self.assertEqual(len(events(other)), 1)

    def test_patterns(self):
        _, member = self.watch("GET /events/topics/orders.%3E")
        self.assertEqual(member.pattern, "orders.>")

    def test_no_topic_is_made(self):
        for method in ("GET", "HEAD"):
            self.assertEqual(self.node.call(f"{method} /events/topics/nowhere").status, 404)
        self.assertEqual(self.node.refused("GET /events/topics/nowhere")[1], "notFound")
        self.assertEqual(self.engine.memberships, [])

    def test_a_slow_reader_stalls(self):
        wire, member = self.watch()
        wire.protocol.pauseProducing()
        self.assertFalse(member.open)
        wire.protocol.resumeProducing()
        self.assertTrue(member.open)

    def test_pings(self):
        wire, _ = self.watch()
        self.node.clock.pump([15] * 3)
        self.assertEqual(wire.received().count(b": ping\n\n"), 3)

    def test_who_reads_nothing_is_cut_off(self):
        wire, _ = self.watch()
        wire.protocol.pauseProducing()
        self.node.clock.pump([15] * 4)
        self.assertFalse(wire.closed)
        self.assertNotIn(b"ping", wire.received())
        self.node.clock.advance(15)
        self.assertTrue(wire.closed)

    def test_the_reader_leaves(self):
        wire, member = self.watch()
        self.leave(wire)
        self.assertTrue(member.left)
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_the_reader_leaves_before_it_has_joined(self):
        self.engine.joining = Deferred()
        wire = self.node.begin(TAIL)
        self.leave(wire)
        self.engine.joining.callback(None)
        self.assertTrue(self.engine.memberships[0].left)

    def test_the_topic_is_deleted(self):
        wire, member = self.watch()
        member.receiver.dismissed(Gone("the topic was deleted"))
        self.assertTrue(wire.received().endswith(b"0\r\n\r\n"))
        self.assertFalse(member.left)
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: own\r\n\r\n")
        self.assertIn(b'{"status":"ok"}', wire.received())

    def test_it_is_deleted_on_the_way(self):
        receivers = []

        async def join(receiver, pattern, wish):
            receivers.append(receiver)
            receiver.dismissed(Gone("deleted"))

        self.engine.join = join
        self.assertTrue(self.node.begin(TAIL).received().endswith(b"0\r\n\r\n"))

    def test_refused(self):
        self.engine.refusal = BadName("topic: no")
        self.assertEqual(self.node.refused(TAIL)[:2], (400, "badName"))
        self.assertEqual(self.node.refused("GET /events/topics/a.%3E.b")[:2], (400, "badName"))

    def test_head(self):
        for path in ("topics/t", "topics/a.*", "counts"):
            head = self.node.call(f"HEAD /events/{path}")
            whole = parse(self.node.begin(f"GET /events/{path}").received())
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["X-Content-Type-Options"], "nosniff")
            apart = {"Transfer-Encoding", "Content-Length", "Date"}
            said = [{name: reply.headers[name] for name in reply.headers.keys() - apart} for reply in (head, whole)]
            self.assertEqual(said[0], said[1])
        self.assertEqual(len(self.engine.memberships), 2)

    def test_so_many_and_no_more(self):
        self.patch(streams, "MOST_STREAMS", 1)
        wire, _ = self.watch()
        for line in (TAIL, COUNTS):
            self.assertEqual(self.node.refused(line)[:2], (503, "busy"))
        self.leave(wire)
        self.watch()

    def test_two_at_once_for_the_last_place(self):
        self.patch(streams, "MOST_STREAMS", 1)
        self.engine.joining = Deferred()
        first, second = self.node.begin(TAIL), self.node.begin(TAIL)
        self.engine.joining.callback(None)
        self.assertIn(b" 200 ", first.received())
        self.assertIn(b" 503 ", second.received())
        self.assertEqual([one.left for one in self.engine.memberships], [False, True])

    def test_the_node_stops(self):
        wire, member = self.watch()
        self.node.site().stopFactory()
        self.assertTrue(wire.received().endswith(b"0\r\n\r\n"))
        self.assertTrue(member.left)


class CountsTests(ApiTests):
    def test_at_once_and_then_every_so_often(self):
        wire = self.node.begin(COUNTS + "?every=2")
        self.assertEqual(len(events(wire)), 1)
        name, _, told = events(wire)[0]
        self.assertEqual((name, told["all"], told["topics"]), ("counts", 6, []))
        self.assertEqual(told, self.node.told("GET /counts"))
        self.node.clock.pump([1] * 4)
        self.assertEqual(len(events(wire)), 3)

    def test_one_reading_does_for_all(self):
        asked = []
        figures = self.engine.figures
        self.engine.figures = lambda: asked.append(1) or figures()
        for at in range(5):
            self.node.begin(COUNTS + f"?topic=t{at // 2}")
        self.assertEqual(len(asked), 1)
        self.node.clock.advance(5)
        self.assertEqual(len(asked), 2)

    def test_topic_by_topic(self):
        self.admin.policies |= {"t": TopicPolicy(), "u": TopicPolicy()}
        wire, other = self.node.begin(COUNTS + "?topic=t&topic=none"), self.node.begin(COUNTS + "?topic=u")
        self.assertEqual([one["topic"] for one in events(wire)[0][2]["topics"]], ["t"])
        self.assertEqual([one["topic"] for one in events(other)[0][2]["topics"]], ["u"])
        del self.admin.policies["t"]
        self.node.clock.advance(5)
        self.assertEqual(events(wire)[1][2]["topics"], [])

    def test_a_slow_reader_misses_some(self):
        wire = self.node.begin(COUNTS + "?every=1")
        wire.protocol.pauseProducing()
        self.node.clock.pump([1] * 10)
        self.assertEqual(len(events(wire)), 1)
        wire.protocol.resumeProducing()
        self.node.clock.advance(1)
        self.assertEqual(len(events(wire)), 2)

    def test_what_takes_a_while_holds_up_nobody_else(self):
        self.node.vitals.held = Deferred()
        wire, gone = self.node.begin(COUNTS + "?every=2"), self.node.begin(COUNTS + "?every=2")
        slow = self.node.begin(COUNTS + "?every=2")
        self.assertEqual(self.node.get("/healthz").status, 200)
        gone.protocol.connectionLost(Failure(ConnectionDone()))
        slow.protocol.pauseProducing()
        before = gone.received()
        self.node.clock.pump([1] * 5)
        self.assertEqual(events(wire), [])
        held, self.node.vitals.held = self.node.vitals.held, None
        held.callback(None)
        self.assertEqual([len(events(wire)), len(events(slow)), gone.received()], [1, 0, before])
        self.node.clock.advance(2)
        self.assertEqual(len(events(wire)), 2)

    def test_the_reader_leaves(self):
        wire = self.node.begin(COUNTS)
        wire.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.node.clock.getDelayedCalls(), [])

    def test_a_bug_ends_it(self):
        wire = self.node.begin(COUNTS)
        self.engine.figures = lambda: 1 / 0
        self.node.clock.advance(5)
        self.assertTrue(wire.received().endswith(b"0\r\n\r\n"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_how_often(self):
        for every in ("0", "0.9", "61", "x", "", "null", "nan"):
            self.assertEqual(self.node.refused(f"{COUNTS}?every={every}")[:2], (400, "badRequest"), every)
