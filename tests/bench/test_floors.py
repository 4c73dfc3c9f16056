"""The floors of the wire, as small as they can be measured."""

from importlib import util

from twisted.trial.unittest import SynchronousTestCase

from bench.floors import autobahn_echo, masked, websockets_echo


def unmasked(frame, at):
    """What a server makes of a frame whose mask begins at `at`."""
    mask, covered = frame[at : at + 4], frame[at + 4 :]
    return bytes(byte ^ mask[number % 4] for number, byte in enumerate(covered))


class MaskedTests(SynchronousTestCase):
    def test_every_length_is_framed_as_rfc_6455_says(self):
        for size, head in (
            (0, b"\x81\x80"),
            (1, b"\x81\x81"),
            (125, b"\x81\xfd"),
            (126, b"\x81\xfe\x00\x7e"),
            (65_535, b"\x81\xfe\xff\xff"),
            (65_536, b"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
        ):
            payload = bytes(number % 251 for number in range(size))
            frame = masked(payload)
            self.assertEqual(frame[: len(head)], head)
            self.assertEqual(unmasked(frame, len(head)), payload)

    def test_no_byte_of_a_mask_is_zero(self):
        for _ in range(200):
            self.assertNotIn(0, masked(b"x")[2:6])


class EchoTests(SynchronousTestCase):
    def check(self, row, messages):
        self.assertEqual(row.messages, messages)
        self.assertGreater(row.rate, 0)
        self.assertAlmostEqual(row.rate, row.messages / row.seconds)
        self.assertLessEqual(row.p50, row.p999)

    def test_stock_autobahn_sends_all_of_it_back(self):
        row = autobahn_echo(2_000, 100, 500)
        self.check(row, 2_000)
        self.assertTrue(row.server.startswith("autobahn "))

    def test_over_several_connections(self):
        self.check(autobahn_echo(1_900, 300, 400, connections=4), 2_000)

    def test_websockets_sends_all_of_it_back(self):
        self.check(websockets_echo(1_000, 100, 100), 1_000)

    if util.find_spec("websockets") is None:
        test_websockets_sends_all_of_it_back.skip = "websockets is not installed"
