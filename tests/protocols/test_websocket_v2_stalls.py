"""v2 clients that read slowly: what is delivered to whom, and in which order."""

from kapokmq.core.errors import Gone
from kapokmq.protocols import v2
from tests.protocols.test_websocket_v2 import V2Case
from tests.protocols.wire import closing


class StallTests(V2Case):
    """A transport that takes no more."""

    def test_all_subscriptions_stall_and_flow_again(self):
        members = [self.subscribe(4), self.subscribe(5)]
        self.client.wire.pauseProducing()
        self.client.wire.resumeProducing()
        self.assertEqual([member.stalls for member in members], [[False, True, False]] * 2)

    def test_one_that_joins_meanwhile_waits(self):
        self.client.wire.pauseProducing()
        self.ask("subscribe", id=4, topic="orders")
        (member,) = self.engine.members
        self.assertEqual((self.client.transport.writes, member.stalls), ([], []))
        self.client.wire.resumeProducing()
        self.assertEqual((self.hears(), member.stalls), ({"op": "ok", "id": 4}, [False]))

    def test_one_that_leaves_meanwhile_stays_stalled(self):
        member = self.subscribe(4)
        self.client.wire.pauseProducing()
        self.ask("unsubscribe", sub=4)
        self.client.wire.resumeProducing()
        self.assertEqual(member.stalls, [False, True])

    def test_who_fills_the_transport_leaves_the_others_their_turn(self):
        members = [self.subscribe(4), self.subscribe(5)]
        drained, turns = self.engine.drained, []

        def greedy(subscription):
            drained(subscription)
            turns.append(members.index(subscription))
            self.client.wire.pauseProducing()

        self.engine.drained = greedy
        self.client.wire.pauseProducing()
        for _ in range(4):
            self.client.wire.resumeProducing()
        self.assertEqual(turns, [0, 1, 0, 1])


class CrampedTests(V2Case):
    """A transport that has enough after each write, while an engine's turn goes on."""

    def setUp(self):
        super().setUp()
        self.members = [self.subscribe(sub) for sub in range(4, 54)]
        self.deliver = self.engine.deliver
        write = self.client.transport.write

        def cramped(data):
            write(data)
            self.client.wire.pauseProducing()

        self.client.transport.write = cramped

    def written(self):
        """What of deliveries was written since last time."""
        return [(told["sub"], told["messages"][0]["data"]) for told in self.client.heard() if told["op"] == "deliver"]

    def test_what_one_turn_delivers_to_many_is_written_one_at_a_time(self):
        rendered = []
        encode = v2.encode_delivery
        self.patch(v2, "encode_delivery", lambda *told: rendered.append(told) or encode(*told))
        self.deliver("orders", "a")
        self.assertEqual((self.written(), len(rendered)), ([(4, "a")], 1))
        for sub in range(5, 54):
            self.client.wire.resumeProducing()
            self.assertEqual((self.written(), len(rendered)), ([(sub, "a")], sub - 3))
        self.assertEqual([member.flows for member in self.members], [False] * 50)
        self.client.wire.resumeProducing()
        self.assertEqual([member.flows for member in self.members], [True] * 50)

    def test_answers_come_between_and_each_subscription_in_its_order(self):
        self.deliver("orders", "a")
        self.deliver("orders", "b")
        self.ask("credit", sub=4, n=1, id=99)
        told = []
        for _ in range(101):
            told += self.client.heard()
            self.client.wire.resumeProducing()
        self.assertEqual(told[1], {"op": "ok", "id": 99})
        self.assertEqual(
            [(one["sub"], one["messages"][0]["data"]) for one in told if one["op"] == "deliver"],
            [(sub, data) for data in "ab" for sub in range(4, 54)],
        )

    def test_what_waits_comes_first_even_if_the_transport_takes_bytes_again_within_a_turn(self):
        def ack(subscription, codes):
            self.client.wire.resumeProducing()
            self.deliver("orders", "b")
            return []

        self.engine.ack = ack
        self.deliver("orders", "a")
        self.ask("ack", sub=4, codes=["c"])
        told = []
        for _ in range(101):
            told += self.written()
            self.client.wire.resumeProducing()
        self.assertEqual(told, [(sub, data) for data in "ab" for sub in range(4, 54)])

    def test_who_leaves_gets_nothing_more(self):
        self.deliver("orders", "a")
        self.ask("unsubscribe", sub=5)
        self.members[2].receiver.dismissed(Gone("deleted"))
        self.subscribe_again(5)
        told = []
        for _ in range(60):
            told += self.written()
            self.client.wire.resumeProducing()
        self.assertEqual([sub for sub, _ in told], [4, *range(7, 54)])

    def subscribe_again(self, sub):
        """Another subscription of that name."""
        self.ask("subscribe", id=sub, topic="orders")

    def test_a_goodbye_does_not_wait_for_them(self):
        self.deliver("orders", "a")
        self.send(closing())
        self.assertEqual([told for told in self.client.heard() if not isinstance(told, dict)], [(1000, "")])
        self.client.wire.resumeProducing()
        self.assertEqual(self.client.heard(), [])
