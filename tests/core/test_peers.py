"""What publishers and receivers are handed."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.peers import Delivery, Receipt


class ReceiptTests(SynchronousTestCase):
    def test_codes_follow_from_the_first_id(self):
        self.assertEqual(
            Receipt(None, 0xE, 3, "p").codes, ["p000000000000000e", "p000000000000000f", "p0000000000000010"]
        )

    def test_a_duplicate_has_the_code_of_what_stands_for_it(self):
        codes = Receipt(None, 1, 2, "p", duplicates={0: "another"}).codes
        self.assertEqual(codes, ["another", "p0000000000000002"])


class DeliveryTests(SynchronousTestCase):
    def test_what_a_wire_makes_of_it_is_made_once(self):
        made = []

        def render(delivery):
            made.append(delivery)
            return b"one"

        delivery = Delivery("a", [], [])
        self.assertEqual([delivery.rendered(render) for _ in range(3)], [b"one"] * 3)
        self.assertEqual(made, [delivery])
        self.assertEqual(delivery.rendered(lambda _: b"another wire"), b"another wire")
