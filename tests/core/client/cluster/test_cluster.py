"""The session of a cluster: who is there, and where publishes go."""

from kapokmq.core.client.errors import Refused, TryLater, Untrusted, WrongKey
from kapokmq.core.client.events import Complaint, Confirmed, Connected, Denied, Failed
from kapokmq.core.client.inbox import Terms
from kapokmq.core.client.message import written
from kapokmq.core.client.session import Bounds
from tests.core.client.cluster.cluster_case import ClusterCase


class WantedTests(ClusterCase):
    def test_who_is_listed_is_wanted(self):
        self.assertEqual(self.cluster.wanted, [])
        self.listed("b", "a")
        self.assertTrue(self.cluster.changed)
        self.assertEqual(self.cluster.wanted, ["a", "b"])

    def test_who_does_not_live_is_left_when_it_is_away_or_absent(self):
        self.listed("a", "b", "c")
        self.listed(away="a")
        self.listed("b", whole=True)
        self.assertEqual(self.cluster.wanted, ["b"])
        self.listed("a", "c")
        self.assertEqual(self.cluster.wanted, ["a", "b", "c"])

    def test_who_lives_is_left_when_the_connection_ends(self):
        self.up("a", "b")
        self.listed(whole=True)
        self.listed(away="b")
        self.listed(away="b", whole=True)
        self.assertEqual(self.cluster.wanted, ["a", "b"])
        self.down("a")
        self.assertEqual(self.cluster.wanted, ["b"])
        self.down("b")
        self.assertEqual(self.cluster.wanted, [])
        self.listed("a")
        self.assertEqual(self.cluster.wanted, ["a"])

    def test_who_is_away_and_was_never_heard_of(self):
        self.assertEqual(self.listed(away=["a"]), [])
        self.assertEqual(self.cluster.nodes, {})

    def test_each_node_has_a_session_of_its_own_and_another_one_once_it_was_forgotten(self):
        self.listed("0")
        first = self.cluster.nodes["0"].session
        self.listed(away=["0"])
        for number in range(1, 1_002):
            self.listed(f"{number}")
            self.listed(away=[f"{number}"])
        self.assertNotIn("0", self.cluster.nodes)
        self.listed("0")
        sessions = {id(node.session) for node in self.cluster.nodes.values()}
        self.assertEqual(len(sessions), len(self.cluster.nodes))
        self.assertNotIn(id(first), sessions)

    def test_bounds_that_are_none(self):
        for bounds, error in ((None, TypeError), (Bounds(messages=0), ValueError)):
            self.bounds = bounds
            with self.assertRaises(error):
                self.fresh()

    def test_those_that_are_gone_are_forgotten_after_a_while(self):
        self.cluster.subscribe("t", Terms("g"))
        for number in range(1_500):
            self.listed(f"{number}")
            self.listed(away=[f"{number}"])
        self.assertEqual(len(self.cluster.nodes), 1_000)
        self.assertEqual(self.down("0"), [])
        self.assertEqual(self.hear("0", "welcome"), [])

    def test_a_wrong_key_of_one_is_told_and_tried_again_later(self):
        self.up("a")
        self.listed("b")
        self.cluster.nodes["b"].session.connected()
        self.cluster.changed = False
        (event,) = self.hear("b", "error", id=0, code="unauthorized", message="wrong")
        self.assertIsInstance(event, Complaint)
        self.assertIn("b: unauthorized", str(event.error))
        self.assertTrue(self.cluster.changed)
        self.assertEqual(self.cluster.wanted, ["a"])
        self.assertEqual(self.cluster.deadline(), 10.0)
        self.tick(9)
        self.assertEqual(self.cluster.wanted, ["a"])
        self.tick(1)
        self.assertEqual(self.cluster.wanted, ["a", "b"])
        self.assertIsNone(self.cluster.deadline())

    def test_if_all_won_t_have_us_that_is_the_end(self):
        self.listed("a", "b")
        self.assertEqual(self.cluster.failed("a", Untrusted("no"), 0.0), [])
        self.cluster.nodes["b"].session.connected()
        events = self.hear("b", "error", id=0, code="unauthorized", message="wrong")
        self.assertEqual([type(each) for each in events], [Complaint, Failed])
        self.assertIsInstance(events[1].error, WrongKey)

    def test_one_that_failed_is_dialled_when_it_begins_anew(self):
        self.up("a")
        self.listed("b")
        self.cluster.failed("b", Untrusted("no"), 0.0)
        self.listed(away="b")
        self.listed("b")
        self.assertEqual(self.cluster.wanted, ["a", "b"])
        self.assertIsNone(self.cluster.deadline())

    def test_a_complaint_passes_through(self):
        self.up("a")
        (event,) = self.hear("a", "error", code="badRequest", message="?")
        self.assertIsInstance(event, Complaint)


class PublishTests(ClusterCase):
    bounds = Bounds(publishes=6, messages=60, size=6000)

    def test_publishes_are_spread_and_confirmed(self):
        self.assertEqual(self.up("a"), [Connected("a")])
        self.up("b")
        numbers = [self.publish(f"{index}") for index in range(4)]
        self.assertEqual(self.cluster.stirred, {"a", "b"})
        self.assertEqual(self.cluster.pending, 4)
        given = {name: self.asked(name) for name in "ab"}
        self.assertEqual([len(each) for each in given.values()], [2, 2])
        confirmed = [event for name in "ab" for number in given[name] for event in self.stored(name, number)]
        self.assertEqual({event.number for event in confirmed}, set(numbers))
        self.assertTrue(all(isinstance(event, Confirmed) for event in confirmed))
        self.assertTrue(self.cluster.settled)
        self.assertEqual(self.stored("a", next(iter(given["a"]))), [])

    def test_each_node_has_its_share_of_the_bounds(self):
        self.assertFalse(self.cluster.room(written("t", ["x"])))
        self.up("a", "b")
        for _ in range(6):
            self.assertTrue(self.cluster.room(written("t", ["x"])))
            self.publish()
        self.assertFalse(self.cluster.room(written("t", ["x"])))
        self.stored("a", next(iter(self.asked("a"))))
        self.assertTrue(self.cluster.room(written("t", ["x"])))
        self.assertFalse(self.cluster.room(written("t", ["x"] * 29)))
        self.assertFalse(self.cluster.room(written("t", ["x" * 3000])))
        self.up("c")
        self.assertTrue(self.cluster.room(written("t", ["x"] * 50)), "where nothing is pending anything may")
        self.assertFalse(self.cluster.room(written("t", ["x"] * 60)), "within the bounds of all")
        self.assertFalse(self.cluster.room(written("t", ["x" * 6000])))
        self.publish()
        self.assertFalse(self.cluster.room(written("t", ["x"])))
        self.fresh()
        self.up("a")
        self.assertTrue(self.cluster.room(written("t", ["x"] * 100)), "if nothing else is pending, anything may")

    def test_one_that_stalls_does_not_stop_the_others(self):
        self.up("a", "b")
        for _ in range(20):
            if self.cluster.room(written("t", ["x"])):
                self.publish()
            for number in self.asked("b"):
                self.stored("b", number)
        self.assertEqual(self.cluster.pending, 3)
        self.assertTrue(self.cluster.room(written("t", ["x"])))

    def test_what_no_node_takes(self):
        big = written("t", ["x"] * 8)
        self.cluster.check(big)
        number = self.cluster.publish(big)
        self.up("a", batch=5)
        self.assertTrue(self.cluster.room(big), "it waited, and is to be refused")
        with self.assertRaises(Refused) as refused:
            self.cluster.check(big)
        self.assertEqual(refused.exception.code, "tooMany")
        other = self.cluster.publish(big)
        self.assertEqual(self.cluster.deadline(), 0.0)
        (denied,) = self.tick(0)
        self.assertEqual((denied.number, denied.error.code), (other, "tooMany"))
        self.assertNotEqual(number, other)
        self.up("b", batch=10)
        self.cluster.check(big)
        for _ in range(2):
            self.publish(*["x"] * 8)
        self.assertEqual([len(self.asked(name)) for name in "ab"], [0, 2])

    def test_what_waited_for_a_node_is_denied_by_the_first_that_does_not_take_it(self):
        number = self.publish(*["x"] * 8)
        events = self.up("a", batch=5)
        self.assertEqual([(type(each), each[0]) for each in events], [(Connected, "a"), (Denied, number)])

    def test_taken_back(self):
        number = self.publish()
        self.assertEqual(self.cluster.pending, 1)
        self.assertTrue(self.cluster.withdraw(number))
        self.assertFalse(self.cluster.withdraw(number))
        self.up("a")
        number = self.publish()
        self.assertTrue(self.cluster.withdraw(number))
        number = self.publish()
        self.asked("a")
        self.assertFalse(self.cluster.withdraw(number))
        self.assertEqual(self.cluster.pending, 1)

    def test_a_refusal_that_may_pass_is_another_s_chance(self):
        self.up("a", "b", "c")
        number = self.publish()
        said = []
        for name in "abc":
            (asked,) = self.asked(name)
            said = self.hear(name, "error", id=asked, code="full", message="no", retryAfter=1)
            if name != "c":
                self.assertEqual(said, [])
        self.assertEqual(said[0].number, number)
        self.assertIsInstance(said[0].error, TryLater)
        self.assertEqual(self.cluster.pending, 0)

    def test_any_other_refusal_is_final(self):
        self.up("a", "b")
        number = self.publish()
        (event,) = self.hear("a", "error", id=next(iter(self.asked("a"))), code="badName", message="no")
        self.assertEqual((event.number, event.error.code), (number, "badName"))
        self.assertEqual(self.asked("b"), {})
