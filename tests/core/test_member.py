"""What a consumer may hold, and batches."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.member import Batch, Member


class MemberTests(SynchronousTestCase):
    """A member's credit."""

    def test_who_acknowledges_has_the_credit_it_asked_for(self):
        member = Member(None, "orders", 5)
        self.assertEqual((member.owes, member.credit, member.flowing), (True, 5, True))

    def test_who_owes_nothing_has_no_limit(self):
        member = Member(None, "orders", None)
        self.assertEqual((member.owes, member.credit), (False, inf))

    def test_a_batch_is_open_until_every_member_has_acknowledged_every_code(self):
        members = [Member(None, "orders", 5), Member(None, "orders", 5)]
        self.assertEqual(Batch(members, ["a", "b", "c"], None).open, 6)
