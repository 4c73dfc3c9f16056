"""A node that drains: nothing new, what is in flight may be settled, and an end."""

from kapokmq.core.engine import Wish
from kapokmq.core.errors import Draining
from kapokmq.protocols.connections import Connections
from kapokmq.services.drain import REASON, Drain
from tests.services.engine import EngineCase, Receiver, drafts


class Guest:
    """A v2 client, as the registry of connections sees it."""

    session = None
    published = 0
    interests = ()

    def __init__(self):
        self.reasons = []

    def drain(self, reason):
        self.reasons.append(reason)


class DrainTests(EngineCase):
    def setUp(self):
        self.make(prompt=True)
        self.connections = Connections(most=10, same_id=10, wall=self.clock.seconds)
        self.over = 0
        self.drain = Drain(self.engine, self.connections, self.clock, self.ended)
        self.receiver, self.subscription = self.join("t", credit=1)
        self.codes = self.send("t", "a", "b")

    def ended(self):
        self.over += 1

    def guest(self):
        guest = Guest()
        self.connections.welcomed(guest, guest, "g", "127.0.0.1")
        return guest

    def test_nothing_is_taken_or_dealt_and_acks_still_count(self):
        classic, sender = self.publisher(), self.publisher(positional=False)
        self.drain.begin(60)
        for publisher in (classic, sender):
            self.assertRaises(Draining, self.engine.publish, publisher, "t", drafts("c"))
        self.fails(self.engine.send("t", drafts("c")), Draining)
        self.assertEqual(self.engine.counts().all, 2)
        self.assertEqual(self.engine.ack(self.subscription, self.codes[:1]), [])
        self.turn()
        self.assertEqual(self.receiver.got, ["a"], "credit came back, and nothing came")
        self.fails(self.engine.join(Receiver(), "t", Wish("another", 10)), Draining)
        self.engine.subscribe(Receiver(), "t", 10)
        self.engine.refill(10)
        self.wait(0)
        self.assertEqual((self.engine.figures().delivered, self.engine.counts().all), (1, 2))
        self.assertFalse(self.engine.health().ready)
        self.assertIn("stops", self.engine.health().reason)

    def test_what_is_nacked_is_not_dealt_again(self):
        self.drain.begin(60)
        self.engine.nack(self.subscription, self.codes[:1], 0, "no")
        self.wait(10)
        self.assertEqual((self.receiver.got, self.over), (["a"], 1))

    def test_it_is_over_once_nothing_is_in_flight(self):
        self.drain.begin(60)
        self.wait(59)
        self.assertEqual(self.over, 0)
        self.engine.ack(self.subscription, self.codes[:1])
        self.assertEqual(self.over, 0)
        self.wait(0.1)
        self.assertEqual(self.over, 1)
        self.wait(100)
        self.assertEqual(self.over, 1)

    def test_or_at_the_deadline(self):
        self.drain.begin(5)
        self.wait(4.8)
        self.assertEqual(self.over, 0)
        self.wait(0.3)
        self.assertEqual(self.over, 1)

    def test_said_again_it_only_shortens_the_wait(self):
        guest = self.guest()
        self.drain.begin(60)
        self.drain.begin(100)
        self.wait(10)
        self.drain.begin(5)
        self.wait(4.8)
        self.assertEqual(self.over, 0)
        self.wait(0.3)
        self.assertEqual((self.over, guest.reasons), (1, [REASON]))
        self.drain.begin(5)
        self.wait(10)
        self.assertEqual(self.over, 1)

    def test_with_nothing_in_flight_it_is_over_at_the_first_look(self):
        self.engine.unsubscribe(self.subscription)
        self.drain.begin(60)
        self.assertEqual(self.over, 0, "whoever asked is answered first")
        self.wait(0.1)
        self.assertEqual(self.over, 1)

    def test_v2_clients_are_told_those_who_come_as_well(self):
        before = self.guest()
        self.assertEqual(before.reasons, [])
        self.drain.begin(60)
        self.assertEqual((before.reasons, self.guest().reasons), ([REASON], [REASON]))

    def test_one_who_can_not_be_told_does_not_keep_the_node(self):
        self.guest().drain = lambda reason: 1 / 0
        self.drain.begin(1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.wait(1.1)
        self.assertEqual(self.over, 1)

    def test_a_node_that_stops_meanwhile_is_not_ended_again(self):
        self.drain.stop()
        self.drain.begin(1)
        self.drain.stop()
        self.wait(10)
        self.assertEqual(self.over, 0)

    def test_an_end_that_fails_is_logged(self):
        Drain(self.engine, self.connections, self.clock, lambda: 1 / 0).begin(0)
        self.wait(0.1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
