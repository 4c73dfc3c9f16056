"""The session of a cluster: where publishes go when a node fails."""

from kapokmq.core.client.errors import Untrusted
from kapokmq.core.client.events import Denied, Draining
from kapokmq.core.client.message import written
from tests.core.client.cluster.cluster_case import ClusterCase


class MovingTests(ClusterCase):
    def moved(self, name="b"):
        return list(self.asked(name).values())

    def begin(self):
        """Node a has one that was sent, and one that was not; b has none."""
        self.up("a")
        self.sent = self.publish("sent")
        self.asked("a")
        self.unsent = self.publish("unsent")
        self.up("b")

    def test_what_was_sent_waits_a_while_for_the_node_to_come_back(self):
        self.begin()
        self.down("a")
        self.assertEqual(self.moved(), [["unsent"]])
        self.assertEqual(self.cluster.deadline(), 1.0)
        self.now = 0.5
        self.down("a")
        self.assertEqual(self.cluster.deadline(), 1.0)
        self.up("a")
        self.assertIsNone(self.cluster.deadline())
        self.tick(5)
        self.assertEqual((list(self.asked("a").values()), self.moved()), ([["sent"]], []))

    def test_and_then_goes_to_another(self):
        self.begin()
        self.down("a")
        self.tick(0.9)
        self.assertEqual(self.moved(), [["unsent"]])
        self.tick(0.2)
        self.assertEqual(self.cluster.stirred, {"a", "b"})
        (number,) = self.asked("b")
        (event,) = self.stored("b", number)
        self.assertEqual(event.number, self.sent)
        self.up("a")
        self.assertEqual(self.asked("a"), {})

    def test_an_answer_that_comes_too_late_is_nobody_s(self):
        self.up("a", "b")
        self.publish()
        (number,) = self.asked("a")
        self.listed(away="a")
        self.tick(1.0)
        self.assertEqual(self.moved(), [["x"]])
        self.assertEqual(self.stored("a", number), [])
        self.assertEqual(self.cluster.pending, 1)

    def test_at_once_if_the_registry_holds_it_dead(self):
        self.begin()
        self.listed(away="a")
        self.assertEqual(self.cluster.deadline(), 1.0)
        self.publish("other")
        self.assertEqual(self.moved(), [["other"]])
        self.down("a")
        self.assertEqual(sorted(self.moved()), [["sent"], ["unsent"]])
        self.assertIsNone(self.cluster.deadline())

    def test_at_once_if_it_is_listed_no_more(self):
        self.begin()
        self.down("a")
        self.moved()
        self.listed("b", whole=True)
        self.assertEqual(self.moved(), [["sent"]])

    def test_a_node_that_stalls_and_is_held_dead_while_it_lives(self):
        self.begin()
        self.listed(away="a")
        self.tick(1.0)
        self.assertEqual(sorted(self.moved()), [["sent"], ["unsent"]])
        self.listed("a")
        self.publish("one")
        self.publish("two")
        self.assertEqual([len(self.asked(name)) for name in "ab"], [1, 1])

    def test_all_are_held_dead_but_live(self):
        self.up("a")
        self.listed(away="a")
        self.assertTrue(self.cluster.room(written("t", ["x"])))
        self.publish()
        self.assertEqual(self.moved("a"), [["x"]])

    def test_one_that_is_alone_gets_it_again_and_it_is_stored_once(self):
        self.up("a")
        self.publish()
        before = self.asked("a")
        self.down("a")
        self.listed(away="a")
        self.tick(9)
        self.assertIsNone(self.cluster.deadline())
        self.assertFalse(self.cluster.settled)
        self.up("a")
        self.assertEqual(self.asked("a"), before)

    def test_unless_another_comes_first(self):
        self.up("a")
        self.publish()
        self.asked("a")
        self.down("a")
        self.tick(1)
        self.up("b")
        self.assertEqual(self.moved(), [["x"]])
        self.up("a")
        self.assertEqual(self.asked("a"), {})

    def test_nobody_is_there(self):
        number = self.publish("early")
        self.assertEqual(self.cluster.pending, 1)
        self.assertIsNone(self.cluster.deadline())
        self.up("a")
        (asked,) = self.asked("a")
        self.assertEqual(self.stored("a", asked)[0].number, number)

    def test_a_node_that_drains(self):
        self.begin()
        (event,) = self.hear("a", "drain", reason="bye")
        self.assertEqual(event, Draining("a: bye"))
        self.assertEqual(self.moved(), [["unsent"]])
        self.publish("other")
        self.assertEqual(self.moved(), [["other"]])
        sent = min(self.cluster.nodes["a"].pending)
        self.assertEqual(self.hear("a", "error", id=sent, code="draining", message="bye", retryAfter=1), [])
        self.assertEqual(self.moved(), [["sent"]])
        self.assertTrue(self.cluster.nodes["a"].session.dispensable)

    def test_a_node_that_drains_alone_keeps_what_it_may_have_stored(self):
        self.up("a")
        self.publish()
        before = self.asked("a")
        self.down("a")
        self.up("a")
        self.asked("a")
        self.hear("a", "drain", reason="bye")
        self.hear("a", "error", id=next(iter(before)), code="draining", message="bye", retryAfter=1)
        self.down("a")
        self.up("a")
        self.assertEqual(self.asked("a"), before)

    def test_what_waits_at_a_node_that_drains_goes_to_one_that_comes(self):
        self.up("a")
        self.hear("a", "drain", reason="bye")
        self.cluster.nodes["a"].session.draining = False
        self.publish()
        self.cluster.nodes["a"].session.draining = True
        self.up("b")
        self.assertEqual(self.moved(), [["x"]])

    def test_what_was_sent_and_moved_can_t_be_taken_back(self):
        self.begin()
        self.listed(away="a")
        self.down("a")
        self.assertFalse(self.cluster.withdraw(self.sent))
        self.assertTrue(self.cluster.withdraw(self.unsent))

    def test_a_node_that_drains_and_still_answers(self):
        self.begin()
        self.hear("a", "drain", reason="bye")
        (event,) = self.stored("a", min(self.cluster.nodes["a"].pending))
        self.assertEqual(event.number, self.sent)

    def test_a_node_that_drains_and_is_cut_off(self):
        self.begin()
        self.hear("a", "drain", reason="bye")
        self.down("a")
        self.assertEqual(sorted(self.moved()), [["sent"], ["unsent"]])

    def test_what_one_refused_goes_back_to_none(self):
        self.up("a", "b")
        number = self.publish()
        self.hear("a", "error", id=next(iter(self.asked("a"))), code="full", message="no", retryAfter=1)
        self.asked("b")
        self.down("b")
        self.assertEqual(self.cluster.deadline(), 1.0)
        events = self.tick(1)
        self.assertEqual([(type(each), each.number) for each in events], [(Denied, number)])

    def test_what_failed_is_left_for_long(self):
        self.begin()
        self.down("a")
        self.cluster.failed("a", Untrusted("no"), 0.0)
        self.assertEqual(sorted(self.moved()), [["sent"], ["unsent"]])
