"""Keys come, lead and go."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.wire.keyring import Keyring, UnfitKey

ONE, TWO, THREE = b"1" * 16, b"2" * 24, b"3" * 32


class KeyringTests(SynchronousTestCase):
    """The first seals; all open."""

    def test_without_keys_there_is_no_primary(self):
        ring = Keyring()
        self.assertEqual((len(ring), ring.keys, ring.primary), (0, (), None))
        ring.add(ONE)
        self.assertEqual(ring.primary, ONE)

    def test_adding_keeps_the_primary_and_knows_no_twins(self):
        ring = Keyring([ONE, TWO])
        ring.add(bytearray(THREE))
        ring.add(TWO)
        self.assertEqual(ring.keys, (ONE, TWO, THREE))
        self.assertEqual(ring.primary, ONE)

    def test_keys_have_16_24_or_32_bytes(self):
        for length in (0, 3, 15, 17, 33, 38):
            self.assertRaises(UnfitKey, Keyring().add, bytes(length))

    def test_a_key_that_is_there_may_lead(self):
        ring = Keyring([ONE, TWO, THREE])
        ring.use(THREE)
        self.assertEqual(ring.keys, (THREE, ONE, TWO))
        ring.remove(TWO)
        self.assertRaises(UnfitKey, ring.use, TWO)
        self.assertEqual(ring.keys, (THREE, ONE))

    def test_the_primary_stays(self):
        ring = Keyring([ONE, TWO])
        self.assertRaises(UnfitKey, ring.remove, ONE)
        ring.remove(TWO)
        ring.remove(TWO)
        self.assertEqual(ring.keys, (ONE,))

    def test_keys_are_never_shown(self):
        ring = Keyring([ONE, TWO])
        errors = [
            self.assertRaises(UnfitKey, f, key)
            for f, key in ((ring.add, b"short"), (ring.use, THREE), (ring.remove, ONE))
        ]
        for shown in (repr(ring), str(ring), f"{[ring]}", *map(str, errors), *map(repr, errors)):
            for secret in ("111", "222", "333", "short", ONE.hex()):
                self.assertNotIn(secret, shown)
