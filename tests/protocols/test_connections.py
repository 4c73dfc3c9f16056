"""Who is connected."""

from types import SimpleNamespace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.protocols.connections import Connections, Interest, Kind, Listed


class Door:
    """A connection that notes what it is told."""

    def __init__(self, connections, *, obeys=True):
        self.connections = connections
        self.obeys = obeys
        self.told = []
        connections.opened(self)

    def close(self, code, reason):
        self.told.append((code, reason))
        if self.obeys:
            self.connections.lost(self)

    def abort(self):
        self.told.append("abort")
        if self.obeys is not None:
            self.connections.lost(self)


class Guest:
    """What a v2 client talks to."""

    session, published = "s", 7

    def __init__(self):
        self.told = []
        self.interests = [Interest(1, "t", None)]

    def drain(self, reason):
        self.told.append(reason)


class ConnectionsTests(SynchronousTestCase):
    """The registry."""

    def setUp(self):
        self.now = 1000.7
        self.clock = Clock()
        self.numbers = []
        self.connections = Connections(most=3, same_id=2, wall=lambda: self.now)

    def join(self, kind=Kind.PRODUCER, topic="t", name="a", **options):
        """A connection that has shown the key."""
        door = Door(self.connections, **options)
        inside = SimpleNamespace(published=3 if kind is Kind.PRODUCER else None)
        self.numbers.append(self.connections.joined(door, kind, topic, name, "1.2.3.4", inside))
        return door

    def test_lists_are_by_kind_oldest_first(self):
        self.join(name="b")
        self.now += 1
        self.join(name="a")
        self.join(Kind.CONSUMER)
        self.assertEqual(
            [(client.id, client.joined) for client in self.connections.producers()], [("b", 1000), ("a", 1001)]
        )
        self.assertEqual(self.connections.consumers(), [(Kind.CONSUMER, "t", "a", "1.2.3.4", 1001)])

    def test_strangers_count_but_are_not_listed(self):
        doors = [Door(self.connections) for _ in range(2)]
        self.assertEqual((len(self.connections), self.connections.producers()), (2, []))
        self.assertIsNone(self.connections.refusal)
        Door(self.connections)
        self.assertEqual(self.connections.refusal, "this node has 3 connections, which is as many as it takes")
        self.connections.lost(doors[0])
        self.connections.lost(doors[0])
        self.assertIsNone(self.connections.refusal)

    def test_the_oldest_of_too_many_alike_is_closed(self):
        doors = [self.join(obeys=False) for _ in range(4)]
        told = [(1008, "more than 2 connections with this id")]
        self.assertEqual([door.told for door in doors], [told, told, [], []])
        self.assertEqual((len(self.connections), len(self.connections.producers())), (4, 2))
        self.connections.lost(doors[0])
        self.assertEqual(len(self.connections.producers()), 2)

    def test_another_kind_topic_or_id_is_another_client(self):
        doors = [self.join(), self.join(), self.join(Kind.CONSUMER), self.join(topic="u"), self.join(name="b")]
        self.assertEqual([door.told for door in doors], [[]] * 5)

    def test_an_id_is_free_again_when_its_clients_are_gone(self):
        self.connections.lost(self.join())
        doors = [self.join() for _ in range(2)]
        self.assertEqual([door.told for door in doors], [[], []])

    def welcome(self, name="a", **options):
        """A v2 connection that has shown the key, and what it is told."""
        door, guest = Door(self.connections, **options), Guest()
        self.numbers.append(self.connections.welcomed(door, guest, name, "1.2.3.4"))
        return door, guest

    def test_v2_clients_are_listed_apart_and_may_have_any_name(self):
        doors = [self.welcome()[0] for _ in range(4)]
        self.join()
        told = [
            Listed(number, "v2", "", "a", "1.2.3.4", 1000, "s", 7, (Interest(1, "t", None),)) for number in range(1, 5)
        ]
        self.assertEqual(self.connections.listed(), [*told, Listed(5, "producer", "t", "a", "1.2.3.4", 1000, None, 3)])
        self.assertEqual(self.numbers, [1, 2, 3, 4, 5])
        self.assertEqual([len(self.connections.producers()), len(self.connections.consumers())], [1, 0])
        self.assertEqual([door.told for door in doors], [[]] * 4)
        self.connections.lost(doors[0])
        self.assertEqual([row.number for row in self.connections.listed()], [2, 3, 4, 5])
        self.assertEqual(len(self.connections), 4)

    def test_a_page_of_them_is_listed(self):
        doors = [self.join(name=str(at)) for at in range(5)]
        self.connections.lost(doors[1])
        for given, expected in (
            ((), [1, 3, 4, 5]), ((0, 2), [1, 3]), ((1, 9), [3, 4, 5]), ((2, 1), [3]), ((3, 0), []), ((5, 3), []),
        ):  # fmt: skip
            self.assertEqual([row.number for row in self.connections.listed(*given)], expected, given)

    def test_they_are_counted_by_kind(self):
        doors = [self.join(), self.join(Kind.CONSUMER), self.join(Kind.CONSUMER, name="b"), self.welcome()[0]]
        Door(self.connections)
        self.assertEqual(self.connections.connected(), (1, 2, 1))
        self.join()
        self.join(obeys=False)  # the oldest of the three that are alike is closed
        self.assertEqual(self.connections.connected(), (2, 2, 1))
        for door in (*doors, *doors):
            self.connections.lost(door)
        self.assertEqual(self.connections.connected(), (2, 0, 0))

    def test_one_may_be_closed_by_its_number(self):
        doors = [self.join(name="a"), self.welcome()[0], self.join(name="b")]
        self.assertEqual([self.connections.close_client(number) for number in (2, 2, 7)], [True, False, False])
        self.assertEqual([door.told for door in doors], [[], [(1008, "an operator closed this connection")], []])
        self.join(name="c")
        self.assertEqual([row.number for row in self.connections.listed()], [1, 3, 4])
        self.assertEqual(self.numbers, [1, 2, 3, 4])

    def test_draining_is_told_to_v2_clients(self):
        door, guest = self.welcome()
        gone, late = self.welcome()
        self.connections.lost(gone)
        self.connections.drain("this node stops")
        _, after = self.welcome()
        self.assertEqual([guest.told, late.told, after.told], [["this node stops"], [], ["this node stops"]])
        self.assertEqual(door.told, [])
        self.assertIsNone(self.connections.refusal)

    def test_closing_none_is_done_at_once(self):
        self.successResultOf(self.connections.close_all(self.clock))
        self.assertEqual(self.connections.refusal, "this node stops")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closing_all_waits_for_them(self):
        doors = [self.join(obeys=False), Door(self.connections, obeys=False)]
        gone = self.connections.close_all(self.clock, code=1012, reason="again soon")
        again = self.connections.close_all(self.clock)
        self.assertEqual([door.told for door in doors], [[(1012, "again soon")]] * 2)
        self.connections.lost(doors[0])
        self.assertNoResult(gone)
        self.connections.lost(doors[1])
        self.successResultOf(gone)
        self.successResultOf(again)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.connections.close_all(self.clock))

    def test_all_may_go_while_they_are_told(self):
        doors = [self.join(name=name) for name in "abc"]
        self.successResultOf(self.connections.close_all(self.clock))
        self.assertEqual([door.told for door in doors], [[(1001, "this node stops")]] * 3)

    def test_who_stays_is_cut_off(self):
        door = self.join(obeys=False)
        gone = self.connections.close_all(self.clock, within=3.0)
        self.clock.advance(3)
        self.successResultOf(gone)
        self.assertEqual(door.told[-1], "abort")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_waiting_ends_whatever_happens(self):
        door = self.join(obeys=None)
        gone = self.connections.close_all(self.clock)
        self.clock.advance(5)
        self.assertNoResult(gone)
        self.clock.advance(1)
        self.successResultOf(gone)
        self.connections.lost(door)
