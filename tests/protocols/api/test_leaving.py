"""Leases by poll: what becomes of them when somebody goes, or the node stops, and when nobody polls any more."""

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from kapokmq.core.errors import Gone
from kapokmq.core.policy import GroupConfig
from kapokmq.protocols.api import pulls
from kapokmq.protocols.api.pull import AT_ONCE, LINGER, SPARE
from tests.protocols.api.test_leases import LEASE, LeaseTests
from tests.protocols.http_fakes import parse


class LeavingTests(LeaseTests):
    """Those who do not wait for the answer, and members who are not needed."""

    def leave(self, wire):
        wire.protocol.connectionLost(Failure(ConnectionDone()))

    def test_who_leaves_gives_its_credit_back(self):
        stays, goes = self.poll(max=2, wait=20), self.poll(max=3, wait=20)
        self.leave(goes)
        self.assertEqual(self.member.credit, 2)
        self.member.deal("a")
        self.turn()
        self.assertEqual(self.texts(stays), ["a"])

    def test_who_leaves_gives_its_messages_back(self):
        wire = self.poll(max=2, wait=20)
        delivery = self.member.deal("a", "b")
        self.leave(wire)
        self.turn()
        self.assertEqual(self.engine.calls, [("nack", delivery.codes, 0, "nobody waited for it any more")])
        self.assertEqual((self.member.credit, self.member.open), (0, True))

    def test_what_comes_when_all_have_left_is_given_back(self):
        self.leave(self.poll(max=2, wait=20))
        delivery = self.member.deal("late")
        self.turn()
        self.assertEqual(self.engine.calls[0][:2], ("nack", delivery.codes))

    def test_who_leaves_while_the_member_joins(self):
        self.engine.joining = Deferred()
        self.leave(self.poll())
        self.engine.joining.callback(None)
        self.assertEqual(self.member.credit, 0)
        self.clock.advance(LINGER)
        self.assertTrue(self.member.left)

    def lease(self, *texts, first=1):
        """Have one poll answered with these. Gives the codes."""
        self.poll(max=len(texts))
        codes = self.member.deal(*texts, first=first).codes
        self.turn()
        return codes

    def test_a_member_that_holds_nothing_leaves_soon(self):
        self.poll(wait=20)
        self.clock.advance(20)
        self.clock.advance(LINGER - 0.1)
        self.poll()
        self.clock.advance(AT_ONCE)
        self.clock.advance(LINGER - 0.1)
        self.assertFalse(self.member.left)
        self.clock.advance(0.1)
        self.assertTrue(self.member.left)
        self.poll()
        self.assertEqual(len(self.engine.memberships), 2)

    def test_empty_groups_do_not_keep_others_out(self):
        self.patch(pulls, "MOST_MEMBERS", 3)
        for at in range(9):
            self.admin.configs["t", f"g{at}"] = GroupConfig()
            self.node.begin(LEASE.replace("/g/", f"/g{at}/"))
            self.clock.advance(AT_ONCE)
            self.clock.advance(LINGER)
        self.assertEqual(len(self.engine.memberships), 9)

    def test_the_member_leaves_when_all_is_settled(self):
        first, second, third = self.lease("a", "b", "c")
        self.clock.advance(20)
        self.node.told("POST /topics/t/groups/g/ack", {"codes": [first, "x"]})
        self.clock.advance(20)
        self.node.told("POST /topics/t/groups/g/nack", {"codes": [second]})
        self.clock.advance(20)
        self.assertFalse(self.member.left)
        self.node.told("POST /topics/t/groups/g/ack", {"codes": [third]})
        self.clock.advance(LINGER)
        self.assertTrue(self.member.left)

    def test_it_stays_as_long_as_a_message_may_be_held(self):
        codes = self.lease("a", "b")
        self.clock.advance(30 + SPARE - 0.1)
        self.engine.unknown = codes[1:]
        self.node.told("POST /topics/t/groups/g/touch", {"codes": codes})
        self.clock.advance(30 + SPARE - 0.1)
        self.assertFalse(self.member.left)
        self.clock.advance(0.2)
        self.assertTrue(self.member.left)

    def test_what_nobody_holds_keeps_no_member(self):
        codes = self.engine.unknown = self.lease("a")
        self.node.told("POST /topics/t/groups/g/touch", {"codes": codes})
        self.clock.advance(LINGER)
        self.assertTrue(self.member.left)

    def test_leases_that_ran_out_are_forgotten_while_others_poll(self):
        self.lease("a")
        for at in range(2, 10):
            self.clock.advance(60)
            codes = self.lease("b", first=at)
        self.node.told("POST /topics/t/groups/g/ack", {"codes": codes})
        self.clock.advance(60)
        self.assertFalse(self.member.left)
        self.clock.advance(30)
        self.assertTrue(self.member.left)

    def test_it_stays_while_polls_wait(self):
        for _ in range(4):
            self.poll(wait=60)
            self.clock.advance(59)
        self.assertFalse(self.member.left)

    def test_leases_without_end_are_kept_for_a_day(self):
        self.admin.ack_wait = None
        self.lease("a")
        self.clock.advance(86_000)
        self.assertFalse(self.member.left)
        self.clock.advance(500)
        self.assertTrue(self.member.left)

    def test_dismissed(self):
        wire = self.poll(wait=20)
        self.member.deal("a")
        self.member.receiver.dismissed(Gone("the group was deleted"))
        self.assertEqual(parse(wire.received()).status, 410)
        self.clock.advance(1000)
        self.assertFalse(self.member.left)
        self.assertEqual(self.engine.calls, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_node_stops(self):
        wire = self.poll(wait=20)
        self.node.site().stopFactory()
        self.assertEqual(self.texts(wire), [])
        self.assertTrue(self.member.left)

    def test_the_node_stops_while_the_member_joins(self):
        self.engine.joining = Deferred()
        wire = self.poll(wait=20)
        self.node.site().stopFactory()
        self.engine.joining.callback(None)
        self.assertEqual(self.texts(wire), [])
        self.assertTrue(self.member.left)

    def test_the_node_drains(self):
        codes = self.lease("a")
        wires = [self.poll(wait=60), self.poll(wait=60)]
        self.assertEqual(self.node.told("POST /drain", {}, 202), {"result": "draining"})
        self.assertEqual([self.texts(wire) for wire in wires], [[], []])
        self.assertEqual(self.node.refused(LEASE)[:2], (503, "draining"))
        self.node.site().drain()
        self.node.told("POST /topics/t/groups/g/ack", {"codes": codes})
        self.assertEqual(self.engine.calls, [("ack", codes), "committed"])
        self.assertFalse(self.member.left)

    def test_what_came_just_then_is_handed_out(self):
        wire = self.poll(wait=60)
        self.member.deal("a")
        self.node.site().drain()
        self.assertEqual(self.texts(wire), ["a"])
        self.assertEqual(self.node.refused(LEASE)[:2], (503, "draining"))
